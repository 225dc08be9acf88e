"""The migrations make the tables the program works with, with the keys it needs."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from actors.errors import StoreError
from actors.store import upgrade
from actors.store.schema import METADATA
from actors.store.store import Store
from tests.store.samples import ACCOUNT


def test_the_migrations_make_the_tables_of_the_program(store: Store) -> None:
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
        revision = context.get_current_revision()

    assert differences == []
    assert revision == upgrade.known_revisions()[-1]


def test_the_names_of_the_migrations_tell_their_order() -> None:
    scripts = ScriptDirectory(str(Path(upgrade.__file__).with_name("migrations")))

    assert upgrade.known_revisions() == [script.revision for script in scripts.walk_revisions()][::-1]


def test_the_indexes_cover_the_rows_the_program_means(sqlite_url: str, tmp_path: Path) -> None:
    Store.open(sqlite_url, account_id=ACCOUNT, holder="tests").close()
    plain = f"sqlite:///{tmp_path}/plain.sqlite"
    engine = create_engine(plain)
    METADATA.create_all(engine)
    engine.dispose()

    assert indexes(sqlite_url) == indexes(plain)
    assert "orders_live" in indexes(plain)


def indexes(url: str) -> dict[str, str]:
    """Return each index by name, as its statement or, for a key of a table, as its columns in order."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name != 'alembic_version'"
        ).fetchall()
        keys = {
            name: str(connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (name,)).fetchall())
            for name, _ in rows
        }
    return {name: re.sub(r'["\s]+', " ", sql or keys[name]) for name, sql in rows}


def test_an_upgrade_that_fails_midway_leaves_the_file_as_it_was(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE signals (mine TEXT)")

    with pytest.raises(StoreError, match="table signals already exists"):
        Store.open(sqlite_url, account_id=ACCOUNT, holder="tests")

    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("signals",)]
    connection.close()


LOOKUPS = {
    "UPDATE orders SET status = v.column2 FROM (VALUES ('a', 'b'), ('c', 'd')) AS v "
    "WHERE orders.order_id = v.column1": "order_id=",
    "SELECT * FROM orders WHERE order_id IN (SELECT value FROM json_each('[]'))": "order_id=",
    "SELECT * FROM orders WHERE broker_order_id IN (SELECT value FROM json_each('[]'))": "broker_order_id=",
    "SELECT * FROM fills WHERE fill_id IN (SELECT value FROM json_each('[]'))": "fill_id=",
    "SELECT * FROM fills WHERE client_order_id = 'a'": "client_order_id=",
    "SELECT entry_id FROM signals WHERE entry_id IN (SELECT value FROM json_each('[]'))": "entry_id=",
}


@pytest.mark.parametrize(("statement", "key"), LOOKUPS.items(), ids=range(len(LOOKUPS)))
def test_what_is_looked_up_for_every_batch_is_found_by_key(sqlite_url: str, statement: str, key: str) -> None:
    Store.open(sqlite_url, account_id=ACCOUNT, holder="tests").close()
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    plan = " / ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
    connection.close()

    assert re.search(rf"SEARCH \w+ USING (COVERING )?INDEX \w+ \({key}", plan), plan

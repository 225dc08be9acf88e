"""A store of an earlier version becomes one of this version, with all that is in it."""

from contextlib import closing

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url

from actors.model import Event
from actors.store import upgrade
from actors.store.engine import open_engine
from actors.store.reader import StoreReader
from actors.store.store import Store
from actors.store.unit import Unit
from actors.verify_log import walk_log
from tests.store.samples import ACCOUNT

EVENTS = 12_000


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def fresh_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a database without tables, once of each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_database"
    url: str = request.getfixturevalue(name)
    return url


def make_schema(url: str, revision: str) -> None:
    engine = open_engine(url, writable=True)
    config = Config()
    config.set_main_option("script_location", str(upgrade._SCRIPTS))
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.exec_driver_sql("COMMIT")
    engine.dispose()


def test_the_events_of_an_older_store_become_a_chain_that_goes_on(fresh_url: str) -> None:
    make_schema(fresh_url, "0003")
    engine = open_engine(fresh_url, writable=True)
    sign = "?" if make_url(fresh_url).get_backend_name() == "sqlite" else "%s"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"INSERT INTO owner VALUES ('{ACCOUNT}', 1, 'old', 0)")
        rows = [(seq, "order.submitted", f"oa-{seq}" if seq % 2 else None, seq * 7, "{}") for seq in range(1, EVENTS)]
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"INSERT INTO events VALUES ({', '.join([sign] * 5)})", rows)
        connection.exec_driver_sql("COMMIT")
    engine.dispose()

    store = Store.open(fresh_url, account_id=ACCOUNT, holder="tests")
    unit = Unit()
    unit.events.append(Event(seq=EVENTS, type="order.filled", order_id=None, body=b"{}"))
    store.commit(unit)
    store.close()

    with closing(StoreReader.open(fresh_url)) as reader:
        walk = walk_log(reader, set())
    assert walk.end == EVENTS
    assert walk.breaks == []


def test_a_store_that_nobody_owned_yet_is_upgraded(fresh_url: str) -> None:
    make_schema(fresh_url, "0003")

    with closing(Store.open(fresh_url, account_id=ACCOUNT, holder="tests")) as store:
        assert store.log_end().seq == 0

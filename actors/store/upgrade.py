"""Bringing a store to this program's schema, and refusing one that is ahead of it."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from actors.errors import StoreError
from actors.store.failures import explained
from actors.store.statements import is_sqlite

_SCRIPTS: Final = Path(__file__).with_name("migrations")
_UPGRADE_LOCK: Final = 0x6F61_7363


def newest_revision() -> str:
    """Return the revision of this program's schema."""
    revision = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    if revision is None:
        raise StoreError(f"no migrations in {_SCRIPTS}: the installation is incomplete, install order-actors again")
    return revision


def upgrade(engine: Engine, where: str) -> None:
    """Bring the schema up to date in one transaction; at a crash it is the old one or the new one.

    Raises:
        StoreError: The schema is newer than this program.
    """
    with explained(engine, where), engine.connect() as connection:
        sqlite = is_sqlite(engine.dialect)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
        try:
            if not sqlite:  # two programs may start at once
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_UPGRADE_LOCK,))
            newest = newest_revision()
            found = _revision(connection)
            _refuse_newer(found, newest, where)
            if found != newest:
                config = Config(attributes={"connection": connection})
                config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
                command.upgrade(config, "head")
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.invalidate()
            raise


def require_current(engine: Engine, where: str) -> None:
    """Check a schema that may only be read.

    Raises:
        StoreError: There is none, or it is older or newer than this program's.
    """
    with explained(engine, where), engine.connect() as connection:
        newest, found = newest_revision(), _revision(connection)
    _refuse_newer(found, newest, where)
    if found is None:
        raise StoreError(f"store {where}: it is empty; start the system once, it makes the tables")
    if found != newest:
        raise StoreError(
            f"store {where}: its schema is {found}, this program reads {newest}; start the system once to upgrade it"
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(found: str | None, newest: str, where: str) -> None:
    known = {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"store {where}: its schema is {found}, this program knows up to {newest}; "
            "install the version of order-actors that wrote it, or a newer one"
        )

"""Bringing a store to this program's schema, and refusing one that is ahead of it."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect

from actors.errors import StoreError, StoreMissing
from actors.store.failures import explained
from actors.store.statements import is_sqlite

_SCRIPTS: Final = Path(__file__).with_name("migrations")
_VERSION_TABLE: Final = "alembic_version"
_UPGRADE_LOCK: Final = 0x6F61_7363


def known_revisions() -> list[str]:
    """Return the revisions this program can make, the newest last; the name of a migration's file begins with it."""
    revisions = sorted(path.name.partition("_")[0] for path in _SCRIPTS.glob("versions/[0-9]*.py"))
    if not revisions:
        raise StoreError(f"no migrations in {_SCRIPTS}: the installation is incomplete, install order-actors again")
    return revisions


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
            if _accepted_revision(connection, where) != known_revisions()[-1]:
                _run_migrations(connection)
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
        found = _accepted_revision(connection, where)
    if found is None:
        raise StoreMissing(f"store {where}: it is empty; start the system once, it makes the tables")
    if found != known_revisions()[-1]:
        raise StoreError(
            f"store {where}: its schema is {found}, this program reads {known_revisions()[-1]}; "
            "start the system once to upgrade it"
        )


def _accepted_revision(connection: Connection, where: str) -> str | None:
    """Return the schema's revision, None for an empty store; refuse one this program does not know."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {_VERSION_TABLE}").scalar()  # noqa: S608
    known = known_revisions()
    if found is not None and found not in known:
        raise StoreError(
            f"store {where}: its schema is {found}, this program knows up to {known[-1]}; "
            "install the version of order-actors that wrote it, or a newer one"
        )
    return found


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a sixth of a second that only an upgrade needs
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    command.upgrade(config, "head")

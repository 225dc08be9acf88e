"""The fixtures every test may ask for, and the markers that follow from them."""

import signal

import pytest
from hypothesis import settings

from tests.servers import postgres_database, postgres_server, postgres_url, redis_server, redis_url

__all__ = ["postgres_database", "postgres_server", "postgres_url", "redis_server", "redis_url"]

# A busy machine is no failure: pytest-timeout bounds every test.
settings.register_profile("order-actors", deadline=None)
settings.load_profile("order-actors")


def pytest_configure() -> None:
    """End in order on SIGTERM as on Ctrl-C, so that no worker and no server runs on alone."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that `-m "not redis and not postgres"` can be trusted."""
    for item in items:
        for server in ("redis", "postgres"):
            if f"{server}_server" in getattr(item, "fixturenames", ()):
                item.add_marker(server)

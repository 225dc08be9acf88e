"""Opening the store to read, also while a system writes to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from actors.settings import Settings
from actors.store.reader import StoreReader


@contextmanager
def reading(settings: Settings) -> Iterator[StoreReader | None]:
    """Give the store, or None where no system has made one yet."""
    if settings.store.url is None and not (settings.directory / "store.sqlite").exists():
        yield None
        return
    reader = StoreReader.open(settings.store_url)
    try:
        yield reader
    finally:
        reader.close()

"""Opening the store to read, also while a system writes to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from actors.errors import StoreMissing
from actors.settings import Settings
from actors.store.reader import StoreReader


@contextmanager
def reading(settings: Settings) -> Iterator[StoreReader | None]:
    """Give the store, or None where no system has made one yet."""
    try:
        reader = StoreReader.open(settings.store_url)
    except StoreMissing:
        yield None
        return
    try:
        yield reader
    finally:
        reader.close()

"""Where tests keep stores that no crash of the machine is to be survived in."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Give an empty folder for the time of the block, in memory where that is possible: syncing costs nothing there."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="order-actors-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)

"""A process that has imported the system once and forks a child of its own for each start of it.

It never runs the system itself and never has a second thread, so that a child begins like a fresh process but for the
imports. It reads one JSON object a line and answers with one: ``{"start": [arguments], "environ": …, "stdout": …,
"stderr": …}`` with the child's ``pid``, and ``{"reap": pid}``, once that child has ended, with its ``status``. When
stdin ends it kills the children it has left and ends.
"""

import gc
import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from tests.process import victim

_IMPORTED = (
    "actors.cli.commands",
    "actors.cli.run",
    "actors.cli.control",
    "actors.cli.verifying",
    "actors.store.upgrade",
    "alembic.runtime.migration",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.sqlite.pysqlite",
)


def main() -> None:
    """Serve until stdin ends."""
    children: set[int] = set()
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    for text in sys.stdin:
        said = json.loads(text)
        if "reap" in said:
            answer = {"status": _reap(said["reap"])}
            children.remove(said["reap"])
        else:
            answer = {"pid": _start(said)}
            children.add(answer["pid"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _start(said: dict[str, Any]) -> int:
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise RuntimeError(f"the zygote has {threads} threads and must not fork; find the import that starts one")
    pid = os.fork()
    if pid == 0:
        _become(said)
    return pid


def _become(said: dict[str, Any]) -> NoReturn:
    """Be the child: a session of its own, its own files, and then the program, which never comes back here."""
    code = 70
    try:
        os.setsid()
        for number, name in ((0, os.devnull), (1, said["stdout"]), (2, said["stderr"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
            handle = os.open(name, flags, 0o600)
            os.dup2(handle, number)
            os.close(handle)
        os.environ.update(said["environ"])
        sys.argv = ["order-actors", *said["start"]]
        victim.main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
    except BaseException:  # noqa: BLE001 - the last frame of the child
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _reap(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main()

"""Halting without a system that answers: in the store while none runs, and by the file when nothing else works."""

import getpass
import os
from pathlib import Path

from actors.broker.gate import stands
from actors.errors import RequestRefused
from actors.kill_switch.worker import FILE_NAME
from actors.model.control import TradingControl, tightened
from actors.opening import open_store
from actors.order_manager.working_set import WorkingSet
from actors.runtime.clock import utc_now
from actors.settings import Settings
from actors.store.lock import DataDirLock


def set_control(settings: Settings, control: TradingControl | None, by: str, *, resumes: bool = False) -> None:
    """Set or clear what holds trading back while no system runs on the data directory.

    Args:
        settings: Whose.
        control: What holds it back from now on; None clears it.
        by: Who asks.
        resumes: A person resumes with it; nothing else lets a halt out.

    Raises:
        StoreLocked: A system does run; ask it instead.
        RequestRefused: It would be cleared while the file of the kill switch is there, or a halt would be let out a
            little without a resume.
    """
    if control is None:
        refuse_while_latched(settings)
    with DataDirLock(settings.directory) as lock:
        store = open_store(settings, lock.holder)
        try:
            facts = WorkingSet(store, settings.account_id, utc_now())
            if control is not None and not resumes:
                control = tightened(facts.control, control)
            facts.put_control(control)
            if control is None or resumes:
                facts.note("trading.resumed", by=by)
            else:
                facts.note(f"trading.{control.state}", reason=control.reason, by=by, alert=True)
            facts.commit()
        finally:
            store.close()


def latch(settings: Settings, reason: str) -> Path:
    """Make the file that halts trading, whatever else works, and return its path.

    Raises:
        OSError: It cannot be made.
    """
    file = settings.directory / FILE_NAME
    file.write_text(f"{reason}\n", encoding="utf-8")
    return file


def latched(settings: Settings, reason: str) -> str:
    """Make the file, and say in words what that means for a restart; never raises."""
    try:
        return f"the file {latch(settings, reason)} keeps it so"
    except OSError as error:
        return f"a restart would forget it, for no file could be made ({error}): do not restart this process"


def refuse_while_latched(settings: Settings) -> None:
    """Refuse to resume while the file is there: it would halt at the next order.

    Raises:
        RequestRefused: It is there.
    """
    file = settings.directory / FILE_NAME
    if stands(file):
        raise RequestRefused(f"the file {file} halts trading; remove it, then resume")


def whoami() -> str:
    """Return the name of the user that runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"

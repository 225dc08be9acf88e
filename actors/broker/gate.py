"""The gate every order passes right before the broker is called."""

import logging
import threading  # noqa: TID251 - one lock for changes, which come from several threads at once
from collections.abc import Callable
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

RECOVERING: Final = "recovering"
"""The reason until the broker was queried and the answer applied."""

DISCONNECTED: Final = "disconnected"
"""The reason while the broker cannot be reached."""

HALTED: Final = "halted"
"""The reason while a person, a rule or the file of the kill switch halts trading."""

TAKEN: Final = "the account was taken by another owner"
"""The reason from the moment this process knows that it is not its account any more; it never ends (I10)."""

UNARMED: Final = "not armed"
"""The reason while no person has armed an account that has real money (I22)."""

LOOK_AGAIN: Final = 0.01
"""Seconds between two looks at the file, which would cost a busy lane more than all its other checks."""


class TradingGate:
    """Whether orders may be sent now; shared by the order manager, the system and the broker's workers.

    Closed for any number of reasons at once, open when there is none. Reading is one attribute look-up, so that the
    last check before a send costs nothing; every change replaces the set of reasons as a whole.

    Args:
        reasons: Why it is closed at first.
        halt_file: The file that halts trading by being there.

    Attributes:
        armed: Asked, too, where the account has real money: whether it is armed.
    """

    def __init__(self, *reasons: str, halt_file: Path | None = None) -> None:
        self._reasons = frozenset(reasons)
        self._halt_file = halt_file
        self.armed: Callable[[], bool] | None = None
        self._looked = -LOOK_AGAIN
        self._changing = threading.Lock()
        self._losses = 0
        self._halts = 0

    @property
    def reasons(self) -> frozenset[str]:
        """Why it is closed; empty when it is open."""
        return self._reasons

    @property
    def is_open(self) -> bool:
        """Whether orders may be sent."""
        return not self._reasons

    def admits(self, monotonic: float) -> bool:
        """Whether an order may leave now; the last look before the broker is called, at the file, too (I13).

        Args:
            monotonic: The time, in seconds; the file is looked at again when :data:`LOOK_AGAIN` of them have passed.
        """
        if monotonic - self._looked >= LOOK_AGAIN:
            self._looked = monotonic
            if self._halt_file is not None and stands(self._halt_file):
                self.close(HALTED)
            if self.armed is not None and not self.armed():
                self.close(UNARMED)
        return not self._reasons

    def close(self, reason: str) -> None:
        """Close it for a reason, at once."""
        with self._changing:
            new = reason not in self._reasons
            self._reasons |= {reason}
        if new:
            log.warning("no orders are sent: %s", reason)

    @property
    def losses(self) -> int:
        """How often the connection was lost."""
        return self._losses

    def lose(self) -> None:
        """Close it, at once, because the connection is lost; only what is asked from now on can open it (I14)."""
        with self._changing:
            self._losses += 1
            self._reasons |= {DISCONNECTED, RECOVERING}
        log.warning("no orders are sent: the connection to the broker is lost")

    @property
    def halts(self) -> int:
        """How often trading was halted by :meth:`halt`."""
        return self._halts

    def halt(self) -> None:
        """Close it, at once, for a halt; a resume that was asked for before does not open it again."""
        with self._changing:
            self._halts += 1
        self.close(HALTED)

    def open(self, reason: str, *, losses: int | None = None, halts: int | None = None) -> bool:
        """Take one reason away; if a count is given, only if it was lost, or halted, no more often than that.

        Returns:
            Whether the reason does not stand any more.
        """
        with self._changing:
            if losses not in (None, self._losses) or halts not in (None, self._halts):
                return False
            known = reason in self._reasons
            self._reasons -= {reason}
        if known and self.is_open:
            log.info("orders are sent")
        return True


def stands(file: Path) -> bool:
    """Return whether the file that halts is there, be it a link that leads nowhere."""
    return file.is_symlink() or file.exists()

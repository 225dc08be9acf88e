"""The kill switch: stops new orders at once, whatever else is broken, and sees to it that a halt is carried out.

What stops orders is in memory and on the disk's directory alone: the gate, and the file ``HALT`` in the data directory,
which is looked at before every order and works when Redis, the store, the actors and the command line do not (I13).
Carrying a halt out, durably and with its cancels, is the order manager's work; when it does not confirm that soon, the
cancels leave from here.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from actors.broker.gate import HALTED, TradingGate, stands
from actors.kill_switch.arming import ArmingGuard
from actors.messages import HaltTrading
from actors.model.fields import plain_text
from actors.runtime.clock import Clock

log = logging.getLogger(__name__)

FILE_NAME: Final = "HALT"
"""A file of this name in the data directory halts trading; its first line is the reason."""

POLL: Final = 0.05
"""Seconds between two looks at the file."""

PATIENCE: Final = 0.3
"""Seconds the order manager has to confirm a halt before cancels leave without it, and between two rounds of them."""


class KillSwitch:
    """Trips from any thread, and by the file.

    Args:
        file: The file that halts.
        gate: What every order passes.
        clock: The time.
        tell: Has a message delivered to the order manager.
        cancel_directly: Has everything cancelled that is known to work, whoever knows it.
        arming: Looks whether an account with real money is armed; None where there is none.
    """

    def __init__(
        self,
        file: Path,
        gate: TradingGate,
        clock: Clock,
        tell: Callable[[HaltTrading], None],
        cancel_directly: Callable[[], None],
        arming: ArmingGuard | None = None,
    ) -> None:
        self.file = file
        self._gate = gate
        self._clock = clock
        self._tell = tell
        self._cancel_directly = cancel_directly
        self.arming = arming
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kill-switch", daemon=True)
        self._changing = threading.Lock()
        self._pending: dict[Future[bool], tuple[HaltTrading, float]] = {}
        self._file_seen = False

    def start(self) -> None:
        """Look at the file, then go on looking."""
        if stands(self.file):
            self._gate.close(HALTED)
        if self.arming is not None:
            self.arming.look()
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End the thread; returns whether it ended in time."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def trip(self, reason: str, by: str, *, keep_orders: bool = False) -> Future[bool]:
        """Halt; the gate is closed when this returns, and the future is done once the halt is durable."""
        self._gate.halt()
        reply: Future[bool] = Future()
        message = HaltTrading(reason=reason, by=by, keep_orders=keep_orders, reply=reply)
        with self._changing:
            self._pending[reply] = (message, self._clock.monotonic())
        reply.add_done_callback(self._forget)
        self._tell(message)
        return reply

    def _forget(self, reply: Future[bool]) -> None:
        with self._changing:
            self._pending.pop(reply, None)

    def _run(self) -> None:
        last_round = -PATIENCE
        while not self._stop.wait(POLL):
            try:
                self._look_at_file()
                if self.arming is not None:
                    self.arming.look()
                now = self._clock.monotonic()
                if self._is_overdue(now) and now - last_round >= PATIENCE:
                    last_round = now
                    self._cancel_directly()
            except Exception:  # this thread must outlive whatever is broken
                log.exception("kill switch: looking failed; it goes on")

    def _look_at_file(self) -> None:
        there = stands(self.file)
        if there and not self._file_seen:
            self.trip(self._reason(), f"the file {self.file}")
        self._file_seen = there

    def _is_overdue(self, now: float) -> bool:
        with self._changing:
            pending = tuple(self._pending.values())
        return any(now - since >= PATIENCE for message, since in pending if not message.keep_orders)

    def _reason(self) -> str:
        try:
            with self.file.open(encoding="utf-8", errors="replace") as file:
                text = file.readline(_LONGEST).strip()
        except OSError as error:
            text = f"its reason cannot be read: {error.strerror}"
        return plain_text(text) or "a person made the file"


_LONGEST: Final = 256

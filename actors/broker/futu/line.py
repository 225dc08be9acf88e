"""One connection to OpenD from its beginning to its end: a context of the SDK, its worker thread, what watches it.

The SDK's own reconnecting is never used: it dies silently of a frame that was cut, of a login that is refused, and of
connections that it leaks, and it does not look whether pushes are granted. A line that is lost is closed, and a new one
is made in its place.
"""

import logging
import threading  # noqa: TID251 - a line ends once, whoever finds it lost
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from actors.broker.futu.outcomes import is_silence
from actors.broker.futu.rows import Row
from actors.broker.futu.sdk import READY, Context, SdkRefused
from actors.broker.futu.worker import Rank, Watch, Worker
from actors.errors import BrokerUnclear
from actors.runtime.clock import Clock

log = logging.getLogger(__name__)

PROBE_EVERY: Final = 4.0
"""Seconds without an answer until OpenD is asked for one."""

PROBE_ANYHOW: Final = 15.0
"""Seconds until it is asked though it answers other questions: whether it is logged in and sends pushes, none tells."""

HUNG: Final = 26.0
"""Seconds of one call after which OpenD counts as hung; the SDK ends its own calls after 12, and makes up to five."""


class Line:
    """A context that one thread uses, and that ends as soon as anything tells that it is dead.

    Args:
        acc_id: The account whose pushes are asked for, once it is known.
        looked: Called in the worker thread whenever there is a moment, after OpenD was found alive.
        lost: Called once, from any thread, when the line is lost; not when it is ended.
    """

    def __init__(
        self, context: Context, clock: Clock, looked: Callable[[], None], lost: Callable[["Line", str], None]
    ) -> None:
        self._context = context
        self._clock = clock
        self._looked = looked
        self._lost = lost
        self._failures = 0
        self._answered = self._probed = clock.monotonic()
        self._ending = threading.Lock()
        self._over = False
        self.acc_id: int | None = None
        self._worker = Worker(clock, self._look, every=_TICK)
        self._watch = Watch(self._is_well, every=_GLANCE)

    @property
    def is_over(self) -> bool:
        """Whether it was lost or ended."""
        return self._over

    def ask(self, name: str, rank: Rank, start_within: float | None = None, **arguments: object) -> list[Row]:
        """Have the worker call one of the SDK's methods.

        Raises:
            NotStarted: The call surely never began.
            SdkRefused: The SDK returned an error.
        """
        return self._worker.call(partial(self.ask_here, name, **arguments), rank, start_within)

    def run(self, perform: Callable[[Context], None]) -> None:
        """Have the worker do something with the context."""
        self._worker.call(partial(perform, self._context), Rank.QUERY)

    def ask_here(self, name: str, **arguments: object) -> list[Row]:
        """Call one of the SDK's methods; only in the worker thread."""
        try:
            rows = self._context.ask(name, **arguments)
        except SdkRefused as error:
            if is_silence(str(error)):
                self._failed(str(error))
            else:
                self._heard()  # OpenD refused: it is alive
            raise
        self._heard()
        return rows

    def look_soon(self) -> None:
        """Have OpenD asked at the next moment."""
        self._answered = -PROBE_EVERY

    def end(self, why: str) -> None:
        """Close it; calls under way return, those that wait never begin."""
        with self._ending:
            if self._over:
                return
            self._over = True
        self._watch.stop()
        self._worker.stop(why)
        self._close()

    # ------------------------------------------------------------ is it alive

    def _look(self) -> None:
        now = self._clock.monotonic()
        if self._failures > 0 or now - self._answered >= PROBE_EVERY or now - self._probed >= PROBE_ANYHOW:
            self._probe()
        if self._failures == 0 and not self._over:
            self._looked()

    def _probe(self) -> None:
        """Find out that OpenD answers, is logged in, and sends pushes, all of it together."""
        try:
            require_login(self._context.ask("get_global_state"))
            if self.acc_id is not None:
                self._context.subscribe(self.acc_id)
        except BrokerUnclear as error:
            self._lose(str(error))
        except SdkRefused as error:
            if is_silence(str(error)):
                self._failed(str(error))
            else:
                self._lose(f"OpenD refuses to send pushes: {error}")
        except Exception:
            log.exception("futu: the SDK failed to ask whether OpenD is there")
            self._failed("the SDK fails")
        else:
            self._probed = self._clock.monotonic()
            self._heard()

    def _is_well(self) -> bool:
        """Look from outside, for the worker may be stuck; returns whether to look again."""
        if self._over:
            return False
        status = self._context.status
        if status != READY:
            self._lose(f"the connection to OpenD is {status}")
        elif self._worker.busy_for >= HUNG:
            self._lose(f"OpenD has not answered for {HUNG:g} s")
        return not self._over

    def _heard(self) -> None:
        self._failures = 0
        self._answered = self._clock.monotonic()

    def _failed(self, text: str) -> None:
        self._failures += 1
        if self._failures >= _ENOUGH:
            self._lose(f"OpenD does not answer: {text}")

    def _lose(self, why: str) -> None:
        with self._ending:
            if self._over:
                return
            self._over = True
        log.error("futu: %s; a new connection is made", why)
        self._watch.stop()
        self._worker.stop(why)
        self._lost(self, why)  # before the context is closed, which makes calls under way return
        self._close()

    def _close(self) -> None:
        try:
            self._context.close()
        except Exception:
            log.exception("futu: the SDK failed to close a connection; it is left to itself")


def require_login(states: Sequence[Row]) -> None:
    """Require that OpenD is logged in to Futu's trade server.

    Raises:
        BrokerUnclear: It is not.
    """
    if not states or str(states[0].get("trd_logined")) not in _YES:
        raise BrokerUnclear("Futu: OpenD is not logged in to the trade server; see its window, a login may need a code")


_ENOUGH: Final = 2
_TICK: Final = 1.0
_GLANCE: Final = 0.25
_YES: Final = frozenset({"True", "1"})

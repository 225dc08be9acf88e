"""The system that is killed: exactly ``order-actors run``, trading at the exchange, with a trap at one fail point.

    KILL_AT="before a submit call" KILL_AT_PASSING=2 EXCHANGE=/tmp/x.sock python -m tests.process.victim run -c FILE

Without KILL_AT no trap is laid; any other command of ``order-actors`` may be run as well.
"""

import os
import signal
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from unittest import mock

from actors.cli.main import main as order_actors
from actors.model import OrderFill
from tests.process.venue import ExchangeVenue, PlainExchange
from tests.support.fail_points import FAIL_POINTS, armed

PATIENCE = 2.0
"""Seconds until the client gives an answer up; longer than the system's own deadline, so that answers come late too."""

UNHOLDABLE = 2**70
"""A quantity no store can hold."""


class Trap:
    """Ends this process with SIGKILL when a fail point is passed for the n-th time, in the thread that passes it."""

    def __init__(self, point: str, passing: int) -> None:
        if point not in FAIL_POINTS:
            raise ValueError(f"KILL_AT: there is no fail point {point!r}; tests/support/fail_points.py names them")
        self._point = point
        self._left = passing
        self._counting = threading.Lock()

    def __call__(self, name: str) -> None:
        """Count a passing."""
        if name != self._point:
            return
        with self._counting:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Babbling(ExchangeVenue):
    """A venue that also reports a fill no store can hold, so that a message must be given up."""

    def connect(self) -> None:
        """Have a line to the exchange, and babble."""
        super().connect()
        nonsense = OrderFill("nonsense", "nobody", "US.S0", "buy", UNHOLDABLE, Decimal(1), datetime.now(UTC))
        for tell in self._fills:
            tell(nonsense)


def broker_for(point: str | None, address: Path) -> PlainExchange:
    """Return the client in whose hands the point is passed."""
    if point is not None and "giving a message up" in point:
        return Babbling(address, PATIENCE)
    if point is not None and "query of one order" in point:
        return PlainExchange(address, PATIENCE)  # a venue is queried whole
    return ExchangeVenue(address, PATIENCE)


def main() -> None:
    """Run ``order-actors`` as its arguments say, until it ends or is killed."""
    point = os.environ.get("KILL_AT")
    broker = broker_for(point, Path(os.environ["EXCHANGE"]))
    with ExitStack() as stack:
        stack.enter_context(mock.patch("actors.system.build_broker", return_value=broker))
        if point is not None:
            stack.enter_context(armed(Trap(point, int(os.environ.get("KILL_AT_PASSING", "1")))))
        order_actors()


if __name__ == "__main__":
    sys.argv[0] = "order-actors"
    main()

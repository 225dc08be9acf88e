"""Exceptions planted in every actor, in every kind of message that its union names."""

import threading
import typing
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from actors import messages as m
from actors.broker.actor import BrokerActor
from actors.order_manager.actor import OrderManager
from actors.portfolio.actor import Portfolio
from actors.publisher.actor import Publisher
from actors.signal_consumer.actor import SignalConsumer
from tests.system.parts import wait_for

ACTORS: dict[str, tuple[Any, Any]] = {
    "signal_consumer": (SignalConsumer, m.SignalConsumerMessage),
    "order_manager": (OrderManager, m.OrderManagerMessage),
    "broker": (BrokerActor, m.BrokerMessage),
    "portfolio": (Portfolio, m.PortfolioMessage),
    "publisher": (Publisher, m.PublisherMessage),
}
Kind = tuple[str, str]
"""An actor and what it is told."""

KINDS: frozenset[Kind] = frozenset(
    (actor, kind.__name__) for actor, (_, union) in ACTORS.items() for kind in typing.get_args(union)
)
FREQUENT: frozenset[Kind] = frozenset(
    {
        ("signal_consumer", "EntriesRead"),
        ("signal_consumer", "SignalsSettled"),
        ("signal_consumer", "EntriesRemoved"),
        ("order_manager", "SignalReceived"),
        ("order_manager", "OrderAccepted"),
        ("order_manager", "FillReported"),
        ("broker", "PlaceOrder"),
        ("broker", "CallReturned"),
        ("broker", "FillReported"),
        ("portfolio", "FillsBooked"),
        ("publisher", "EventsCommitted"),
        ("publisher", "EventsPublished"),
    }
)
"""What comes with every signal; it explodes a second time, at a later delivery."""

_LATER = 40


class Mines:
    """Raises at the first delivery of each kind of message, and once more at the first one since messages flow.

    Args:
        monkeypatch: Plants them.
        once_handled: Whether the first delivery is handled before it raises; the later one is if this one is not.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, once_handled: bool) -> None:
        self._once_handled = once_handled
        self._cleared = False
        self._lock = threading.Lock()
        self._seen: Counter[Kind] = Counter()
        self._exploded: Counter[Kind] = Counter()
        self._earlier: Counter[Kind] = Counter()
        for actor, (behavior, _) in ACTORS.items():
            monkeypatch.setattr(behavior, "receive", self._mined(actor, behavior.receive))

    def begin(self) -> None:
        """Plant all of them anew: messages flow from now on."""
        with self._lock:
            self._earlier += self._exploded
            self._seen.clear()
            self._exploded.clear()

    def clear(self) -> None:
        """Plant no more."""
        with self._lock:
            self._cleared = True

    def explode(self, *names: str, cause: Callable[[], None] | None = None) -> None:
        """Wait until these kinds of messages exploded since messages flow, in every actor that is told them.

        Args:
            names: The kinds.
            cause: What makes them flow; it is repeated each second, for one time may pass unnoticed.
        """
        kinds = frozenset(kind for kind in KINDS if kind[1] in names)
        assert {name for _, name in kinds} == set(names)
        for _ in range(40):
            if cause is None or not self._left(kinds):
                break
            cause()
            with suppress(AssertionError):
                wait_for(lambda: not self._left(kinds), 1)
        self.all_explode(kinds)

    def all_explode(self, kinds: frozenset[Kind]) -> None:
        """Wait until all of these exploded since messages flow; fail with those that did not."""
        with suppress(AssertionError):
            wait_for(lambda: not self._left(kinds), 45)
        assert self._left(kinds) == [], "never told, or not often enough"

    def restarts(self) -> dict[str, int]:
        """Return how often each actor was made to fail."""
        with self._lock:
            counted = self._earlier + self._exploded
        return {actor: sum(times for kind, times in counted.items() if kind[0] == actor) for actor in ACTORS}

    def _left(self, kinds: frozenset[Kind]) -> list[Kind]:
        with self._lock:
            return sorted(kind for kind in kinds if self._exploded[kind] < 1 + (kind in FREQUENT))

    def _mined(self, actor: str, receive: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def mined(behavior: Any, message: Any) -> None:
            kind = (actor, type(message).__name__)
            with self._lock:
                self._seen[kind] += 1
                first = self._seen[kind] == 1
                later = self._seen[kind] == _LATER and kind in FREQUENT
                explodes = (first or later) and not self._cleared
                self._exploded[kind] += explodes
            if not explodes or first == self._once_handled:
                receive(behavior, message)
            if explodes:
                raise ArithmeticError(f"planted in {kind}")

        return mined

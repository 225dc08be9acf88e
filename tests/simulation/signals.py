"""The signals of a simulated run, and what must become of each."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Final

from actors.errors import SignalError
from actors.model import Signal
from tests.support.simulation import EPOCH

SIGNALS: Final = 60
SYMBOLS: Final = ("AAPL", "MSFT", "NVDA")
_MALFORMED: Final = (b"", b"{", b"[]", b"\xff\xfe", b'{"strategy_id": "a"}', b"NaN", b'{"quantity": 1e400}')


def make_payloads(chance: Random) -> list[bytes]:
    """Return what producers push: good signals, repeated ones, ids used twice, and rubbish."""
    payloads: list[bytes] = []
    for number in range(SIGNALS):
        kind = chance.random()
        payload = _signal(number, chance)
        if kind < 0.06:
            payload = chance.choice(_MALFORMED)
        elif kind < 0.16 and payloads:
            payload = chance.choice(payloads)
        elif kind < 0.20:
            payload = _signal(chance.randrange(max(number, 1)), chance)
        payloads.append(payload)
    return payloads


def _signal(number: int, chance: Random) -> bytes:
    limited = chance.random() < 0.3
    signal = Signal(
        strategy_id=chance.choice(("alpha", "beta")),
        symbol=chance.choice(SYMBOLS),
        action=chance.choice(("buy", "sell")),
        quantity=chance.randint(1, 100),
        order_type="limit" if limited else "market",
        limit_price=Decimal(chance.randint(9_000, 11_000)) / 100 if limited else None,
        timestamp=EPOCH,
        signal_id=f"signal-{number:03}",
        expires_at=EPOCH + timedelta(seconds=chance.uniform(5.0, 40.0)) if chance.random() < 0.15 else None,
    )
    if chance.random() < 0.1:
        values = json.loads(signal.to_json())
        del values["timestamp"]
        return json.dumps(values).encode()
    return signal.to_json().encode()


class Expected:
    """What must become of what was pushed.

    Attributes:
        bodies: By signal id, how often each of its bodies was pushed.
        malformed: How often each entry that holds no signal was pushed.
    """

    def __init__(self, pushed: Iterable[bytes]) -> None:
        self.bodies: dict[str, Counter[bytes]] = {}
        self.malformed: Counter[bytes] = Counter()
        for payload in pushed:
            try:
                signal = Signal.from_json(payload)
            except SignalError:
                self.malformed[payload] += 1
            else:
                self.bodies.setdefault(signal.signal_id, Counter())[payload] += 1

"""What the producers of a simulated run push, and what must become of each entry."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from actors.errors import SignalError
from actors.model import Side, Signal
from actors.model.command_wire import decode_command, is_command
from actors.model.terms import LIMITED, ORDER_TYPES, SIDES, TRAILING, TRIGGERED
from tests.simulation.scale import Scale
from tests.support.simulation import EPOCH

SYMBOLS: Final = ("AAPL", "MSFT", "NVDA")
STRATEGIES: Final = ("alpha", "beta")
_MALFORMED: Final = (b"", b"{", b"[]", b"\xff\xfe", b'{"strategy_id": "a"}', b"NaN", b'{"quantity": 1e400}')


def make_payloads(chance: Random, scale: Scale) -> list[bytes]:
    """Return what producers push: good signals, repeated ones, ids used twice, and rubbish."""
    payloads: list[bytes] = []
    for number in range(chance.randint(*scale.signals)):
        kind = chance.random()
        payload = _signal(number, chance, scale.pace)
        if kind < 0.06:
            payload = chance.choice(_MALFORMED)
        elif kind < 0.16 and payloads:
            payload = chance.choice(payloads)
        elif kind < 0.20:
            payload = _signal(chance.randrange(max(number, 1)), chance, scale.pace)
        payloads.append(payload)
    return payloads


def is_malformed(payload: bytes) -> bool:
    """Return whether this is the rubbish among what producers push."""
    return payload in _MALFORMED


def _price(chance: Random) -> Decimal:
    return Decimal(chance.randint(9_000, 11_000)) / 100


def _signal(number: int, chance: Random, pace: float) -> bytes:
    kind = chance.choice(ORDER_TYPES) if chance.random() < 0.6 else "market"
    action = chance.choice(SIDES)
    signal = Signal(
        strategy_id=chance.choice(STRATEGIES),
        symbol=chance.choice(SYMBOLS),
        action=action,
        quantity=chance.randint(1, 100),
        order_type=kind,
        limit_price=_price(chance) if kind in LIMITED else None,
        stop_price=_price(chance) if kind in TRIGGERED else None,
        trail_percent=Decimal(1) if kind in TRAILING else None,
        timestamp=EPOCH,
        signal_id=f"signal-{number:03}",
        **_validity(chance, pace),
        **_links(chance, action),
    )
    if chance.random() < 0.1:
        values = json.loads(signal.to_json())
        del values["timestamp"]
        return json.dumps(values).encode()
    return signal.to_json().encode()


def _validity(chance: Random, pace: float) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.7:
        return {"time_in_force": chance.choice(("day", "gtc"))}
    expires_at = EPOCH + timedelta(seconds=chance.uniform(5.0, 40.0) * pace)
    if kind < 0.8:
        return {"expires_at": expires_at}
    if kind < 0.9:
        return {"time_in_force": "gtd", "expires_at": expires_at}
    return {"time_in_force": chance.choice(("ioc", "fok"))}


def _links(chance: Random, action: Side) -> dict[str, Any]:
    """Return nothing, the exits of a bracket, or a group."""
    kind = chance.random()
    if kind < 0.15:
        return {"oco_group": f"group-{chance.randrange(4)}"}
    if kind > 0.4:
        return {}
    profit, loss = (Decimal(120), Decimal(80)) if action == "buy" else (Decimal(80), Decimal(120))
    legs = {"take_profit": profit, "stop_loss": loss}
    if chance.random() < 0.3:
        del legs[chance.choice(sorted(legs))]
    return legs


class Expected:
    """What must become of what was pushed.

    Attributes:
        bodies: By signal id, how often each of its bodies was pushed.
        commands: By command id, how often it was pushed; nobody uses one for two commands.
        malformed: How often each entry that holds neither was pushed.
    """

    def __init__(self, pushed: Iterable[bytes]) -> None:
        self.bodies: dict[str, Counter[bytes]] = {}
        self.commands: Counter[str] = Counter()
        self.malformed: Counter[bytes] = Counter()
        for payload in pushed:
            if is_command(payload):
                self.commands[decode_command(payload)[0].command_id or ""] += 1
                continue
            try:
                signal = Signal.from_json(payload)
            except SignalError:
                self.malformed[payload] += 1
            else:
                self.bodies.setdefault(signal.signal_id, Counter())[payload] += 1

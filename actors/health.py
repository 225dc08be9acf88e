"""How a running trading system does, part by part, as plain values."""

import json
from typing import Any

import msgspec

from actors.assembly import Assembly
from actors.errors import StoreError
from actors.model.control import TradingControl, TradingState
from actors.order_manager.holdings import POSITIONS_CONTROL
from actors.order_manager.working_set import CONTROL
from actors.runtime.behavior import Unavailable
from actors.runtime.status import CellState


def health_of(parts: Assembly) -> dict[str, Any]:
    """Return the state of every part.

    Returns:
        ``trading`` open or closed and why; ``control`` what a person or the kill switch holds back, with ``done_at``
        once the broker confirmed that nothing works any more; ``arming`` whether an account with real money may be
        traded, and why not; the live orders; where positions differ from the
        broker's; and each connection, the anchor of the event log and each actor.
    """
    actors = parts.runtime.health()
    closed = sorted(parts.gate.reasons)
    closed += [
        f"{actor.name} is {actor.state.value}: {actor.last_error or 'it starts'}"
        for name in ("order_manager", "broker")
        if (actor := actors[name]).state is not CellState.RUNNING
    ]
    return {
        "account_id": parts.settings.account_id,
        "trading": "closed" if closed else "open",
        "closed_because": closed,
        "arming": "not needed" if parts.kill_switch.arming is None else parts.kill_switch.arming.state,
        **_stored(parts),
        "broker_connected": parts.session.connected,
        "queue": parts.reader.away or "connected",
        "publisher": "off" if parts.publisher is None else parts.publisher.lost or "connected",
        "anchor": parts.store.anchor_fault or "written",
        "failures": dict(parts.failures),
        "actors": {name: msgspec.to_builtins(status) for name, status in actors.items()},
    }


def _stored(parts: Assembly) -> dict[str, Any]:
    try:
        controls = parts.store.controls()
        live = len(parts.store.live_orders())
    except (StoreError, Unavailable) as error:
        return {
            "control": {"state": "unknown", "reason": str(error)},
            "live_orders": None,
            "position_differences": None,
        }
    stored = {"live_orders": live, "position_differences": json.loads(controls.get(POSITIONS_CONTROL) or "[]")}
    text = controls.get(CONTROL)
    if not text:
        return {"control": {"state": TradingState.ACTIVE.value}, **stored}
    control = msgspec.json.decode(text, type=TradingControl)
    return {"control": {"state": control.state.value, **msgspec.to_builtins(control)}, **stored}

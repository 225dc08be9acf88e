"""Each verb of the command line reaches the call of the system it stands for."""

from decimal import Decimal

import pytest

from actors.commands import Answer, CommandHandler
from actors.errors import RequestRefused
from actors.model import Event
from actors.model.reconciliation import Cause, PositionDifference, Reconciliation
from tests.support.builders import AT


class Recorder:
    """Stands at the place of a trading system and notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def cancel(self, order_id: str, by: str = "") -> bool:
        if order_id == "gone":
            raise RequestRefused("order gone is not known")
        self.asked.append(("cancel", order_id, by))
        return True

    def replace(
        self,
        order_id: str,
        quantity: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        by: str = "",
    ) -> bool:
        self.asked.append(("replace", order_id, quantity, limit_price, stop_price, by))
        return True

    def cancel_all(self, strategy: str | None = None, symbol: str | None = None, by: str = "") -> tuple[str, ...]:
        self.asked.append(("cancel-all", strategy, symbol, by))
        return ("a", "b")

    def halt(self, reason: str, by: str = "", *, keep_orders: bool = False, reduce_only: bool = False) -> None:
        self.asked.append(("halt", reason, by, keep_orders, reduce_only))

    def resume(self, by: str = "", *, reduce_only: bool = False) -> None:
        self.asked.append(("resume", by, reduce_only))

    def reconcile(self, timeout: float = 0.0, *, dry_run: bool = False) -> Reconciliation:
        self.asked.append(("reconcile", dry_run))
        event = Event(seq=1, type="fill.booked", order_id="x", body=b'{"type": "fill.booked"}')
        return Reconciliation((event,), (PositionDifference("AAPL", -5, Cause.UNEXPLAINED, AT),))

    def mark_requeued(self, letter_id: int) -> None:
        self.asked.append(("requeued", str(letter_id)))

    def health(self) -> dict[str, str]:
        return {"state": "ready"}


def test_verbs_reach_the_system() -> None:
    system = Recorder()
    handler = CommandHandler(system)
    cancel = {"order_id": "x", "by": "ann"}
    assert handler("cancel", cancel) == Answer(ok=True, text="cancel requested: x", data={"order_id": "x"})
    terms = {"order_id": "x", "by": "ann", "quantity": 7, "limit_price": "1.50", "stop_price": None}
    assert handler("replace", terms) == Answer(ok=True, text="replace requested: x", data={"order_id": "x"})
    answer = Answer(ok=True, text="cancel requested for 2 orders", data=["a", "b"])
    assert handler("cancel-all", {"by": "ann"}) == answer
    assert handler("cancel-all", {"by": "ann", "strategy": "s", "symbol": "US.AAPL"}) == answer
    assert handler("halt", {"reason": "lunch", "by": "ann"}) == Answer(ok=True, text="trading halted: lunch")
    reducing = Answer(ok=True, text="trading reduces positions only: lunch")
    assert handler("halt", {"reason": "lunch", "by": "ann", "reduce_only": True}) == reducing
    assert handler("resume", {"by": "ann"}) == Answer(ok=True, text="trading resumed")
    position = {"symbol": "AAPL", "difference": -5, "cause": "unexplained", "since": "2026-01-05T14:30:00Z"}
    found = {"differences": [{"type": "fill.booked"}], "more": 0, "positions": (position,)}
    assert handler("reconcile", {}) == Answer(ok=True, text="reconciled: mending took 1 events", data=found)
    shown = "reconciled: nothing was changed: mending would take 1 events"
    assert handler("reconcile", {"dry_run": True}) == Answer(ok=True, text=shown, data=found)
    assert handler("requeued", {"letter_id": 7}) == Answer(ok=True)
    assert handler("status", {}) == Answer(ok=True, data={"state": "ready"})
    assert system.asked == [
        ("cancel", "x", "ann"),
        ("replace", "x", 7, Decimal("1.50"), None, "ann"),
        ("cancel-all", None, None, "ann"),
        ("cancel-all", "s", "US.AAPL", "ann"),
        ("halt", "lunch", "ann", False, False),
        ("halt", "lunch", "ann", False, True),
        ("resume", "ann", False),
        ("reconcile", False),
        ("reconcile", True),
        ("requeued", "7"),
    ]


@pytest.mark.parametrize(
    ("verb", "arguments", "reason"),
    [
        ("cancel", {}, "order_id: missing"),
        ("cancel", {"order_id": 5}, "order_id: missing"),
        ("requeued", {"letter_id": True}, "letter_id: expected a whole number"),
        ("cancel", {"order_id": "gone", "by": "ann"}, "order gone is not known"),
        ("replace", {"order_id": "x", "by": "ann", "quantity": "7"}, "quantity: expected a whole number"),
        ("replace", {"order_id": "x", "by": "ann", "limit_price": "1e3"}, "limit_price: expected a price"),
        ("halt", {"reason": "x", "by": "ann", "keep_orders": 1}, "keep_orders: expected true or false"),
        ("format-disk", {}, "format-disk: this version knows no such command"),
    ],
)
def test_what_cannot_be_done_is_refused(verb: str, arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(RequestRefused, match=reason):
        CommandHandler(Recorder())(verb, arguments)

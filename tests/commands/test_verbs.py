"""Each verb of the command line reaches the call of the system it stands for."""

from decimal import Decimal

import pytest

from actors.commands import Answer, CommandHandler
from actors.errors import RequestRefused


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

    def reconcile(self, timeout: float = 0.0) -> int:
        return 3

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
    assert handler("reconcile", {}) == Answer(ok=True, text="reconciled: mending took 3 events", data=3)
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

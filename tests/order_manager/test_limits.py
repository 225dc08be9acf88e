"""Each pre-trade limit at, under and over its bound, where it counts: right before the send, also after a restart."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import messages as m
from actors.broker.base import Capabilities, Quote
from actors.errors import RequestRefused
from actors.model import OrderStatus
from actors.order_manager.admission import Market
from actors.risk.rules.registry import RULES
from actors.settings import AccountLimits, InstrumentSettings, RiskSettings, StrategyLimits
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, report

ANY = Capabilities("the test's broker", {"market": ("day",), "limit": ("day",)}, replaces=True)


class Case(msgspec.Struct, frozen=True):
    """A limit, what came before, and three orders around its bound.

    Attributes:
        code: The code of the denial.
        risk: The settings.
        before: What is done first; it leaves the orders with numbers below 10.
        passes: Orders, each of which is sent if it is the next.
        denied: One that is not.
        needs_price: The latest price, which nobody keeps, is told anew after a restart.
    """

    code: str
    risk: RiskSettings
    passes: tuple[dict[str, Any], ...]
    denied: dict[str, Any]
    before: Callable[[Desk], None] = lambda _desk: None
    needs_price: bool = False


def strategy(**limits: Any) -> RiskSettings:
    return RiskSettings(strategy=StrategyLimits(**limits))


def account(**limits: Any) -> RiskSettings:
    return RiskSettings(account=AccountLimits(**limits))


def limit(price: str, **changes: Any) -> dict[str, Any]:
    return {"order_type": "limit", "limit_price": Decimal(price), **changes}


def hold_ten(desk: Desk) -> None:
    """Buy ten at 100."""
    desk.working(1)
    desk.tell(m.FillReported(fill=fill(1)))


def leave_unclear(desk: Desk) -> None:
    """Send ten of which nobody knows."""
    desk.place(1)
    desk.tell(desk.unclear(1))
    assert desk.order(1).status is OrderStatus.UNKNOWN


def lose(desk: Desk) -> None:
    """Buy ten at 100 and sell them at 90."""
    hold_ten(desk)
    desk.working(2, action="sell")
    desk.tell(m.FillReported(fill=fill(2, 10, "90", of="B2", side="sell")))


def rest(desk: Desk) -> None:
    """Have a sell of ten at 101 work."""
    desk.working(1, action="sell", **limit("101"))


def price(desk: Desk, value: str = "100") -> None:
    desk.tell(m.PricesMarked(quotes=(Quote("AAPL", Decimal(value), desk.clock.now()),)))


CASES = [
    Case("max_quantity", strategy(max_quantity=10), ({"quantity": 9}, {"quantity": 10}), {"quantity": 11}),
    Case(
        "max_notional",
        strategy(max_notional=Decimal(1000)),
        (limit("99.99"), limit("100")),
        limit("100.01"),
    ),
    Case(
        "price_collar",
        strategy(price_collar=Decimal("0.05")),
        (limit("104.99"), limit("105"), limit("95")),
        limit("105.01"),
        needs_price=True,
    ),
    Case(
        "max_position",
        strategy(max_position=20),
        ({"quantity": 9}, {"quantity": 10}, {"quantity": 10, "action": "sell"}),
        {"quantity": 11},
        before=hold_ten,
    ),
    Case(
        "max_position",
        strategy(max_position=20),
        ({"quantity": 9}, {"quantity": 10}),
        {"quantity": 11},
        before=leave_unclear,
    ),
    Case(
        "max_account_position",
        account(max_account_position=20),
        ({"quantity": 10, "strategy_id": "beta"},),
        {"quantity": 11, "strategy_id": "beta"},
        before=hold_ten,
    ),
    Case(
        "max_exposure",
        account(max_exposure=Decimal(2000)),
        (limit("99.99"), limit("100")),
        limit("100", quantity=11),
        before=hold_ten,
    ),
    Case("max_open_orders", strategy(max_open_orders=2), (limit("50"),), limit("50"), before=lambda d: _open(d, 1, 2)),
    Case("max_orders_per_minute", strategy(max_orders_per_minute=2), ({},), {}, before=lambda d: _send(d, 1, 2)),
    Case(
        "max_daily_loss",
        strategy(max_daily_loss=Decimal(100)),
        ({},),
        {},
        before=lose,
    ),
    Case(
        "duplicate_window",
        strategy(duplicate_window=5.0),
        ({"quantity": 9}, {"action": "sell"}),
        {},
        before=lambda d: _send(d, 1),
    ),
    Case("allow", RiskSettings(allow=("AAPL", "US.*")), ({}, {"symbol": "US.MSFT"}), {"symbol": "HK.00700"}),
    Case("deny", RiskSettings(deny=("GME*",)), ({}, {"symbol": "US.GME"}), {"symbol": "GME"}),
    Case(
        "lot_size",
        RiskSettings(instruments={"AAPL": InstrumentSettings(lot=5)}),
        ({"quantity": 5}, {"quantity": 10}),
        {"quantity": 9},
    ),
    Case(
        "tick_size",
        RiskSettings(instruments={"AAPL": InstrumentSettings(tick=Decimal("0.05"))}),
        (limit("100.05"), limit("100.10")),
        limit("100.01"),
    ),
    Case(
        "prevent_self_match",
        RiskSettings(prevent_self_match=True),
        (limit("100.99"), {"action": "sell"}),
        limit("101"),
        before=rest,
    ),
]
SHARED_BOUND = {"max_open_orders", "max_orders_per_minute", "max_daily_loss"}
"""Limits whose bound is passed by what came before, not by the order itself."""


def _open(desk: Desk, *numbers: int) -> None:
    for number in numbers:
        desk.working(number, quantity=number, **limit("50"))


def _send(desk: Desk, *numbers: int) -> None:
    for number in numbers:
        desk.working(number)


def begin(folder: Path, case: Case, *, restart: bool) -> Desk:
    """Make a desk in which all that comes before has happened, in an earlier life of the process if it restarts."""
    desk = Desk(folder, risk=case.risk, market=Market(capabilities=lambda _symbol: ANY))
    desk.open()
    case.before(desk)
    if restart:
        orders = desk.store.find_orders()
        desk.kill()
        known = [
            report(
                o.broker_order_id, filled_qty=o.filled_qty, quantity=o.quantity, side=o.side, client_order_id=o.order_id
            )
            for o in orders
            if o.is_live and o.broker_order_id is not None
        ]
        desk.open(*known)
        desk.broker.messages.clear()
    if case.needs_price:
        price(desk)
    return desk


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_up_to_its_bound_an_order_is_sent_and_over_it_never(tmp_path: Path, case: Case, *, restart: bool) -> None:
    for number, passing in enumerate(() if case.code in SHARED_BOUND else case.passes):
        folder = tmp_path / str(number)
        folder.mkdir()
        desk = begin(folder, case, restart=restart)
        assert desk.place(10, **passing).sent_at is not None, passing
        desk.store.close()
    desk = begin(tmp_path, case, restart=restart)
    sent = list(desk.sent())
    denied = desk.place(11, **case.denied)
    assert denied.status is OrderStatus.REJECTED
    assert denied.error_message is not None
    assert denied.error_message.startswith(f"{case.code}: ")
    assert denied.sent_at is None
    assert desk.sent() == sent
    assert desk.outcomes()[-1] is Outcome.REJECTED
    desk.wait(120)
    assert order_id(11) not in desk.sent()
    desk.store.close()


@pytest.mark.parametrize("case", [c for c in CASES if c.code in SHARED_BOUND], ids=lambda case: case.code)
def test_just_under_a_bound_that_others_fill_an_order_is_sent(tmp_path: Path, case: Case) -> None:
    raised = {
        "max_open_orders": strategy(max_open_orders=3),
        "max_orders_per_minute": strategy(max_orders_per_minute=3),
        "max_daily_loss": strategy(max_daily_loss=Decimal("100.01")),
    }
    for number, restart in enumerate([False, True]):
        folder = tmp_path / str(number)
        folder.mkdir()
        desk = begin(folder, msgspec.structs.replace(case, risk=raised[case.code]), restart=restart)
        assert desk.place(10, **case.passes[0]).sent_at is not None
        desk.store.close()


def test_every_code_has_its_case() -> None:
    assert {case.code for case in CASES} | {"reducing"} == set(RULES)


def test_the_rate_counts_the_last_sixty_seconds(tmp_path: Path) -> None:
    desk = begin(tmp_path, next(c for c in CASES if c.code == "max_orders_per_minute"), restart=False)
    desk.wait(59.9)
    assert desk.place(10).status is OrderStatus.REJECTED
    desk.wait(0.2)
    assert desk.place(11).sent_at is not None
    desk.store.close()


def test_orders_that_wait_are_asked_when_their_turn_comes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, risk=strategy(max_position=15))
    desk.place(1)
    desk.place(2)
    assert desk.sent() == []
    desk.open()
    assert (desk.sent(), desk.order(2).status) == ([order_id(1)], OrderStatus.REJECTED)
    assert desk.outcomes() == [Outcome.ORDER, Outcome.REJECTED]
    desk.store.close()


def test_new_terms_are_asked_too_and_a_cancel_is_never(tmp_path: Path) -> None:
    desk = Desk(tmp_path, risk=strategy(max_position=15), market=Market(capabilities=lambda _symbol: ANY))
    desk.open()
    desk.working(1, **limit("50"))
    raise_to: Future[bool] = Future()
    desk.tell(m.ReplaceOrder(order_id=order_id(1), quantity=16, reply=raise_to))
    with pytest.raises(RequestRefused, match=r"max_position: "):
        raise_to.result(0)
    assert desk.broker.all(m.ReplaceAtBroker) == []
    fine: Future[bool] = Future()
    desk.tell(m.ReplaceOrder(order_id=order_id(1), quantity=15, reply=fine))
    assert fine.result(0) is True
    cancel: Future[bool] = Future()
    desk.tell(m.CancelOrder(order_id=order_id(1), reply=cancel))
    assert cancel.result(0) is True
    assert desk.cancels() == ["B1"]
    desk.store.close()


def test_a_later_day_begins_without_the_loss_of_the_one_before(tmp_path: Path) -> None:
    desk = begin(tmp_path, next(c for c in CASES if c.code == "max_daily_loss"), restart=False)
    assert desk.place(10).status is OrderStatus.REJECTED
    desk.wait(timedelta(hours=10).total_seconds())
    assert desk.place(11, timestamp=desk.clock.now()).sent_at is not None
    desk.store.close()

"""Every kind of order with every time in force, on a whole system: it works on paper, or nothing of it is durable."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors import Order, OrderStatus, PaperBroker, Signal, SignalError, TradingSystem
from actors.model.terms import LIMITED, ORDER_TYPES, TIMES_IN_FORCE, TRIGGERED
from actors.runtime.clock import utc_now
from actors.signal_consumer.embedded import EmbeddedSource
from tests.system.faults import trading
from tests.system.parts import settings, wait_for

Pair = tuple[str, str]

TAKEN: frozenset[Pair] = frozenset(
    [("market", tif) for tif in ("day", "ioc", "fok")]
    + [("limit", tif) for tif in TIMES_IN_FORCE]
    + [
        (kind, tif)
        for kind in ("stop", "stop_limit", "trailing_stop", "market_if_touched", "limit_if_touched")
        for tif in ("day", "gtc", "gtd")
    ]
)
PAIRS = list(itertools.product(ORDER_TYPES, TIMES_IN_FORCE))


class Prices:
    """One price for every symbol, moved by the test."""

    def __init__(self, price: str = "100") -> None:
        self.now = Decimal(price)

    def price(self, symbol: str, now: datetime) -> Decimal:
        return self.now

    def next_change(self, now: datetime) -> datetime:
        return now + timedelta(milliseconds=10)

    def knows(self, symbol: str) -> bool:
        return True


@pytest.fixture
def prices() -> Prices:
    return Prices()


@pytest.fixture
def system(tmp_path: Path, prices: Prices) -> Iterator[TradingSystem]:
    broker = PaperBroker(0.0, market_mode=True, prices=prices)
    with trading(settings(tmp_path), broker) as running:
        yield running


def signal(kind: str, tif: str, **changes: Any) -> Signal:
    """Return a buy that cannot trade at 100 and would at 90: a limit below, a trigger on its own side of the market."""
    values: dict[str, Any] = {"order_type": kind, "time_in_force": tif}
    if kind in LIMITED:
        values["limit_price"] = Decimal(95) if kind in ("limit", "limit_if_touched") else Decimal(120)
    if kind in TRIGGERED:
        values["stop_price"] = Decimal(105) if kind.startswith("stop") else Decimal(95)
    if kind == "trailing_stop":
        values["trail_amount"] = Decimal(5)
    if tif == "gtd":
        values["expires_at"] = utc_now() + timedelta(hours=1)
    return Signal("s", "US.AAPL", "buy", **({"quantity": 10} | values | changes))


def ends(system: TradingSystem, order: Order) -> Order:
    """Wait until an order has ended, and return it."""
    wait_for(lambda: not (system.get_order(order.order_id) or order).is_live)
    return system.get_order(order.order_id) or order


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair in TAKEN], ids="-".join)
def test_what_paper_takes_rests_until_its_price_and_is_filled_there(
    system: TradingSystem, prices: Prices, pair: Pair
) -> None:
    kind, tif = pair
    order = system.submit(signal(kind, tif)).result(20)
    if kind == "market":
        assert ends(system, order).status is OrderStatus.FILLED
        return
    if tif in ("ioc", "fok"):
        assert ends(system, order).status is OrderStatus.CANCELLED  # nothing to trade with at its limit
        return
    assert order.status is OrderStatus.SUBMITTED
    rises = kind in ("stop", "stop_limit", "trailing_stop")
    prices.now = Decimal(106) if rises else Decimal(90)
    done = ends(system, order)
    assert (done.status, done.filled_qty) == (OrderStatus.FILLED, 10)
    assert done.avg_fill_price is not None
    assert done.limit_price is None or done.avg_fill_price <= done.limit_price


@pytest.mark.parametrize("tif", ["ioc", "fok"])
def test_a_marketable_limit_order_trades_at_once_or_not_at_all(system: TradingSystem, tif: str) -> None:
    order = system.submit(signal("limit", tif, limit_price=Decimal(101))).result(20)
    assert ends(system, order).status is OrderStatus.FILLED


def test_a_gtd_order_expires_at_its_time(system: TradingSystem) -> None:
    wanted = signal("limit", "gtd", expires_at=utc_now() + timedelta(seconds=0.5))
    assert ends(system, system.submit(wanted).result(20)).status is OrderStatus.EXPIRED


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in TAKEN], ids="-".join)
def test_what_paper_does_not_take_is_refused_before_anything_is_durable(
    system: TradingSystem, tmp_path: Path, pair: Pair
) -> None:
    kind, tif = pair
    wanted = signal(kind, tif)
    reason = f"time_in_force: the paper broker takes no {kind} orders with {tif}; with "
    with pytest.raises(SignalError) as refused:
        system.submit(wanted)
    assert str(refused.value).startswith(reason)
    assert all(other in str(refused.value) for other in TIMES_IN_FORCE if (kind, other) in TAKEN)
    store = system._running().store
    assert (store.find_orders(), store.signals(), store.events()) == ([], [], [])

    EmbeddedSource(tmp_path / "inbox.sqlite").push([wanted.to_json().encode()])
    wait_for(store.dead_letters)
    (letter,) = store.dead_letters()
    assert letter.reason.startswith(reason)
    assert store.find_orders() == []


def test_every_pair_is_tried() -> None:
    assert len(PAIRS) == 35
    assert len(TAKEN) == 23


def test_a_bracket_lives_through_its_entry_its_exits_and_a_replace(system: TradingSystem, prices: Prices) -> None:
    entry = signal("market", "day", take_profit=Decimal(110), stop_loss=Decimal(95))
    filled = ends(system, system.submit(entry).result(20))
    profit, loss = f"{filled.order_id}.tp", f"{filled.order_id}.sl"
    wait_for(lambda: {o.status for o in _orders(system, profit, loss)} == {OrderStatus.SUBMITTED})
    assert system.replace(profit, limit_price=Decimal(108))
    wait_for(lambda: _orders(system, profit)[0].limit_price == Decimal(108))
    prices.now = Decimal("108.50")
    wait_for(lambda: [o.status for o in _orders(system, profit, loss)] == [OrderStatus.FILLED, OrderStatus.CANCELLED])
    assert [position.quantity for position in system.positions("s")] == [0]


def test_an_exit_is_cut_when_the_other_trades_though_trading_is_halted_and_keeps_its_orders(tmp_path: Path) -> None:
    prices = Prices()
    broker = PaperBroker(0.1, market_mode=True, prices=prices, partial_fills=10, seed=4)
    with trading(settings(tmp_path), broker) as system:
        entry = signal("market", "day", quantity=90, take_profit=Decimal(110), stop_loss=Decimal(95))
        filled = ends(system, system.submit(entry).result(20))
        profit, loss = f"{filled.order_id}.tp", f"{filled.order_id}.sl"
        wait_for(lambda: [o.quantity for o in _orders(system, profit, loss) if o.sent_at is not None] == [90, 90])
        system.halt("lunch", keep_orders=True)
        prices.now = Decimal(111)
        wait_for(lambda: _orders(system, profit)[0].status is OrderStatus.FILLED)
        wait_for(lambda: _orders(system, loss)[0].status is OrderStatus.CANCELLED)
        assert [position.quantity for position in system.positions("s")] == [0]
        cuts = [e for e in system._running().store.events() if e.order_id == loss and b"replace accepted" in e.body]
        assert cuts


def test_of_a_group_the_first_that_trades_cancels_the_rest(system: TradingSystem, prices: Prices) -> None:
    breakout = system.submit(signal("stop", "gtc", oco_group="g")).result(20)
    dip = system.submit(signal("limit", "gtc", oco_group="g")).result(20)
    prices.now = Decimal(94)
    assert ends(system, dip).status is OrderStatus.FILLED
    assert ends(system, breakout).status is OrderStatus.CANCELLED
    late = system.submit(signal("limit", "gtc", oco_group="g")).result(20)
    assert late.status is OrderStatus.REJECTED
    assert late.error_message == f"oco_group: order {dip.order_id} of the group g has traded"


def _orders(system: TradingSystem, *order_ids: str) -> list[Order]:
    return [order for order_id in order_ids if (order := system.get_order(order_id)) is not None]

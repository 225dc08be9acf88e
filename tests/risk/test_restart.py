"""Whatever happened, an engine that was told of it and one built from the store give the same answers."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.model import Order, OrderStatus
from actors.model.control import TradingState
from actors.model.fields import EXTERNAL
from actors.risk.engine import RiskEngine
from actors.settings import AccountLimits, InstrumentSettings, RiskSettings, StrategyLimits
from actors.store.store import Store
from tests.risk.desk import Desk, wipe

SYMBOLS = ("US.AAPL", "US.MSFT")
STRATEGIES = ("alpha", "beta")
EVERYTHING = RiskSettings(
    account=AccountLimits(
        max_quantity=60,
        max_notional=Decimal(7000),
        price_collar=Decimal("0.3"),
        max_exposure=Decimal(15000),
        max_open_orders=6,
        max_orders_per_minute=6,
        max_daily_loss=Decimal(600),
        max_account_position=120,
    ),
    strategy=StrategyLimits(
        max_quantity=50,
        max_notional=Decimal(5500),
        price_collar=Decimal("0.2"),
        max_exposure=Decimal(9000),
        max_open_orders=4,
        max_orders_per_minute=4,
        max_daily_loss=Decimal(300),
        max_position=70,
        duplicate_window=20,
    ),
    strategies={"beta": StrategyLimits(max_position=40, max_daily_loss=Decimal(100), duplicate_window=70)},
    instruments={"US.MSFT": InstrumentSettings(lot=5, tick=Decimal("0.5"))},
    deny=("US.X*",),
    allow=("US.*",),
    prevent_self_match=True,
    day_start="14:40",
)


def alone() -> list[RiskSettings]:
    """Return settings with one limit each, so that no other denies before it."""
    found = [RiskSettings(prevent_self_match=True)]
    for scope in ("account", "strategy"):
        limits = getattr(EVERYTHING, scope)
        for name in limits.__struct_fields__:
            made = type(limits)(**{name: getattr(limits, name)})
            found.append(RiskSettings(**{scope: made}, day_start=EVERYTHING.day_start))
    return found


prices = st.decimals("80", "120", places=1)
terms = st.fixed_dictionaries(
    {
        "strategy_id": st.sampled_from(STRATEGIES),
        "symbol": st.sampled_from(SYMBOLS),
        "side": st.sampled_from(("buy", "sell")),
        "quantity": st.integers(1, 12).map(lambda tens: tens * 5),
        "order_type": st.sampled_from(("limit", "limit", "market", "stop")),
        "bracket_id": st.sampled_from((None, None, "oa-entry")),
        "leg": st.sampled_from((None, "take_profit", "stop_loss")),
        "price": prices,
    }
)


def of_kind(drawn: dict[str, Any]) -> dict[str, Any]:
    """Return the terms with the price where the kind has it."""
    price = drawn.pop("price")
    field = {"limit": "limit_price", "stop": "stop_price", "market": "reference_price"}[drawn["order_type"]]
    return drawn | {"limit_price": None} | {field: price}


def places(desk: Desk, data: st.DataObject) -> None:
    unsure = data.draw(st.sampled_from((OrderStatus.SUBMITTED, OrderStatus.PENDING, OrderStatus.UNKNOWN)))
    desk.place(**of_kind(data.draw(terms)), status=unsure)


def queues(desk: Desk, data: st.DataObject) -> None:
    desk.tell(desk.make(**of_kind(data.draw(terms))))


def finds_a_stranger(desk: Desk, data: st.DataObject) -> None:
    side = data.draw(st.sampled_from(("buy", "sell")))
    desk.place(strategy_id=EXTERNAL, side=side, quantity=data.draw(st.integers(1, 30)), order_type="market")


def one_of(desk: Desk, data: st.DataObject, fits: Callable[[Order], bool]) -> Order | None:
    found = [order for order in desk.orders.values() if fits(order)]
    return data.draw(st.sampled_from(found)) if found else None


def fills(desk: Desk, data: st.DataObject) -> None:
    order = one_of(desk, data, lambda order: order.sent_at is not None and order.leaves_qty > 0)
    if order is not None:
        fee = data.draw(st.sampled_from((Decimal(0), Decimal("1.37"))))
        desk.fill(order, data.draw(st.integers(1, order.leaves_qty)), data.draw(prices), fee=fee)


def busts(desk: Desk, data: st.DataObject) -> None:
    gone = {fill.reverses for fill in desk.fills}
    whole = [fill for fill in desk.fills if fill.reverses is None and fill.fill_id not in gone]
    if whole:
        desk.bust(data.draw(st.sampled_from(whole)))


def ends(desk: Desk, data: st.DataObject) -> None:
    order = one_of(desk, data, lambda order: order.is_live)
    if order is not None:
        desk.change(order, status=OrderStatus.CANCELLED, replace_quantity=None, replace_limit_price=None)


def comes_back_unsent(desk: Desk, data: st.DataObject) -> None:
    order = one_of(desk, data, lambda order: order.status is OrderStatus.PENDING and order.sent_at is not None)
    if order is not None:
        desk.change(order, sent_at=None)


def replaces(desk: Desk, data: st.DataObject) -> None:
    order = one_of(desk, data, lambda order: order.status is OrderStatus.SUBMITTED and order.limit_price is not None)
    if order is not None:
        new = {"replace_quantity": data.draw(st.integers(5, 60)), "replace_limit_price": data.draw(prices)}
        desk.change(order, status=OrderStatus.REPLACE_REQUESTED, **new)


def gets_its_terms(desk: Desk, data: st.DataObject) -> None:
    order = one_of(desk, data, lambda order: order.status is OrderStatus.REPLACE_REQUESTED)
    if order is not None:
        new = {"quantity": order.replace_quantity, "limit_price": order.replace_limit_price}
        desk.change(order, status=OrderStatus.SUBMITTED, replace_quantity=None, replace_limit_price=None, **new)


def quotes(desk: Desk, data: st.DataObject) -> None:
    desk.quote(data.draw(prices), data.draw(st.sampled_from(SYMBOLS)))


def waits(desk: Desk, data: st.DataObject) -> None:
    desk.wait(data.draw(st.sampled_from((0.5, 7, 45, 61, 400))))


def saves(desk: Desk, data: st.DataObject) -> None:
    desk.checkpoint()


def changes_state(desk: Desk, data: st.DataObject) -> None:
    desk.state = data.draw(st.sampled_from((TradingState.ACTIVE, TradingState.ACTIVE, TradingState.REDUCING)))


def sums(desk: Desk, engine: RiskEngine) -> list[object]:
    """Return what an engine keeps of each scope and symbol."""
    picture = engine._picture
    if picture is None:
        return [sorted(engine._live), {key: held for key, held in engine._positions.items() if held != 0}]
    found: list[object] = []
    for scope in (*STRATEGIES, EXTERNAL, None):
        found.append(picture.tallies.open_orders(scope))
        found.append(None if picture.exposure is None else picture.exposure.total(scope))
        found.append(None if picture.profit is None else picture.profit.loss(scope, desk.now))
        for symbol in SYMBOLS:
            line = picture.tallies.symbol(symbol) if scope is None else picture.tallies.line(scope, symbol)
            found.append((line.position, line.buys, line.sells))
    return found


STEPS = (
    *(places, places, places, queues, fills, fills, fills, quotes, quotes),
    *(finds_a_stranger, busts, ends, comes_back_unsent, replaces, gets_its_terms, waits, saves, changes_state),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data(), st.sampled_from((EVERYTHING, RiskSettings(), *alone())))
def test_the_engine_that_was_told_and_the_one_that_reads_agree(
    shared_store: tuple[Store, Path], data: st.DataObject, limits: RiskSettings
) -> None:
    wipe(shared_store[1])
    desk = Desk(shared_store[0], limits)
    for step in data.draw(st.lists(st.sampled_from(STEPS), min_size=5, max_size=40)):
        step(desk, data)
    assert sums(desk, desk.rebuilt()) == sums(desk, desk.engine)
    for drawn in data.draw(st.lists(terms, min_size=3, max_size=3)):
        desk.ask(**of_kind(drawn))
    working = [order for order in desk.orders.values() if order.status is OrderStatus.SUBMITTED]
    for order in working[:3]:
        desk.ask_replace(order, order.quantity + 5, None if order.limit_price is None else "99.5")
    waiting = [order for order in desk.orders.values() if order.status is OrderStatus.PENDING]
    for order in waiting[:3]:
        desk.ask(order)
        assert desk.engine.check(msgspec.structs.replace(order, sent_at=None), desk.now, desk.state) == (
            desk.engine.check(order, desk.now, desk.state)
        )

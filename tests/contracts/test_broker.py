"""What every broker owes: one suite over every implementation.

A factory gives a broker that is not connected yet and that fills a market order of AAPL by itself within seconds.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.broker.base import Broker, Describing, OrderReport, Replacing, ReportStatus, Venue, VenueSnapshot
from actors.broker.paper import FixedPrices, PaperBroker
from actors.errors import BrokerError, OrderCancelError, OrderSubmissionError
from actors.model import Order, OrderFill, OrderStatus
from actors.model.terms import ORDER_TYPES, TIMES_IN_FORCE
from tests.broker.paper.making import Heard, a_good_order, an_order

Factory = Callable[[float, Path], Venue]

FACTORIES: dict[str, Factory] = {
    "paper": lambda delay, _: PaperBroker(delay, partial_fills=3, seed=1),
    "paper in market mode": lambda delay, _: PaperBroker(
        delay, market_mode=True, prices=FixedPrices(Decimal(100)), slippage_bps=5, seed=1
    ),
    "paper with a book": lambda delay, folder: PaperBroker(delay, book=folder / "paper-book.jsonl", seed=1),
}

LONG = 3600.0


@pytest.fixture(params=FACTORIES)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[float], Venue]]:
    """Return what makes a connected broker with a fill delay; all are closed in the end and leave no thread."""
    before = set(threading.enumerate())
    venues: list[Venue] = []

    def connected(delay: float) -> Venue:
        venue = FACTORIES[request.param](delay, tmp_path)
        venues.append(venue)
        venue.connect()
        return venue

    yield connected
    for venue in venues:
        venue.close()
        venue.close()
    left = set(threading.enumerate()) - before
    assert not left


@pytest.fixture
def quick(build: Callable[[float], Venue]) -> Venue:
    return build(0.0)


@pytest.fixture
def slow(build: Callable[[float], Venue]) -> Venue:
    return build(LONG)


def complete(fills: list[OrderFill], orders: int, quantity: int = 100) -> bool:
    return sum(fill.quantity for fill in fills) == orders * quantity


def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def test_it_is_a_broker_and_a_venue(quick: Venue) -> None:
    assert isinstance(quick, Broker)
    assert isinstance(quick, Venue)
    assert isinstance(quick.absence_proves_unsent, bool)


def test_connecting_again_changes_nothing(slow: Venue) -> None:
    order_id = slow.submit_order(an_order())
    slow.connect()
    assert slow.get_order_status(order_id) is OrderStatus.SUBMITTED


def test_an_order_is_filled_and_reported_under_the_brokers_id(quick: Venue) -> None:
    heard = Heard()
    quick.subscribe_fills(heard)
    order_id = quick.submit_order(an_order(side="sell", quantity=7))
    fills = heard.wait_until(lambda fills: complete(fills, 1, 7))
    assert {(fill.order_id, fill.symbol, fill.side) for fill in fills} == {(order_id, "AAPL", "sell")}
    assert all(fill.timestamp.tzinfo is UTC and fill.price > 0 for fill in fills)
    assert quick.get_order_status(order_id) is OrderStatus.FILLED


def test_order_ids_and_fill_ids_are_unique_and_each_subscriber_hears_each_fill_once(quick: Venue) -> None:
    first, second = Heard(), Heard()
    quick.subscribe_fills(first)
    quick.subscribe_fills(second)
    quick.subscribe_fills(first)
    ids = {quick.submit_order(an_order(f"o-{n}")) for n in range(200)}
    assert len(ids) == 200
    fills = first.wait_until(lambda fills: complete(fills, 200))
    assert second.wait_until(lambda fills: complete(fills, 200)) == fills
    assert len({fill.fill_id for fill in fills}) == len(fills)
    assert {fill.order_id for fill in fills} == ids


def test_orders_of_many_threads_are_all_taken(quick: Venue) -> None:
    heard = Heard()
    quick.subscribe_fills(heard)
    ids: list[str] = []

    def trade(trader: int) -> None:
        ids.extend(quick.submit_order(an_order(f"{trader}-{n}")) for n in range(50))

    threads = [threading.Thread(target=trade, args=(trader,)) for trader in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    heard.wait_until(lambda fills: complete(fills, 300))
    assert len(set(ids)) == 300


def test_many_threads_may_subscribe_while_orders_fill(quick: Venue) -> None:
    subscribers = [Heard() for _ in range(16)]
    threads = [threading.Thread(target=quick.subscribe_fills, args=(heard,)) for heard in subscribers]
    for n, thread in enumerate(threads):
        thread.start()
        quick.submit_order(an_order(f"early-{n}"))
    for thread in threads:
        thread.join(20)
    last = quick.submit_order(an_order("last"))
    for heard in subscribers:
        fills = heard.wait_until(lambda fills: complete([fill for fill in fills if fill.order_id == last], 1))
        assert len({fill.fill_id for fill in fills}) == len(fills)


def test_a_second_order_of_the_same_client_id_is_refused(slow: Venue) -> None:
    slow.submit_order(an_order("o-1"))
    with pytest.raises(OrderSubmissionError) as caught:
        slow.submit_order(an_order("o-1"))
    assert caught.value.order_id == "o-1"
    assert len(slow.snapshot(an_hour_ago()).orders) == 1


def test_a_cancel_is_taken_and_its_end_reported_once_to_each_subscriber(slow: Venue) -> None:
    first, second, fills = Heard(), Heard(), Heard()
    slow.subscribe_orders(first)
    slow.subscribe_orders(second)
    slow.subscribe_fills(fills)
    order_id = slow.submit_order(an_order("o-1", limit="12.5"))
    other = slow.submit_order(an_order("o-2"))
    assert slow.cancel_order(order_id) is True
    for heard in (first, second):
        (report,) = heard.wait_for(1)
        assert isinstance(report, OrderReport)
        assert (report.broker_order_id, report.client_order_id) == (order_id, "o-1")
        assert (report.status, report.filled_qty, report.quantity) == (ReportStatus.CANCELLED, 0, 100)
        assert (report.symbol, report.side, report.limit_price) == ("AAPL", "buy", Decimal("12.5"))
    assert slow.get_order_status(order_id) is OrderStatus.CANCELLED
    assert slow.get_order_status(other) is OrderStatus.SUBMITTED
    assert fills.items == []


def test_what_is_unknown_or_over_cannot_be_cancelled(quick: Venue) -> None:
    heard = Heard()
    quick.subscribe_fills(heard)
    with pytest.raises(OrderCancelError) as caught:
        quick.cancel_order("PAPER-404")
    assert caught.value.broker_order_id == "PAPER-404"
    order_id = quick.submit_order(an_order())
    heard.wait_until(lambda fills: complete(fills, 1))
    with pytest.raises(OrderCancelError):
        quick.cancel_order(order_id)


def test_it_takes_the_orders_it_says_it_takes_and_refuses_the_others(slow: Venue) -> None:
    assert isinstance(slow, Describing)
    told = slow.capabilities("AAPL")
    for kind in ORDER_TYPES:
        for force in TIMES_IN_FORCE:
            until = datetime.now(UTC) + timedelta(hours=1)
            order = msgspec.structs.replace(a_good_order(kind, force, f"{kind}-{force}"), expires_at=until)
            if told.refusal(kind, force) is None:
                assert slow.get_order_status(slow.submit_order(order)) is OrderStatus.SUBMITTED
            else:
                with pytest.raises(OrderSubmissionError):
                    slow.submit_order(order)


def test_new_terms_are_taken_and_reported_once_to_each_subscriber(slow: Venue) -> None:
    assert isinstance(slow, Replacing)
    first, second = Heard(), Heard()
    slow.subscribe_orders(first)
    slow.subscribe_orders(second)
    order_id = slow.submit_order(an_order("o-1", kind="stop_limit", stop="500", limit="501"))
    assert slow.replace_order(order_id, 40, Decimal(601), Decimal(600)) is True
    for heard in (first, second):
        (report,) = heard.wait_for(1)
        assert (report.broker_order_id, report.client_order_id) == (order_id, "o-1")
        assert (report.status, report.filled_qty, report.quantity) == (ReportStatus.WORKING, 0, 40)
        assert (report.limit_price, report.stop_price) == (Decimal(601), Decimal(600))
    (report,) = slow.snapshot(an_hour_ago()).orders
    assert (report.quantity, report.limit_price, report.stop_price) == (40, Decimal(601), Decimal(600))


def test_what_is_unknown_or_over_cannot_be_replaced(quick: Venue) -> None:
    assert isinstance(quick, Replacing)
    heard = Heard()
    quick.subscribe_fills(heard)
    with pytest.raises(OrderCancelError) as caught:
        quick.replace_order("PAPER-404", 1, None, None)
    assert caught.value.broker_order_id == "PAPER-404"
    order_id = quick.submit_order(an_order())
    heard.wait_until(lambda fills: complete(fills, 1))
    with pytest.raises(OrderCancelError):
        quick.replace_order(order_id, 200, None, None)


def test_an_order_is_filled_up_to_its_new_total_and_not_beyond(quick: Venue) -> None:
    assert isinstance(quick, Replacing)
    heard, totals = Heard(), {}
    quick.subscribe_fills(heard)
    for n in range(50):
        order_id = quick.submit_order(an_order(f"o-{n}"))
        totals[order_id] = 100
        try:
            quick.replace_order(order_id, 150, None, None)
        except OrderCancelError:
            continue  # it was filled before
        totals[order_id] = 150
    fills = heard.wait_until(lambda fills: sum(fill.quantity for fill in fills) >= sum(totals.values()))
    dealt = dict.fromkeys(totals, 0)
    for fill in fills:
        dealt[fill.order_id] += fill.quantity
    assert dealt == totals
    assert len({fill.fill_id for fill in fills}) == len(fills)


def test_an_unknown_order_has_no_status(quick: Venue) -> None:
    with pytest.raises(BrokerError):
        quick.get_order_status("PAPER-404")


def test_a_subscriber_that_fails_stops_neither_the_others_nor_the_broker(quick: Venue) -> None:
    heard, reports = Heard(), Heard()

    def failing(_: object) -> None:
        raise RuntimeError("not my day")

    quick.subscribe_fills(failing)
    quick.subscribe_orders(failing)
    quick.subscribe_fills(heard)
    quick.subscribe_orders(reports)
    quick.submit_order(an_order("o-1"))
    quick.submit_order(an_order("o-2"))
    heard.wait_until(lambda fills: complete(fills, 2))


def test_callbacks_do_not_run_in_the_callers_thread(quick: Venue) -> None:
    heard = Heard()
    quick.subscribe_fills(heard)
    quick.subscribe_orders(heard)
    for n in range(50):
        order_id = quick.submit_order(an_order(f"o-{n}"))
        try:
            quick.cancel_order(order_id)
        except OrderCancelError:
            assert quick.get_order_status(order_id) is OrderStatus.FILLED
    heard.wait_for(50)
    assert threading.current_thread() not in heard.threads


def test_a_callback_may_call_the_broker_while_others_do(quick: Venue) -> None:
    heard = Heard()

    def trade_on(fill: OrderFill) -> None:
        heard(fill)
        if fill.quantity >= 1 and not fill.order_id.startswith("x") and len(heard.items) < 40:
            follow_up = quick.submit_order(an_order(f"after-{fill.fill_id}", quantity=1))
            assert quick.get_order_status(follow_up) in OrderStatus
            quick.snapshot(an_hour_ago())
            quick.subscribe_fills(trade_on)
            quick.quotes()

    quick.subscribe_fills(trade_on)
    for n in range(5):
        quick.submit_order(an_order(f"o-{n}", quantity=1))
    heard.wait_for(40)


def test_a_snapshot_is_complete_and_agrees_with_the_callbacks(quick: Venue) -> None:
    heard = Heard()
    quick.subscribe_fills(heard)
    snapshots: list[VenueSnapshot] = []
    start = datetime.now(UTC)
    ids = []
    for n in range(300):
        ids.append(quick.submit_order(an_order(f"o-{n}")))
        if n % 10 == 0:
            snapshots.append(quick.snapshot(start))
    told = heard.wait_until(lambda fills: complete(fills, 300))
    snapshots.append(quick.snapshot(start))
    for snapshot in snapshots:
        dealt: dict[str, int] = {}
        for fill in snapshot.fills:
            dealt[fill.order_id] = dealt.get(fill.order_id, 0) + fill.quantity
        assert {report.broker_order_id: report.filled_qty for report in snapshot.orders if report.filled_qty} == dealt
        assert all(report.at <= snapshot.taken_at for report in snapshot.orders)
        assert snapshot.positions is not None
        assert sum(snapshot.positions.values()) == sum(dealt.values())
    taken = [{report.broker_order_id for report in snapshot.orders} for snapshot in snapshots]
    for place, known in enumerate(taken[:-1]):
        assert known == set(ids[: place * 10 + 1])
    assert taken[-1] == set(ids)
    assert sorted(fill.fill_id for fill in snapshots[-1].fills) == sorted(fill.fill_id for fill in told)


def test_a_snapshot_leaves_out_what_was_over_before_and_keeps_what_is_open(build: Callable[[float], Venue]) -> None:
    venue, heard = build(0.0), Heard()
    venue.subscribe_fills(heard)
    venue.submit_order(an_order("o-1"))
    heard.wait_until(lambda fills: complete(fills, 1))
    later = datetime.now(UTC) + timedelta(minutes=1)
    snapshot = venue.snapshot(later)
    assert (list(snapshot.orders), list(snapshot.fills)) == ([], [])


def test_open_orders_are_in_every_snapshot(slow: Venue) -> None:
    slow.submit_order(an_order("o-1", limit="7.25"))
    snapshot = slow.snapshot(datetime.now(UTC) + timedelta(minutes=1))
    (report,) = snapshot.orders
    assert (report.client_order_id, report.status, report.limit_price) == ("o-1", ReportStatus.WORKING, Decimal("7.25"))
    assert snapshot.fills == []


def test_quotes_are_of_what_was_traded(slow: Venue) -> None:
    slow.submit_order(an_order("o-1"))
    slow.submit_order(an_order("o-2", symbol="MSFT"))
    assert [(quote.symbol, quote.price) for quote in slow.quotes()] == [("AAPL", Decimal(100)), ("MSFT", Decimal(100))]


def test_a_submitted_order_is_not_changed(slow: Venue) -> None:
    order = an_order()
    before: Order = Order.from_json(order.to_json())
    slow.submit_order(order)
    assert order == before

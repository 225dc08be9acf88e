"""A book that is killed at any moment of any life is found again as it was."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.broker.base import OrderReport, ReportStatus
from actors.broker.paper.book import PaperBook
from actors.broker.paper.rules import Rules
from actors.broker.paper.terms import CAPABILITIES
from actors.errors import OrderCancelError
from actors.model import Order, OrderFill, OrderType, TimeInForce
from actors.model.terms import LIMITED, TRIGGERED
from tests.broker.paper.making import TAG, HandPrices, an_order, at

Deed: TypeAlias = Callable[["Life"], None]

TAKEN = [(kind, force) for kind, forces in CAPABILITIES.takes.items() for force in forces]
LEVELS = st.integers(95, 105).map(str)
ENDS = {ReportStatus.FILLED, ReportStatus.CANCELLED, ReportStatus.EXPIRED}


class Life:
    """A book in a file, with prices and time in the hand of a script."""

    def __init__(self, path: Path, seed: int, *, market_mode: bool) -> None:
        self.path = path
        self.rules = Rules(
            fill_delay=1.0, partial_fills=4, slippage_bps=30, market_mode=market_mode, session_end=at(40).time()
        )
        self.seed = seed
        self.now = 0.0
        self.prices = HandPrices(AAPL="100")
        self.orders: list[Order] = []
        self.told: list[OrderFill | OrderReport] = []
        self.replaced: dict[str, int] = {}
        self.book = self.open()

    def open(self) -> PaperBook:
        return PaperBook(self.rules, Random(self.seed), TAG, self.path, timedelta(days=90))

    def kill(self) -> None:
        """Open the file anew, without a word to the book that had it."""
        before = everything(self.book)
        self.told += self.book.take_news()
        self.book.close()
        self.book = self.open()
        assert everything(self.book) == before

    def submit(self, kind: OrderType, force: TimeInForce, terms: dict[str, Any]) -> None:
        order = an_order(
            f"o-{len(self.orders)}",
            kind=kind,
            force=force,
            side=terms["side"],
            quantity=terms["quantity"],
            limit=terms["limit"] if kind in LIMITED else None,
            stop=terms["stop"] if kind in TRIGGERED else None,
            trail=terms["trail"] if kind == "trailing_stop" else None,
            until=at(self.now + 10) if force == "gtd" else None,
        )
        self.book.submit(order, at(self.now))
        self.orders.append(order)

    def replace(self, number: int, quantity: int, limit: str, stop: str) -> None:
        if not self.orders:
            return
        number %= len(self.orders)
        order, order_id = self.orders[number], id_of(number)
        prices = (
            Decimal(limit) if order.order_type in LIMITED else None,
            Decimal(stop) if order.order_type in TRIGGERED else None,
        )
        try:
            self.book.replace(order_id, quantity, *prices, at(self.now))
        except OrderCancelError:
            return
        self.replaced[order_id] = quantity

    def cancel(self, number: int) -> None:
        if self.orders:
            try:
                self.book.cancel(id_of(number % len(self.orders)), at(self.now))
            except OrderCancelError:
                return

    def move(self, price: str) -> None:
        self.prices.prices["AAPL"] = Decimal(price)

    def pass_time(self, seconds: float, limit: int | None) -> None:
        self.now += seconds
        self.book.advance(at(self.now), self.prices, limit)


def id_of(number: int) -> str:
    return f"PAPER-{TAG}-{number + 1}"


def everything(book: PaperBook) -> tuple[list[OrderReport], list[OrderFill], list[tuple[Any, ...]]]:
    """Return all that is told of a book, and all that the ledger knows but the exchange's own notes of who waits."""
    snapshot = book.snapshot(at(-1e6), at(1e6))
    ledger = book._exchange.ledger
    orders = [
        (order.accepted, order.updated_at, order.traded_at, order.fills, order.changes, order.triggered)
        for order in ledger.orders.values()
    ]
    return sorted(snapshot.orders, key=lambda report: report.broker_order_id), list(snapshot.fills), orders


TERMS = st.fixed_dictionaries(
    {
        "side": st.sampled_from(["buy", "sell"]),
        "quantity": st.integers(1, 20),
        "limit": LEVELS,
        "stop": LEVELS,
        "trail": st.sampled_from(["1", "3"]),
    }
)
SUBMITS = st.tuples(st.sampled_from(TAKEN), TERMS).map(lambda drawn: lambda life: life.submit(*drawn[0], drawn[1]))
REPLACES = st.tuples(st.integers(0, 9), st.integers(1, 30), LEVELS, LEVELS).map(
    lambda drawn: lambda life: life.replace(*drawn)
)
CANCELS = st.integers(0, 9).map(lambda number: lambda life: life.cancel(number))
MOVES = LEVELS.map(lambda price: lambda life: life.move(price))
PASSES = st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0, 15.0]), st.sampled_from([None, None, 1])).map(
    lambda drawn: lambda life: life.pass_time(*drawn)
)
KILLS = st.just(lambda life: life.kill())
SCRIPTS = st.lists(
    st.one_of(SUBMITS, SUBMITS, REPLACES, CANCELS, MOVES, MOVES, PASSES, PASSES, KILLS), min_size=20, max_size=60
)


@settings(max_examples=150)
@given(script=SCRIPTS, seed=st.integers(0, 2**16), market_mode=st.booleans())
def test_a_killed_book_is_the_same_book_and_every_order_ends_as_its_kind_allows(
    script: list[Deed], seed: int, *, market_mode: bool
) -> None:
    with TemporaryDirectory() as folder:
        life = Life(Path(folder) / "book.jsonl", seed, market_mode=market_mode)
        for deed in script:
            deed(life)
        life.kill()
        life.pass_time(2, None)  # everything that trades at once has had its chance
        life.kill()
        check(life)
        life.pass_time(86_400, None)
        life.kill()
        check(life)
        assert {report.status for report in reports(life).values() if force_of(life, report) != "gtc"} <= ENDS
        life.book.close()


def reports(life: Life) -> dict[str, OrderReport]:
    return {report.broker_order_id: report for report in everything(life.book)[0]}


def order_of(life: Life, report: OrderReport) -> Order:
    (order,) = (order for order in life.orders if order.order_id == report.client_order_id)
    return order


def force_of(life: Life, report: OrderReport) -> TimeInForce:
    return order_of(life, report).time_in_force


def check(life: Life) -> None:
    """Check the promises that hold at any moment."""
    fills: dict[str, list[OrderFill]] = {order_id: [] for order_id in reports(life)}
    for fill in everything(life.book)[1]:
        fills[fill.order_id].append(fill)
    told = [fill.fill_id for fill in life.told if isinstance(fill, OrderFill)]
    assert len(told) == len(set(told)), "a fill was told of twice"
    assert sorted(told) == sorted(fill.fill_id for each in fills.values() for fill in each)
    for order_id, report in reports(life).items():
        order, filled = order_of(life, report), fills[order_id]
        assert [fill.fill_id for fill in filled] == [f"{order_id}-{n}" for n in range(1, len(filled) + 1)]
        assert sum(fill.quantity for fill in filled) == report.filled_qty
        assert report.quantity == life.replaced.get(order_id, order.quantity)
        assert (report.status is ReportStatus.FILLED) == (report.filled_qty == report.quantity)
        match order.time_in_force:
            case "ioc":
                assert report.status in ENDS
                assert len(filled) <= 1
            case "fok":
                assert report.status in ENDS
                assert report.filled_qty in (0, report.quantity)
            case "gtc":
                assert report.status is not ReportStatus.EXPIRED
            case _:
                assert report.status in ENDS | {ReportStatus.WORKING}
        if order.order_type in LIMITED and order_id not in life.replaced:
            assert all(keeps(fill, order.limit_price) for fill in filled)


def keeps(fill: OrderFill, limit: Decimal | None) -> bool:
    assert limit is not None
    return fill.price <= limit if fill.side == "buy" else fill.price >= limit

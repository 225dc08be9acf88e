"""How long the pre-trade checks take: microseconds an order, with nothing set and with every limit set.

    python -m benchmarks.risk

Printed are, for 10 and for 10,000 live orders, the time of one ``check`` that passes, and the time of all an engine is
asked and told of one order in its life: the check, the send, the acceptance and the fill. The engine reads an empty
history; the live orders are told to it before the clock starts. Each figure is the best of five rounds.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter

import msgspec

from actors.broker.base import Quote
from actors.model import BookedFill, Order, OrderStatus, Position
from actors.model.control import TradingState
from actors.risk.engine import RiskEngine
from actors.settings import AccountLimits, InstrumentSettings, RiskSettings, StrategyLimits

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
ROUNDS = 5
ORDERS = 2_000
FAR = Decimal(10) ** 12
SHARED = {
    "max_quantity": 10**9,
    "max_notional": FAR,
    "price_collar": Decimal("0.5"),
    "max_exposure": FAR,
    "max_open_orders": 1_000_000,
    "max_orders_per_minute": 1_000_000,
    "max_daily_loss": FAR,
}
ALL_ON = RiskSettings(
    account=AccountLimits(**SHARED, max_account_position=10**12),
    strategy=StrategyLimits(**SHARED, max_position=10**12, duplicate_window=5.0),
    allow=("US.*",),
    deny=("US.BANNED*",),
    instruments={"US.*": InstrumentSettings(lot=1, tick=Decimal("0.01"))},
    prevent_self_match=True,
)


class Nothing:
    """A history without any fact."""

    def live_orders(self) -> Sequence[Order]:
        return ()

    def orders_sent_since(self, moment: datetime) -> Sequence[Order]:
        return ()

    def last_prices(self, after: int = 0) -> Mapping[str, Decimal]:
        return {}

    def first_fill_since(self, moment: datetime) -> int | None:
        return None

    def last_fill(self) -> int:
        return 10**9

    def controls(self) -> Mapping[str, str]:
        return {}

    def position_rows(self) -> tuple[Sequence[Position], int]:
        return (), 0

    def fills(
        self, *, strategy_id: str | None = None, after: int = 0, limit: int | None = None
    ) -> Sequence[BookedFill]:
        return ()


def order(number: int, **changes: object) -> Order:
    plain = Order(
        order_id=f"oa-{number:08d}",
        broker_order_id=None,
        strategy_id=f"strategy-{number % 5}",
        symbol=f"US.S{number % 50}",
        side="buy",
        quantity=100 + number,
        order_type="limit",
        limit_price=Decimal(9000 + number % 1000) / 100,
        status=OrderStatus.PENDING,
        created_at=NOW,
        updated_at=NOW,
        account_id="BENCH",
    )
    return msgspec.structs.replace(plain, **changes)


def engine(settings: RiskSettings, live: int) -> RiskEngine:
    """Return an engine that knows of so many live orders and of a quote for each symbol."""
    made = RiskEngine(settings, Nothing(), NOW)
    for number in range(live):
        made.changed(None, order(number, status=OrderStatus.SUBMITTED, sent_at=NOW))
    made.marked([Quote(f"US.S{number}", Decimal(100), NOW) for number in range(50)])
    return made


def checks(settings: RiskSettings, live: int) -> float:
    """Return microseconds a check."""
    asked, orders = engine(settings, live), [order(10**6 + number) for number in range(ORDERS)]

    def run() -> None:
        for each in orders:
            if asked.check(each, NOW, TradingState.ACTIVE) is not None:
                raise AssertionError(asked.check(each, NOW, TradingState.ACTIVE))

    return best(run)


def lives(settings: RiskSettings, live: int) -> float:
    """Return microseconds for all of an order's life."""
    told, seq = engine(settings, live), 0
    rounds = []
    for turn in range(1, ROUNDS + 1):
        for number in range(ORDERS):
            new = order(turn * 10**6 + number)
            sent = msgspec.structs.replace(new, sent_at=NOW)
            working = msgspec.structs.replace(sent, status=OrderStatus.SUBMITTED, broker_order_id="B")
            filled = msgspec.structs.replace(working, status=OrderStatus.FILLED, filled_qty=new.quantity)
            seq += 1
            fill = BookedFill(
                *(f"F{seq}", "B", new.symbol, "buy", new.quantity, Decimal(100), NOW),
                seq=seq,
                account_id="BENCH",
                strategy_id=new.strategy_id,
                client_order_id=new.order_id,
            )
            rounds.append((new, sent, working, filled, fill))
    turns = iter(rounds)

    def run() -> None:
        for _ in range(ORDERS):
            new, sent, working, filled, fill = next(turns)
            told.check(new, NOW, TradingState.ACTIVE)
            told.changed(None, sent)
            told.changed(sent, working)
            told.changed(working, filled)
            told.booked(fill)

    return best(run)


def best(run: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = perf_counter()
        run()
        times.append(perf_counter() - begun)
    return min(times) / ORDERS * 1e6


def main() -> None:
    print(f"{'':24}{'check':>12}{'whole life':>14}")
    for name, settings in (("nothing set", RiskSettings()), ("every limit set", ALL_ON)):
        for live in (10, 10_000):
            title = f"{name}, {live:,} live"
            print(f"{title:24}{checks(settings, live):>9.2f} us{lives(settings, live):>11.2f} us")


if __name__ == "__main__":
    main()

"""Any sequence of events against a model that knows only arithmetic and what may follow an end."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.model import Order, OrderFlag, OrderStatus
from actors.model.terms import NewTerms
from actors.order_manager.book import Step, apply_fill, ask_replace, step, terms_asked
from actors.order_manager.transitions import OrderEvent
from tests.support.builders import bust, fill, later, order

FILLS = {OrderEvent.FILL_PART, OrderEvent.FILL_REST, OrderEvent.OVERFILL, OrderEvent.FILL_REVERSED}
PLAIN = sorted(set(OrderEvent) - FILLS - {OrderEvent.REPLACE_ASKED})
PRICES = st.decimals("0.000000001", "999999999", places=9)

Fill = tuple[str, int, Decimal]
actions = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(PLAIN)),
    st.tuples(st.just("fill"), st.integers(1, 15), PRICES),
    st.tuples(st.just("bust"), st.integers(0, 20)),
    st.tuples(st.just("replace"), st.integers(1, 30), st.booleans()),
)

# A final order becomes another by these alone: late fills, busts, and the broker's own word that it was wrong.
CORRECTIONS = {
    OrderStatus.FILLED: {"bust"},
    OrderStatus.CANCELLED: {"fill", OrderEvent.WORKING_CONFIRMED},
    OrderStatus.REJECTED: {
        "fill",
        OrderEvent.ACCEPTED,
        OrderEvent.WORKING,
        OrderEvent.WORKING_CONFIRMED,
        OrderEvent.CANCELLED,
    },
    OrderStatus.EXPIRED: {"fill", OrderEvent.WORKING_CONFIRMED},
}


class Ledger:
    """What was filled, by rational numbers."""

    def __init__(self) -> None:
        self.standing: list[tuple[int, Decimal]] = []
        self.count = 0

    @property
    def quantity(self) -> int:
        return sum(quantity for quantity, _ in self.standing)

    @property
    def value(self) -> Fraction:
        return sum((quantity * Fraction(price) for quantity, price in self.standing), Fraction(0))


def play(before: Order, action: tuple, ledger: Ledger, moment: int) -> tuple[Step, object]:  # type: ignore[type-arg]
    now = later(moment)
    ledger.count += 1
    match action:
        case ("event", event):
            return step(before, event, now, broker_order_id="B1", reason="why"), event
        case ("replace", total, by_cancel):
            return ask_replace(before, NewTerms(total, Decimal(5), None), now, by_cancel=by_cancel), "replace"
        case ("bust", pick) if ledger.standing:
            quantity, price = ledger.standing.pop(pick % len(ledger.standing))
            reversal = bust(ledger.count, fill(0, quantity, str(price)))
            return apply_fill(before, reversal, now), "bust"
        case ("fill", quantity, price):
            ledger.standing.append((quantity, price))
            return apply_fill(before, fill(ledger.count, quantity, str(price)), now), "fill"
        case _:
            return Step(before), None


@settings(max_examples=400)
@given(st.lists(actions, max_size=30))
def test_whatever_happens_the_order_agrees_with_its_fills(sequence: list[tuple]) -> None:  # type: ignore[type-arg]
    current, ledger = order(), Ledger()
    for moment, action in enumerate(sequence, start=1):
        before = current
        result, what = play(before, action, ledger, moment)
        current = result.order
        check_sums(current, ledger)
        check_terms(before, current)
        check_end(before, current, what)
        if result.impossible or result.refused:
            assert current is before
        if current is not before:
            assert current.updated_at == later(moment)


def check_sums(current: Order, ledger: Ledger) -> None:
    assert current.filled_qty == ledger.quantity
    assert Fraction(current.fill_value) == ledger.value
    assert current.leaves_qty == max(current.quantity - ledger.quantity, 0)
    assert current.overfill_qty == max(ledger.quantity - current.quantity, 0)
    assert (OrderFlag.OVERFILL in current.flags) is (current.overfill_qty > 0)
    if ledger.quantity > 0:
        assert current.avg_fill_price is not None
        exact = ledger.value / ledger.quantity
        assert abs(Fraction(current.avg_fill_price) - exact) <= exact / 10**27
    else:
        assert current.avg_fill_price is None


def check_terms(before: Order, current: Order) -> None:
    """Nothing changes an order's identity, and a broker's id stays once it is known."""
    for name in ("order_id", "strategy_id", "symbol", "side", "signal_id", "account_id", "created_at", "order_type"):
        assert getattr(current, name) == getattr(before, name)
    if before.broker_order_id is not None:
        assert current.broker_order_id == before.broker_order_id
    assert current.quantity >= 1
    assert list(current.flags) == sorted(set(current.flags))
    if current.status is OrderStatus.REPLACE_REQUESTED:
        assert terms_asked(current) is not None
    if terms_asked(current) is not None:
        assert current.status in (OrderStatus.REPLACE_REQUESTED, OrderStatus.CANCEL_REQUESTED)
    else:
        assert (current.replace_limit_price, current.replace_stop_price) == (None, None)
    if OrderFlag.CONTINUE_WANTED in current.flags:
        assert current.status is OrderStatus.CANCEL_REQUESTED
        assert terms_asked(current) is not None
    if current.status is OrderStatus.SUBMITTED:
        assert current.filled_qty <= 0
    if current.status is OrderStatus.REJECTED and before.status is not OrderStatus.REJECTED:
        assert current.filled_qty <= 0 or OrderFlag.BUSTED in current.flags


def check_end(before: Order, current: Order, what: object) -> None:
    if before.status.is_final and current.status is not before.status:
        assert what in CORRECTIONS[before.status], (before.status, what, current.status)
    if current.status is OrderStatus.FILLED and before.status is not OrderStatus.FILLED:
        assert current.leaves_qty == 0

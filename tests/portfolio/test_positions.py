"""The arithmetic of positions, checked against share-by-share bookkeeping in fractions."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model import BookedFill, Position
from actors.portfolio.positions import PositionBook, fold, position_key
from tests.portfolio.ledgers import bust, fill, ledgers


def only(fills: Sequence[BookedFill]) -> Position:
    (position,) = fold([], fills)
    return position


def test_a_long_position_averages_what_it_paid_and_keeps_the_average_when_a_part_is_sold() -> None:
    position = only([fill(1, "buy", 100, "10", fee="1"), fill(2, "buy", 100, "12"), fill(3, "sell", 50, "15", fee="2")])

    assert (position.quantity, position.avg_price) == (150, Decimal(11))
    assert position.realized_pnl == Decimal(200)
    assert position.fees == Decimal(3)
    assert position.cost == Decimal(1650)


def test_a_short_position_earns_when_it_is_bought_back_lower() -> None:
    position = only([fill(1, "sell", 100, "10"), fill(2, "buy", 40, "9")])

    assert (position.quantity, position.avg_price) == (-60, Decimal(10))
    assert position.realized_pnl == Decimal(40)


@pytest.mark.parametrize(("opening", "closing", "profit"), [("buy", "sell", "200"), ("sell", "buy", "-200")])
def test_a_fill_through_zero_closes_what_was_held_and_opens_the_rest_at_its_own_price(
    opening: str, closing: str, profit: str
) -> None:
    position = only([fill(1, opening, 100, "10"), fill(2, closing, 150, "12")])  # type: ignore[arg-type]

    assert position.quantity == (-50 if closing == "sell" else 50)
    assert position.avg_price == Decimal(12)
    assert position.realized_pnl == Decimal(profit)


def test_a_flat_position_has_no_average_no_cost_and_its_exact_cash_as_profit() -> None:
    position = only(
        [fill(1, "buy", 3, "10"), fill(2, "buy", 4, "10.01"), fill(3, "sell", 6, "9"), fill(4, "sell", 1, "9")]
    )

    assert (position.quantity, position.avg_price, position.cost) == (0, None, 0)
    assert position.realized_pnl == Decimal("-7.04")


def test_an_average_that_never_ends_is_shown_with_twelve_decimals_and_does_not_drift() -> None:
    bought = [fill(2, "buy", 1000, "10"), fill(3, "buy", 2000, "11")]
    sold = [fill(seq, "sell", 7, "10") for seq in range(4, 400)]

    assert only(bought).avg_price == only([*bought, *sold]).avg_price == Decimal("10.666666666667")


def test_the_largest_ledger_values_stay_exact() -> None:
    most, dearest = 10**9 - 1, "999999999.999999999"
    ledger = [fill(seq, "buy", most, dearest) for seq in range(1, 101)] + [fill(101, "sell", 7, "0.000000001")]
    position = only(ledger)

    cash = 7 * Fraction("0.000000001") - 100 * most * Fraction(dearest)
    assert Fraction(position.realized_pnl) - Fraction(position.cost) == cash
    assert position.avg_price == Decimal(dearest)


def test_a_bust_restates_the_profit_of_later_closes_as_if_the_fill_had_never_been() -> None:
    first, second = fill(1, "buy", 100, "10", fee="1"), fill(2, "buy", 100, "20", fee="1")
    close = fill(3, "sell", 100, "30")

    assert only([first, second, close, bust(4, second)]) == only([first, close])
    assert only([first, second, close, bust(4, second), bust(5, first), bust(6, close)]).realized_pnl == 0


def test_a_bust_of_some_shares_leaves_the_others_where_they_were() -> None:
    first, close = fill(1, "buy", 100, "10"), fill(2, "sell", 50, "12")

    assert only([first, close, bust(3, first, 40)]) == only([fill(1, "buy", 60, "10"), close])


def test_a_bust_of_a_fill_that_is_not_in_the_ledger_trades_the_other_way() -> None:
    gone = fill(9, "buy", 30, "10")

    assert only([fill(1, "buy", 100, "10"), bust(2, gone)]).quantity == 70


def test_a_bust_after_a_checkpoint_needs_the_history_and_says_so() -> None:
    first = fill(1, "buy", 100, "10")
    rows = fold([], [first])

    with pytest.raises(ValueError, match=r"history"):
        fold(rows, [bust(2, first)])
    assert fold(rows, [bust(2, first)], lambda _: [first, bust(2, first)]) == fold([], [first, bust(2, first)])


def test_prices_value_every_position_in_their_symbol_and_only_those() -> None:
    book = PositionBook([], lambda _: [])
    book.apply(
        [fill(1, "buy", 10, "10"), fill(2, "sell", 10, "10", strategy="beta"), fill(3, "buy", 1, "5", symbol="X")]
    )

    moved = book.mark([("AAPL", Decimal(12)), ("NOT.HELD", Decimal(1))])
    assert {key[1:] for key in moved} == {("alpha", "AAPL"), ("beta", "AAPL")}
    assert [row.unrealized_pnl for row in book.positions(sorted(moved))] == [Decimal(20), Decimal(-20)]
    assert [row.unrealized_pnl for row in book.positions(book.keys)][1] is None
    assert book.mark([("AAPL", Decimal(12))]) == set()


@given(ledgers())
def test_it_agrees_with_bookkeeping_share_by_share(ledger: list[BookedFill]) -> None:
    for position in fold([], ledger):
        quantity, cost, realized, cash = by_single_shares(
            [f for f in ledger if position_key(f) == position_key(position)]
        )

        assert position.quantity == quantity
        assert abs(Fraction(position.cost) - cost) < Fraction(1, 10**15)
        assert abs(Fraction(position.realized_pnl) - realized) < Fraction(1, 10**15)
        assert Fraction(position.realized_pnl) - Fraction(position.cost) == cash
        if quantity:
            assert position.avg_price is not None
            assert abs(Fraction(position.avg_price) - cost / quantity) < Fraction(1, 10**11)


@given(ledgers(), st.lists(st.integers(0, 25), max_size=4))
def test_going_on_from_any_checkpoints_gives_the_same_bytes_as_folding_from_zero(
    ledger: list[BookedFill], cuts: list[int]
) -> None:
    rows: list[Position] = []
    edges = [0, *sorted(cut for cut in cuts if cut <= len(ledger)), len(ledger)]
    for start, end in pairwise(edges):
        rows = fold(rows, ledger[start:end], lambda _: ledger)

    whole = fold([], ledger)
    assert [repr(row) for row in rows] == [repr(row) for row in whole]


@given(ledgers(busts=False), st.data())
def test_a_reversed_fill_leaves_no_trace_wherever_its_reversal_stands(
    ledger: list[BookedFill], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(ledger) - 1))
    victim = ledger[index]
    place = data.draw(st.integers(index + 1, len(ledger)))
    undone = [*ledger[:place], bust(10**6, victim), *ledger[place:]]
    renumbered = [fill_at(seq, entry) for seq, entry in enumerate(undone, 1)]

    never = {position_key(row): row for row in fold([], [entry for entry in ledger if entry is not victim])}
    for row in fold([], renumbered):
        assert row == never.get(position_key(row), empty(row))


def by_single_shares(fills: Sequence[BookedFill]) -> tuple[int, Fraction, Fraction, Fraction]:
    """Return quantity, signed cost, realised profit and cash, moving one share at a time."""
    gone = {entry.reverses for entry in fills if entry.reverses is not None}
    held, average, realized, cash = 0, Fraction(0), Fraction(0), Fraction(0)
    for entry in fills:
        if entry.reverses is not None or entry.fill_id in gone:
            continue
        price, step = Fraction(entry.price), 1 if entry.side == "buy" else -1
        for _ in range(entry.quantity):
            cash -= step * price
            if held * step >= 0:
                average = (average * abs(held) + price) / (abs(held) + 1)
            else:
                realized += (average - price) * step
            held += step
    return held, average * held, realized, cash


def fill_at(seq: int, entry: BookedFill) -> BookedFill:
    return msgspec.structs.replace(entry, seq=seq)


def empty(row: Position) -> Position:
    return Position(row.account_id, row.strategy_id, row.symbol, 0, None, Decimal(0))

"""The Portfolio on a stage without threads: told, not told, told twice, restarted."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.base import Quote
from actors.messages import FillsBooked, PortfolioMessage, PricesMarked
from actors.model import BookedFill
from actors.portfolio.actor import Portfolio, PositionBoard
from actors.portfolio.positions import fold
from tests.portfolio.ledgers import AT, MemoryLedger, bust, fill, ledgers
from tests.portfolio.stage import Stage


def portfolio(store: MemoryLedger, board: PositionBoard, *, checkpoint_fills: int = 2_000) -> Stage[PortfolioMessage]:
    return Stage(lambda context: Portfolio(context, store, board, checkpoint_fills=checkpoint_fills))


@pytest.fixture
def store() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def board() -> PositionBoard:
    return PositionBoard()


def book(store: MemoryLedger, *fills: BookedFill) -> FillsBooked:
    store.ledger.extend(fills)
    return FillsBooked(fills=fills)


def test_what_is_booked_shows_on_the_board(store: MemoryLedger, board: PositionBoard) -> None:
    stage = portfolio(store, board)
    stage.batch(book(store, fill(1, "buy", 10, "5")), book(store, fill(2, "buy", 10, "7", symbol="AA")))

    assert board.snapshot.positions == tuple(fold([], store.ledger))
    assert [row.symbol for row in board.snapshot.positions] == ["AA", "AAPL"]
    assert board.snapshot.last_seq == 2


def test_fills_told_again_or_in_part_again_count_once(store: MemoryLedger, board: PositionBoard) -> None:
    stage = portfolio(store, board)
    first, second = fill(1, "buy", 10, "5"), fill(2, "buy", 10, "7")
    stage.batch(book(store, first))
    store.ledger.append(second)
    stage.batch(FillsBooked(fills=(first,)), FillsBooked(fills=(first, second)), FillsBooked(fills=(second,)))

    assert board.snapshot.positions == tuple(fold([], store.ledger))


def test_a_gap_in_what_is_told_is_read_from_the_ledger(store: MemoryLedger, board: PositionBoard) -> None:
    stage = portfolio(store, board)
    book(store, fill(1, "buy", 10, "5"), fill(2, "sell", 4, "6"))
    stage.batch(book(store, fill(3, "buy", 10, "7")))

    assert board.snapshot.last_seq == 3
    assert board.snapshot.positions == tuple(fold([], store.ledger))


def test_fills_nobody_told_are_found_by_the_next_tick(store: MemoryLedger, board: PositionBoard) -> None:
    stage = portfolio(store, board)
    book(store, fill(1, "buy", 10, "5"))
    stage.advance(1.0)

    assert board.snapshot.last_seq == 1


def test_a_checkpoint_is_written_when_a_second_passed_and_only_if_something_was_booked(
    store: MemoryLedger, board: PositionBoard
) -> None:
    stage = portfolio(store, board)
    stage.batch(book(store, fill(1, "buy", 10, "5")))
    assert store.saves == []
    stage.advance(10)

    assert store.saves == [1]
    assert list(store.rows.values()) == fold([], store.ledger)


def test_a_checkpoint_is_also_written_after_so_many_fills(store: MemoryLedger, board: PositionBoard) -> None:
    stage = portfolio(store, board, checkpoint_fills=3)
    for seq in range(1, 8):
        stage.batch(book(store, fill(seq, "buy", 1, "5")))

    assert store.saves == [3, 6]


def test_prices_value_what_is_held_now_and_what_is_opened_later_but_stay_out_of_the_checkpoint(
    store: MemoryLedger, board: PositionBoard
) -> None:
    stage = portfolio(store, board)
    stage.batch(book(store, fill(1, "buy", 10, "5")))
    stage.batch(PricesMarked(quotes=(Quote("AAPL", Decimal(6), AT),)))
    assert [row.unrealized_pnl for row in board.snapshot.positions] == [Decimal(10)]

    stage.batch(book(store, fill(2, "sell", 10, "5", strategy="beta")))
    assert [(row.mark_price, row.unrealized_pnl) for row in board.snapshot.positions] == [(6, 10), (6, -10)]
    stage.advance(1.0)
    assert list(store.rows.values()) == fold([], store.ledger)


def test_a_bust_of_a_fill_before_the_checkpoint_is_undone_from_the_ledger(
    store: MemoryLedger, board: PositionBoard
) -> None:
    stage = portfolio(store, board)
    victim = fill(1, "buy", 100, "10")
    stage.batch(book(store, victim, fill(2, "buy", 100, "20"), fill(3, "sell", 150, "30")))
    stage.advance(1.0)
    stage.restart()
    stage.batch(book(store, bust(4, victim)))

    (row,) = board.snapshot.positions
    assert (row.quantity, row.realized_pnl) == (-50, Decimal(1000))
    assert board.snapshot.positions == tuple(fold([], store.ledger))


def test_a_new_incarnation_keeps_the_board_and_catches_up_from_the_checkpoint(
    store: MemoryLedger, board: PositionBoard
) -> None:
    stage = portfolio(store, board)
    stage.batch(book(store, fill(1, "buy", 10, "5")))
    stage.advance(1.0)
    stage.batch(book(store, fill(2, "sell", 3, "8")))
    before = board.snapshot
    book(store, fill(3, "sell", 3, "9"))
    stage.restart()

    assert before.last_seq == 2
    assert board.snapshot.last_seq == 3
    assert board.snapshot.positions == tuple(fold([], store.ledger))


@given(ledgers(), st.data())
def test_whatever_is_lost_repeated_or_restarted_the_board_equals_the_fold_of_the_ledger(
    ledger: list[BookedFill], data: st.DataObject
) -> None:
    store, board = MemoryLedger(), PositionBoard()
    stage = portfolio(store, board, checkpoint_fills=data.draw(st.integers(1, 10)))
    told: list[FillsBooked] = []
    while ledger:
        size = data.draw(st.integers(1, 4))
        told.append(book(store, *ledger[:size]))
        ledger = ledger[size:]
        match data.draw(st.sampled_from(("tell", "tell", "lose", "repeat", "restart", "tick"))):
            case "tell":
                stage.batch(told[-1])
            case "repeat":
                stage.batch(data.draw(st.sampled_from(told)), told[-1])
            case "restart":
                stage.restart()
            case "tick":
                stage.advance(1.0)
        assert board.snapshot.positions == tuple(fold([], store.ledger[: board.snapshot.last_seq]))
    stage.advance(2.0)

    assert board.snapshot.last_seq == len(store.ledger)
    assert [repr(row) for row in board.snapshot.positions] == [repr(row) for row in fold([], store.ledger)]
    assert sorted(map(repr, store.rows.values())) == sorted(map(repr, fold([], store.ledger)))

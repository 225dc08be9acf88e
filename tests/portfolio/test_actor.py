"""The Portfolio on a stage without threads: told, not told, told twice, restarted."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.broker.base import Quote
from actors.messages import FillsBooked, PortfolioMessage, PricesMarked
from actors.model import BookedFill
from actors.portfolio.actor import Portfolio, PositionBoard
from actors.portfolio.positions import fold
from tests.portfolio.ledgers import AT, Books, bust, fill, ledgers
from tests.support.stage import Stage


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    books = Books(tmp_path_factory.mktemp("portfolio"))
    yield books
    books.store.close()


@pytest.fixture
def books(one_store: Books) -> Books:
    one_store.wipe()
    return one_store


@pytest.fixture
def board() -> PositionBoard:
    return PositionBoard()


def portfolio(books: Books, board: PositionBoard, *, checkpoint_fills: int = 2_000) -> Stage[PortfolioMessage]:
    return Stage(lambda context: Portfolio(context, books.store, board, checkpoint_fills=checkpoint_fills))


def test_what_is_booked_shows_on_the_board(books: Books, board: PositionBoard) -> None:
    stage = portfolio(books, board)
    stage.batch(books.book(fill(1, "buy", 10, "5")), books.book(fill(2, "buy", 10, "7", symbol="AA")))

    assert board.snapshot.positions == tuple(fold([], books.ledger))
    assert [row.symbol for row in board.snapshot.positions] == ["AA", "AAPL"]
    assert board.snapshot.last_seq == 2


def test_fills_told_again_or_in_part_again_count_once(books: Books, board: PositionBoard) -> None:
    stage = portfolio(books, board)
    first, second = fill(1, "buy", 10, "5"), fill(2, "buy", 10, "7")
    stage.batch(books.book(first))
    books.book(second)
    stage.batch(FillsBooked(fills=(first,)), FillsBooked(fills=(first, second)), FillsBooked(fills=(second,)))

    assert board.snapshot.positions == tuple(fold([], books.ledger))


def test_a_gap_in_what_is_told_is_read_from_the_ledger(books: Books, board: PositionBoard) -> None:
    stage = portfolio(books, board)
    books.book(fill(1, "buy", 10, "5"), fill(2, "sell", 4, "6"))
    stage.batch(books.book(fill(3, "buy", 10, "7")))

    assert board.snapshot.last_seq == 3
    assert board.snapshot.positions == tuple(fold([], books.ledger))


def test_fills_nobody_told_are_found_by_the_next_tick(books: Books, board: PositionBoard) -> None:
    stage = portfolio(books, board)
    books.book(fill(1, "buy", 10, "5"))
    stage.advance(1.0)

    assert board.snapshot.last_seq == 1


def test_a_checkpoint_is_written_when_a_second_passed_and_only_if_something_was_booked(
    books: Books, board: PositionBoard
) -> None:
    stage = portfolio(books, board)
    stage.batch(books.book(fill(1, "buy", 10, "5")))
    assert books.checkpoint() == ([], 0)
    stage.advance(1)

    assert books.checkpoint() == (fold([], books.ledger), 1)
    books.wipe()
    stage.advance(10)
    assert books.checkpoint() == ([], 0)


def test_a_checkpoint_is_also_written_after_so_many_fills(books: Books, board: PositionBoard) -> None:
    stage = portfolio(books, board, checkpoint_fills=3)
    saved = []
    for seq in range(1, 8):
        stage.batch(books.book(fill(seq, "buy", 1, "5")))
        saved.append(books.checkpoint()[1])

    assert saved == [0, 0, 3, 3, 3, 6, 6]


def test_a_checkpoint_writes_only_what_changed_since_the_last(books: Books, board: PositionBoard) -> None:
    stage = portfolio(books, board)
    stage.batch(books.book(fill(1, "buy", 10, "5"), fill(2, "buy", 10, "5", symbol="MSFT")))
    stage.advance(1.0)
    books.wipe()
    stage.batch(books.book(fill(3, "buy", 10, "5", symbol="MSFT")))
    stage.advance(1.0)

    rows, upto = books.checkpoint()
    assert [(row.symbol, row.quantity) for row in rows] == [("MSFT", 20)]
    assert upto == 3


def test_prices_value_what_is_held_now_and_what_is_opened_later_but_stay_out_of_the_checkpoint(
    books: Books, board: PositionBoard
) -> None:
    stage = portfolio(books, board)
    stage.batch(books.book(fill(1, "buy", 10, "5")))
    stage.batch(PricesMarked(quotes=(Quote("AAPL", Decimal(6), AT),)))
    assert [row.unrealized_pnl for row in board.snapshot.positions] == [Decimal(10)]

    stage.batch(books.book(fill(2, "sell", 10, "5", strategy="beta")))
    assert [(row.mark_price, row.unrealized_pnl) for row in board.snapshot.positions] == [(6, 10), (6, -10)]
    stage.advance(1.0)
    assert books.checkpoint()[0] == fold([], books.ledger)


def test_a_bust_of_a_fill_before_the_checkpoint_is_undone_from_the_ledger(books: Books, board: PositionBoard) -> None:
    stage = portfolio(books, board)
    victim = fill(1, "buy", 100, "10")
    stage.batch(books.book(victim, fill(2, "buy", 100, "20"), fill(3, "sell", 150, "30")))
    stage.advance(1.0)
    stage.restart()
    stage.batch(books.book(bust(4, victim)))

    (row,) = board.snapshot.positions
    assert (row.quantity, row.realized_pnl) == (-50, Decimal(1000))
    assert board.snapshot.positions == tuple(fold([], books.ledger))


def test_a_new_incarnation_keeps_the_board_and_catches_up_from_the_checkpoint(
    books: Books, board: PositionBoard
) -> None:
    stage = portfolio(books, board)
    stage.batch(books.book(fill(1, "buy", 10, "5")))
    stage.advance(1.0)
    stage.batch(books.book(fill(2, "sell", 3, "8")))
    before = board.snapshot
    books.book(fill(3, "sell", 3, "9"))
    stage.restart()

    assert before.last_seq == 2
    assert board.snapshot.last_seq == 3
    assert board.snapshot.positions == tuple(fold([], books.ledger))


@settings(max_examples=50)
@given(ledgers(), st.data())
def test_whatever_is_lost_repeated_or_restarted_the_board_equals_the_fold_of_the_ledger(
    one_store: Books, ledger: list[BookedFill], data: st.DataObject
) -> None:
    books, board = one_store, PositionBoard()
    books.wipe()
    stage = portfolio(books, board, checkpoint_fills=data.draw(st.integers(1, 10)))
    told: list[FillsBooked] = []
    while ledger:
        size = data.draw(st.integers(1, 4))
        told.append(books.book(*ledger[:size]))
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
        assert board.snapshot.positions == tuple(fold([], books.ledger[: board.snapshot.last_seq]))
    stage.advance(2.0)

    assert board.snapshot.last_seq == len(books.ledger)
    assert [repr(row) for row in board.snapshot.positions] == [repr(row) for row in fold([], books.ledger)]
    assert repr(books.checkpoint()[0]) == repr(fold([], books.ledger))

"""Deals and growing figures become fills, each once, whatever comes twice or late."""

from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.futu.bookkeeping import Bookkeeping
from actors.broker.futu.fills import DealBook, Growth
from actors.broker.futu.journal import FillJournal
from actors.errors import StoreError
from actors.model import OrderFill
from tests.broker.futu.making import DAY, deal, picture
from tests.support.builders import AT

D = Decimal


def told(books: Bookkeeping, *shown: object) -> list[OrderFill]:
    return [fill for one in shown for fill in books.news(one)]  # type: ignore[arg-type]


def books(path: Path | None = None, *, real: bool) -> Bookkeeping:
    made = Bookkeeping(5, FillJournal(path, AT - DAY), real=real)
    made.open()
    return made


def net(fills: list[OrderFill]) -> tuple[int, Decimal]:
    return sum(f.quantity for f in fills), sum((f.quantity * f.price for f in fills), D(0))


def test_a_deal_is_booked_once_under_account_and_deal() -> None:
    book = books(real=True)
    (fill,) = told(book, deal(), deal(), deal(status="N/A"))
    assert (fill.fill_id, fill.order_id, fill.quantity, fill.price) == ("5:77", "F1", 40, D("150.2"))


def test_a_cancelled_deal_is_taken_back_whole_and_once() -> None:
    book = books(real=True)
    first, reversal = told(book, deal(), deal(status="CANCELLED"), deal(status="CANCELLED"), deal())
    assert reversal.reverses == first.fill_id == "5:77"
    assert net([first, reversal]) == (0, D(0))


def test_a_changed_deal_is_taken_back_and_booked_anew() -> None:
    book = books(real=True)
    fills = told(book, deal(), deal(status="CHANGED", quantity=30, price=D("150.1")))
    assert [fill.fill_id for fill in fills] == ["5:77", "5:77:x", "5:77.1"]
    assert net(fills) == (30, 30 * D("150.1"))
    more = told(book, deal(status="CHANGED", quantity=30, price=D("150.1")), deal(status="CANCELLED"))
    assert [(fill.fill_id, fill.reverses) for fill in more] == [("5:77.1:x", "5:77.1")]
    assert net([*fills, *more])[0] == 0


def test_a_deal_first_shown_as_changed_is_booked_as_it_is_now() -> None:
    (fill,) = told(books(real=True), deal(status="CHANGED", quantity=30))
    assert (fill.fill_id, fill.quantity) == ("5:77", 30)


def test_a_deal_first_shown_as_cancelled_is_booked_and_taken_back() -> None:
    assert net(told(books(real=True), deal(status="CANCELLED"))) == (0, D(0))


def test_the_payout_of_an_event_contract_is_no_fill() -> None:
    assert told(books(real=True), deal(status="PAYOUT")) == []


def test_a_deal_of_less_than_one_share_is_no_fill() -> None:
    assert told(books(real=True), deal(quantity=0)) == []


def test_pictures_of_a_real_account_book_nothing_and_deals_of_a_paper_account_neither() -> None:
    assert told(books(real=True), picture(filled_qty=5, average=D(1))) == []
    assert told(books(real=False), deal()) == []


def test_growth_is_priced_so_that_the_sum_is_exact() -> None:
    book = books(real=False)
    fills = told(
        book, picture(filled_qty=40, average=D("150.2")), picture(filled_qty=100, average=D("150.32")), picture()
    )
    assert [(f.fill_id, f.quantity, f.price) for f in fills] == [
        ("5:F1:40", 40, D("150.2")),
        ("5:F1:100", 60, D("150.4")),
    ]


def test_an_old_picture_and_one_without_an_average_book_nothing() -> None:
    book = books(real=False)
    assert told(book, picture(filled_qty=40)) == []
    told(book, picture(filled_qty=40, average=D(150)))
    assert told(book, picture(filled_qty=30, average=D(149))) == []


def test_figures_that_do_not_fit_are_priced_at_their_average() -> None:
    book = books(real=False)
    fills = told(book, picture(filled_qty=90, average=D(150)), picture(filled_qty=100, average=D(1)))
    assert [f.price for f in fills] == [D(150), D(1)]


@given(
    st.lists(st.tuples(st.integers(1, 50), st.decimals("0.01", "900", places=2)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_growth_in_any_order_adds_up_to_what_futu_shows(parts: list[tuple[int, Decimal]], random: Random) -> None:
    growth = Growth(5)
    quantity, value, shown = 0, D(0), []
    for part, price in parts:
        quantity, value = quantity + part, value + part * price
        shown.append(picture(filled_qty=quantity, average=D(repr(float(value / quantity)))))
    last = shown[-1]
    random.shuffle(shown)
    fills: list[OrderFill] = []
    for one in [*shown, *shown, last]:
        news = growth.news(one)
        growth.take(news)
        fills += news
    assert net(fills)[0] == quantity
    assert abs(net(fills)[1] - value) < D("0.000001")
    assert len({fill.fill_id for fill in fills}) == len(fills)


@given(st.lists(st.sampled_from(["OK", "CANCELLED", "CHANGED"]), max_size=8))
def test_whatever_becomes_of_a_deal_its_fills_add_up_to_what_it_says_last(statuses: list[str]) -> None:
    book, fills, expected = DealBook(5), [], 0
    for number, status in enumerate(["OK", *statuses], start=1):
        one = deal(status=status, quantity=number if status == "CHANGED" else 40)
        news = book.news(one)
        book.take(news)
        fills += news
        if status == "CANCELLED":
            expected = 0
        elif status == "CHANGED":
            expected = number
        elif number == 1:
            expected = 40
    assert net(fills)[0] == expected
    assert len({fill.fill_id for fill in fills}) == len(fills)


def test_after_a_kill_growth_goes_on_from_what_was_told(tmp_path: Path) -> None:
    path = tmp_path / "fills.jsonl"
    first = books(path, real=False)
    told(first, picture(filled_qty=40, average=D("150.2")))
    again = books(path, real=False)  # the first one was never closed
    (fill,) = told(again, picture(filled_qty=100, average=D("150.32")))
    assert (fill.fill_id, fill.quantity) == ("5:F1:100", 60)
    assert [f.fill_id for f in again.all_of([picture(filled_qty=100, average=D("150.32"))])] == ["5:F1:40", "5:F1:100"]


def test_after_a_kill_a_changed_deal_takes_back_what_was_told(tmp_path: Path) -> None:
    path = tmp_path / "fills.jsonl"
    told(books(path, real=True), deal())
    fills = told(books(path, real=True), deal(status="CHANGED", quantity=30))
    assert [(f.fill_id, f.quantity) for f in fills] == [("5:77:x", -40), ("5:77.1", 30)]


def test_a_line_that_was_cut_off_was_never_told(tmp_path: Path) -> None:
    path = tmp_path / "fills.jsonl"
    told(books(path, real=False), picture(filled_qty=40, average=D(150)))
    with path.open("ab") as file:
        file.write(b'{"fill_id": "5:F1:10')
    (fill,) = told(books(path, real=False), picture(filled_qty=100, average=D(150)))
    assert fill.quantity == 60
    assert len(path.read_bytes().splitlines()) == 2


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "fills.jsonl"
    path.write_text("nonsense\n")
    with pytest.raises(StoreError, match=r"fills\.jsonl:1: this line is no fill"):
        books(path, real=False)


def test_what_cannot_be_written_is_not_told_and_is_news_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = books(tmp_path / "fills.jsonl", real=False)
    one = picture(filled_qty=40, average=D(150))
    with monkeypatch.context() as broken:
        broken.setattr("os.write", lambda _fd, _data: 0)
        for ask in (lambda: book.news(one), lambda: book.all_of([one])):
            with pytest.raises(OSError, match="could not be written whole"):
                ask()
    assert len(book.news(one)) == 1


def test_old_fills_are_dropped_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "fills.jsonl"
    told(books(path, real=False), picture(filled_qty=1, average=D(1), at=AT - 2 * DAY))
    books(path, real=False)
    assert path.read_bytes() == b""
    assert path.stat().st_mode & 0o777 == 0o600

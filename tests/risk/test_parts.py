"""The small parts: sorted prices, sliding windows, sums of a ledger that is still being written."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.base import Quote
from actors.risk import profit
from actors.risk.denial import plain
from actors.risk.ladder import Ladder
from actors.risk.prices import Prices
from actors.risk.recent import Recent
from tests.risk.conftest import MakeDesk
from tests.risk.desk import SYMBOL, strategy
from tests.support.builders import AT, later


@given(st.lists(st.tuples(st.booleans(), st.decimals("1", "5", places=0))))
def test_a_ladder_knows_its_lowest_and_highest_price(steps: list[tuple[bool, Decimal]]) -> None:
    ladder, inside = Ladder(), Counter[Decimal]()
    for puts, price in steps:
        if puts:
            ladder.put(price)
            inside[price] += 1
        elif inside[price] > 0:
            ladder.take(price)
            inside[price] -= 1
        held = [price for price, times in inside.items() if times > 0]
        assert (ladder.lowest, ladder.highest) == (min(held, default=None), max(held, default=None))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.sampled_from("xy"), st.booleans())))
def test_a_window_holds_what_was_sent_within_it(steps: list[tuple[str, int, str, bool]]) -> None:
    recent, now, sent = Recent[str](timedelta(seconds=10)), 0, dict[tuple[str, str], int]()
    for order_id, wait, key, takes_back in steps:
        now += wait
        if takes_back:
            recent.remove(order_id, key)
            sent.pop((key, order_id), None)
        else:
            recent.add(order_id, key, later(now))
            sent[key, order_id] = now
        for each in "xy":
            expected = {held: later(at) for (of, held), at in sent.items() if of == each and at > now - 10}
            assert recent.orders(each, later(now)) == expected


def test_a_window_keeps_nothing_that_left_it() -> None:
    recent = Recent[str](timedelta(seconds=10))
    for number in range(1000):
        recent.add(f"O{number}", f"K{number}", later(number))
    assert len(recent._by_key) == len(recent._queue) == 10


def test_an_older_quote_does_not_take_the_place_of_a_newer_one() -> None:
    prices = Prices(timedelta(seconds=10), {})
    assert prices.marked((Quote(SYMBOL, Decimal(100), AT),)) == [SYMBOL]
    assert prices.marked((Quote(SYMBOL, Decimal(90), AT - timedelta(seconds=1)),)) == []
    assert prices.latest(SYMBOL) == Decimal(100)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1200, "1,200"), (Decimal("1E+3"), "1,000"), (Decimal("0.10"), "0.1"), (Decimal("-1234.50"), "-1,234.5")],
)
def test_amounts_are_written_for_people(amount: int | Decimal, text: str) -> None:
    assert plain(amount) == text


def test_fills_that_are_committed_are_not_kept_in_memory(desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profit, "_KEPT", 4)
    floor = desk(strategy(max_daily_loss=Decimal(100)))
    for _ in range(5):
        floor.trade(1)
    picture = floor.engine._picture
    assert picture is not None
    assert picture.profit is not None
    assert len(picture.profit._told) == 5
    floor.commit()
    for _ in range(12):
        floor.trade(1)
        floor.commit()
    assert len(picture.profit._told) <= 8
    sold = floor.trade(-17, "90")
    assert floor.ask() == "max_daily_loss"
    floor.bust(sold)
    floor.quote("100")
    assert floor.ask() is None

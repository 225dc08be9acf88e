"""max_exposure and max_daily_loss: what positions are worth and what the day has cost."""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.model import OrderStatus
from actors.model.fields import EXTERNAL
from actors.risk.day import DAY_CONTROL, Calendar, read_day
from actors.risk.engine import RiskEngine
from actors.settings import AccountLimits, RiskSettings, StrategyLimits
from tests.risk.conftest import MakeDesk
from tests.risk.desk import Desk, account, strategy
from tests.support.builders import AT

THOUSAND = Decimal(1000)

# ------------------------------------------------------------ max_exposure


@pytest.mark.parametrize(("price", "code"), [("99.99", None), ("100", None), ("100.01", "max_exposure")])
@pytest.mark.parametrize("settings", [strategy(max_exposure=THOUSAND), account(max_exposure=THOUSAND)])
def test_positions_are_worth_so_much_at_most(
    desk: MakeDesk, settings: RiskSettings, price: str, code: str | None
) -> None:
    floor = desk(settings)
    floor.quote(price)
    assert floor.ask(quantity=10) == code


def test_long_and_short_add_up_over_the_symbols_with_their_live_orders(desk: MakeDesk) -> None:
    floor = desk(strategy(max_exposure=THOUSAND))
    floor.trade(4)
    floor.trade(-2, symbol="US.MSFT")
    floor.place(quantity=3)
    floor.quote("100")
    floor.quote("50", "US.MSFT")
    assert floor.ask(quantity=2) is None
    assert floor.ask(quantity=3) == "max_exposure"
    denial = floor.denial(floor.make(symbol="US.MSFT", side="sell", quantity=5))
    assert denial is not None
    assert denial.text == "max_exposure: would be 1,050 for alpha, at most 1,000"


def test_a_new_price_values_what_is_held_anew(desk: MakeDesk) -> None:
    floor = desk(strategy(max_exposure=THOUSAND))
    floor.trade(5)
    assert floor.ask(quantity=5) is None
    floor.quote("101")
    assert floor.ask(quantity=5) == "max_exposure"
    floor.quote("100")
    assert floor.ask(quantity=5) is None


def test_what_does_not_enlarge_the_worst_case_passes(desk: MakeDesk) -> None:
    floor = desk(strategy(max_exposure=THOUSAND))
    floor.trade(50)
    assert floor.ask(side="sell", quantity=100) is None
    assert floor.ask(side="sell", quantity=101) == "max_exposure"
    assert floor.ask(quantity=1) == "max_exposure"


def test_without_a_quote_a_share_counts_at_the_price_it_traded_at_last(desk: MakeDesk) -> None:
    floor = desk(strategy(max_exposure=THOUSAND))
    floor.trade(5, "80")
    floor.trade(1, "90")
    assert floor.ask(quantity=5, limit_price=Decimal(1)) is None
    assert floor.ask(quantity=6, limit_price=Decimal(1)) == "max_exposure"


def test_what_was_never_traded_counts_at_the_orders_own_prices(desk: MakeDesk) -> None:
    floor = desk(strategy(max_exposure=THOUSAND))
    placed = floor.place(quantity=5, limit_price=Decimal(100))
    assert floor.ask(quantity=5, limit_price=Decimal(90)) is None
    assert floor.ask(quantity=5, limit_price=Decimal(101)) == "max_exposure"
    floor.place(symbol="US.MSFT", quantity=5, order_type="market", reference_price=Decimal(50))
    assert floor.ask(quantity=3, limit_price=Decimal(90)) == "max_exposure"
    floor.change(placed, status=OrderStatus.CANCELLED)
    assert floor.ask(quantity=7, limit_price=Decimal(100)) is None
    assert floor.ask(quantity=8, limit_price=Decimal(100)) == "max_exposure"


def test_without_any_price_an_order_is_denied_until_a_quote_comes(desk: MakeDesk) -> None:
    floor = desk(account(max_exposure=THOUSAND))
    denial = floor.denial(floor.make(order_type="market"))
    assert denial is not None
    assert denial.text == (
        "max_exposure: cannot be valued for the account: no price of US.AAPL is known; wait for a quote"
    )
    floor.place(strategy_id=EXTERNAL, order_type="market", symbol="US.MSFT", quantity=1)
    assert floor.ask(quantity=1) == "max_exposure"
    floor.quote("100", "US.MSFT")
    assert floor.ask(quantity=9) is None


def test_new_terms_count_at_the_worse_of_both(desk: MakeDesk) -> None:
    floor = desk(strategy(max_exposure=THOUSAND))
    placed = floor.place(quantity=8)
    floor.quote("100")
    assert floor.ask_replace(placed, 10) is None
    assert floor.ask_replace(placed, 11) == "max_exposure"
    assert floor.ask_replace(placed, 1) is None


# ------------------------------------------------------------ max_daily_loss


@pytest.mark.parametrize(("price", "code"), [("90.01", None), ("90", "max_daily_loss"), ("89.99", "max_daily_loss")])
@pytest.mark.parametrize("settings", [strategy(max_daily_loss=Decimal(100)), account(max_daily_loss=Decimal(100))])
def test_a_loss_that_reaches_the_limit_stops_all_but_exits(
    desk: MakeDesk, settings: RiskSettings, price: str, code: str | None
) -> None:
    floor = desk(settings)
    floor.trade(10)
    floor.quote(price)
    assert floor.ask(quantity=1) == code
    assert floor.ask(side="sell", quantity=10) is None
    assert floor.ask(side="sell", quantity=11) == code


def test_realised_profit_fees_and_what_is_open_add_up(desk: MakeDesk) -> None:
    floor = desk(strategy(max_daily_loss=Decimal(100)))
    floor.trade(10, "100", fee="1.5")
    floor.trade(-5, "90", fee="1.5")
    floor.quote("92")
    denial = floor.denial(floor.make())
    assert denial is None
    floor.quote("90.6")
    denial = floor.denial(floor.make())
    assert denial is not None
    assert denial.text == (
        "max_daily_loss: 100 lost today for alpha, from 100 on only orders that shrink a position are sent"
    )


def test_one_strategy_s_loss_is_not_the_other_s_and_the_account_s_is_of_all(desk: MakeDesk) -> None:
    limits = RiskSettings(
        account=AccountLimits(max_daily_loss=Decimal(150)), strategy=StrategyLimits(max_daily_loss=Decimal(100))
    )
    floor = desk(limits)
    floor.trade(10)
    floor.quote("90")
    assert floor.ask() == "max_daily_loss"
    assert floor.ask(strategy_id="beta") is None
    floor.trade(5, strategy_id="gamma")
    floor.quote("90")
    assert floor.ask(strategy_id="beta") == "max_daily_loss"


def test_a_fill_taken_back_takes_its_loss_back(desk: MakeDesk) -> None:
    floor = desk(strategy(max_daily_loss=Decimal(100)))
    floor.trade(10)
    floor.checkpoint()
    sold = floor.trade(-10, "90")
    assert floor.ask() == "max_daily_loss"
    floor.bust(sold)
    floor.quote("100")
    assert floor.ask() is None


def test_a_fill_may_be_taken_back_in_the_batch_that_books_it(desk: MakeDesk) -> None:
    floor = desk(strategy(max_daily_loss=Decimal(100)))
    floor.trade(10)
    floor.bust(floor.trade(-10, "80"))
    assert floor.unit.fills[-1].reverses is not None
    floor.quote("95")
    assert floor.ask() is None


# ------------------------------------------------------------ the day


def lost(desk: MakeDesk, amount: str, **settings: str) -> Desk:
    """Return a desk at 14:30 that has lost an amount since 14:00."""
    limits = RiskSettings(strategy=StrategyLimits(max_daily_loss=Decimal(100)), **settings)
    floor = desk(limits)
    floor.now = AT - timedelta(minutes=30)
    floor.trade(10, "100")
    floor.trade(-10, Decimal(100) - Decimal(amount) / 10)
    floor.wait(1800)
    return floor


def test_a_new_day_begins_without_the_loss_of_the_last(desk: MakeDesk) -> None:
    floor = lost(desk, "100")
    assert floor.ask() == "max_daily_loss"
    floor.now = AT.replace(hour=23, minute=59, second=59)
    assert floor.ask() == "max_daily_loss"
    floor.wait(1)
    assert floor.ask() is None
    floor.trade(10, "100")
    floor.quote("90")
    assert floor.ask() == "max_daily_loss"


def test_the_day_begins_when_it_is_set_to(desk: MakeDesk) -> None:
    floor = lost(desk, "100", day_start="14:45")
    assert floor.ask() == "max_daily_loss"
    floor.wait(899)
    assert floor.ask() == "max_daily_loss"
    floor.wait(1)
    assert floor.ask() is None


def test_a_day_that_is_set_to_begin_otherwise_begins_so_at_the_next_start(desk: MakeDesk) -> None:
    floor = lost(desk, "100")
    assert floor.ask() == "max_daily_loss"
    for day_start, code in (("14:00", "max_daily_loss"), ("14:01", None)):
        limits = RiskSettings(strategy=StrategyLimits(max_daily_loss=Decimal(100)), day_start=day_start)
        found = RiskEngine(limits, floor.store, floor.now).check(floor.make(), floor.now, floor.state)
        assert (None if found is None else found.code) == code


def test_what_is_open_overnight_goes_on_counting(desk: MakeDesk) -> None:
    floor = desk(strategy(max_daily_loss=Decimal(100)))
    floor.trade(10)
    floor.quote("90")
    floor.wait(86_400)
    assert floor.ask() == "max_daily_loss"


def test_without_a_kept_beginning_the_day_begins_at_its_first_fill(desk: MakeDesk) -> None:
    floor = desk(strategy(max_quantity=1000))
    floor.trade(10, "100")
    floor.trade(-10, "80")
    floor.wait(86_400)
    floor.trade(10, "100")
    floor.trade(-5, "90")
    for save in (floor.commit, floor.checkpoint):
        save()
        assert DAY_CONTROL not in floor.store.controls()
        for limit, code in (("100", "max_daily_loss"), ("100.01", None)):
            engine = RiskEngine(strategy(max_daily_loss=Decimal(limit)), floor.store, floor.now)
            found = engine.check(floor.make(), floor.now, floor.state)
            assert (None if found is None else found.code) == code


def test_the_day_s_beginning_is_kept_once_a_day_and_read_again(desk: MakeDesk) -> None:
    floor = lost(desk, "60")
    floor.commit()
    kept = read_day(floor.store.controls())
    assert kept is not None
    assert (kept.day, kept.net) == (AT.replace(hour=0, minute=0), {})
    assert floor.engine.begin(floor.now) is None
    floor.wait(86_400)
    text = floor.engine.begin(floor.now)
    assert text is not None
    kept = read_day({DAY_CONTROL: text})
    assert kept is not None
    assert (kept.seq, kept.net, kept.traded) == (2, {"alpha": Decimal(-60)}, {"US.AAPL": Decimal(94)})


def test_a_restart_with_the_day_s_beginning_kept_does_not_read_the_ledger_from_its_start(desk: MakeDesk) -> None:
    floor = lost(desk, "100")
    floor.checkpoint()
    store, asked = floor.store, []

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def fills(self, *, strategy_id: str | None = None, after: int = 0, limit: int | None = None) -> object:
            asked.append(after)
            return store.fills(strategy_id=strategy_id, after=after, limit=limit)

    engine = RiskEngine(floor.settings, Watched(), floor.now)  # type: ignore[arg-type]
    found = engine.check(floor.make(), floor.now, floor.state)
    assert found is not None
    assert set(asked) == {len(floor.fills)}


def test_a_fill_booked_after_the_day_s_turn_counts_for_the_new_day(desk: MakeDesk) -> None:
    floor = lost(desk, "60")
    floor.wait(86_400)
    traded_yesterday = floor.now - timedelta(days=1)
    placed = floor.place(order_type="market")
    floor.fill(placed, 10, "100", timestamp=traded_yesterday)
    floor.quote("90.01")
    assert floor.ask() is None
    floor.quote("90")
    assert floor.ask() == "max_daily_loss"


def test_a_record_of_another_form_is_none() -> None:
    assert read_day({}) is None
    assert read_day({DAY_CONTROL: ""}) is None
    assert read_day({DAY_CONTROL: '{"day": 1}'}) is None


def test_a_day_begins_at_its_time_and_not_before() -> None:
    calendar = Calendar("14:30")
    assert calendar.day_of(AT) == AT
    assert calendar.day_of(AT - timedelta(microseconds=1)) == AT - timedelta(days=1)
    assert calendar.day_of(AT + timedelta(hours=9)) == AT

"""No more is asked than Futu allows, cancels come first, and nothing waits longer than it must."""

from itertools import pairwise

from actors.broker.futu.budgets import PERIOD, Budget, Budgets
from tests.broker.futu.making import StandingClock

WINDOW = 30.0


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(start <= other <= start + seconds for other in times) for start in times)


def ask_at_once(clock: StandingClock, budget: Budget, count: int, *, first: bool = True) -> list[float]:
    times = []
    for _ in range(count):
        clock.pass_(budget.wait(first=first))
        assert budget.wait(first=first) == 0
        budget.take()
        times.append(clock.monotonic())
    return times


def test_two_hundred_orders_stay_within_fifteen_in_thirty_seconds() -> None:
    clock = StandingClock()
    times = ask_at_once(clock, Budgets(clock).place, 200)
    assert most_within(times, WINDOW) <= 15
    assert min(b - a for a, b in pairwise(times)) >= 0.02


def test_the_distance_is_kept_from_when_a_slow_request_left() -> None:
    clock = StandingClock()
    place = Budgets(clock).place
    place.take()
    clock.pass_(0.5)  # until it left, and was answered
    place.answered()
    assert place.wait() >= 0.02
    clock.pass_(place.wait())
    assert place.wait() == 0


def test_cancels_have_a_reserve_that_new_terms_do_not_touch() -> None:
    clock = StandingClock()
    change = Budgets(clock).change
    for _ in range(100):
        clock.pass_(0.06)
        if change.wait(first=False) == 0:
            change.take()
    assert change.wait(first=False) > 0
    assert change.wait() == 0
    assert most_within(ask_at_once(clock, change, 50), WINDOW) <= 20


def test_a_list_that_is_asked_for_all_the_time_is_spread_evenly() -> None:
    clock = StandingClock()
    orders = Budgets(clock).orders
    times = ask_at_once(clock, orders, 40)
    assert most_within(times, WINDOW) <= 10
    assert max(b - a for a, b in pairwise(times)) < 4


def test_what_an_earlier_process_asked_counts() -> None:
    clock = StandingClock()
    clock.pass_(1_000)
    place = Budgets(clock).place
    place.note([1.0] * 13)
    assert 29 < place.wait() <= PERIOD
    assert place.left == 0
    clock.pass_(PERIOD)
    assert place.left == 13


def test_an_age_beyond_the_period_or_of_the_future_does_not_count() -> None:
    clock = StandingClock()
    place = Budgets(clock).place
    place.note([PERIOD + 1, -5.0])
    assert place.left == 13

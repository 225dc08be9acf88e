"""Time and ids."""

from datetime import UTC, timedelta

from actors.runtime.clock import SystemClock, new_id, system_random, utc_now


def test_the_wall_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
    assert abs(utc_now() - SystemClock().now()) < timedelta(seconds=5)


def test_the_monotonic_clock_never_goes_back() -> None:
    clock = SystemClock()
    times = [clock.monotonic() for _ in range(1_000)]
    assert times == sorted(times)


def test_ids_are_unique_and_share_a_beginning_that_grows_with_time() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert {len(value) for value in ids} == {26}
    assert {value.isalnum() and value == value.lower() for value in ids} == {True}
    beginnings = [value[:9] for value in ids]  # whole steps of 32 ms and more
    assert beginnings == sorted(beginnings)


def test_two_random_sources_of_the_system_differ() -> None:
    assert system_random().random() != system_random().random()

"""Back-off and window arithmetic."""

import pytest

from actors.runtime.policy import RestartPolicy, RestartWindow


def test_back_off_doubles_up_to_its_cap() -> None:
    policy = RestartPolicy()
    assert [policy.delay(failures, 0.0) for failures in range(1, 9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_the_draw_spreads_a_back_off_by_up_to_a_fifth() -> None:
    policy = RestartPolicy(backoff=1.0, backoff_cap=1.0)
    assert policy.delay(1, 0.0) == 1.0
    assert policy.delay(1, 0.5) == pytest.approx(1.1)
    assert policy.delay(1, 1.0) == pytest.approx(1.2)


def test_a_very_long_series_of_failures_does_not_overflow() -> None:
    assert RestartPolicy().delay(100_000, 1.0) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("values", "culprit"),
    [
        ({"within": 0.0}, "within"),
        ({"within": float("nan")}, "within"),
        ({"backoff": -1.0}, "backoff"),
        ({"backoff_cap": float("inf")}, "backoff_cap"),
        ({"backoff": 2.0, "backoff_cap": 1.0}, "backoff_cap"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": 5, "max_restarts": 5}, "attempts"),
        ({"backoff": 5.0, "backoff_cap": 30.0}, "fit"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(values: dict[str, float], culprit: str) -> None:
    with pytest.raises(ValueError, match=culprit):
        RestartPolicy(**values)  # type: ignore[arg-type]


def test_the_window_counts_only_failures_younger_than_its_length() -> None:
    window = RestartWindow(60.0)
    assert [window.add(now) for now in (0.0, 10.0, 59.9, 60.0, 70.0)] == [1, 2, 3, 3, 3]


def test_a_cleared_window_starts_from_nothing() -> None:
    window = RestartWindow(60.0)
    window.add(0.0)
    window.clear()
    assert window.add(1.0) == 1

"""``check`` tells which calendars are in use and until when they are known."""

from datetime import timedelta

import pytest

from actors.cli.check import calendar_findings
from actors.sessions.calendars import ExchangeSessions
from tests.cli.workspace import Workspace


def parts(workspace: Workspace) -> list[tuple[str, str]]:
    return [(row["state"], row["text"]) for row in workspace.rows("check") if row["part"] == "sessions"]


def test_the_calendars_in_use_are_told(workspace: Workspace) -> None:
    assert parts(workspace) == [("ok", "not used, markets count as always open")]
    workspace.configure("sessions: {enabled: true, calendars: {sz: null}}\n")
    assert [text.split(",")[0] for _, text in parts(workspace)] == [
        "US follows XNYS",
        "HK follows XHKG",
        "SH follows XSHG",
    ]


@pytest.mark.parametrize(("days", "state"), [(14, "ok"), (13, "warning"), (-1, "warning")])
def test_a_calendar_that_ends_within_two_weeks_is_a_warning(days: int, state: str) -> None:
    sessions = ExchangeSessions({"SH": "XSHG", "US": "XNYS"})
    end = sessions.known_until("SH")
    assert end is not None
    shanghai, new_york = calendar_findings(sessions, end - timedelta(days=days))
    assert shanghai.state == state
    assert f"SH follows XSHG, known until {end}" in shanghai.text
    assert bool(shanghai.advice) == (state == "warning")
    assert (new_york.state, new_york.text) == ("ok", "US follows XNYS")


def test_a_calendar_that_does_not_exist_ends_with_2(workspace: Workspace) -> None:
    workspace.configure("sessions: {enabled: true, calendars: {us: XXXX}}\n")
    result = workspace.cli("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("order-actors: sessions.calendars.us: exchange-calendars has no calendar XXXX")

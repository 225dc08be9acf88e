"""The settings of exchange calendars."""

from pathlib import Path
from typing import get_args

import pytest

from actors.errors import SettingsError
from actors.settings import CalendarSettings, SessionSettings, Settings
from actors.settings.sessions import Market


def read(directory: Path, text: str) -> SessionSettings:
    path = directory / "system.yaml"
    path.write_text(f"account_id: A\nsessions: {text}\n", encoding="utf-8")
    return Settings.from_yaml(path, {}).sessions


def test_they_are_off_unless_asked_for(tmp_path: Path) -> None:
    assert read(tmp_path, "{}") == SessionSettings()
    assert not SessionSettings().enabled


def test_every_part_can_be_set(tmp_path: Path) -> None:
    text = "{enabled: true, outside_hours: wait, default_market: US, calendars: {us: 24/7, sz: null}}"
    assert read(tmp_path, text) == SessionSettings(
        enabled=True, outside_hours="wait", default_market="US", calendars=CalendarSettings(us="24/7", sz=None)
    )


def test_a_default_market_is_one_that_a_symbol_may_name() -> None:
    assert list(get_args(Market)) == list(CalendarSettings().by_market)


REFUSED = {
    "{outside_hours: refuse}": "sessions.outside_hours: refuse needs calendars; set enabled: true as well",
    "{outside_hours: drop}": "sessions.outside_hours: unknown outside_hours drop; expected one of send, wait, refuse",
    "{default_market: us}": "sessions.default_market: unknown default_market us; expected one of US, HK, SH, SZ",
    "{calendars: {us: X Y}}": "sessions.calendars.us: expected the code of an exchange such as XNYS, got X Y",
    "{calendars: {sg: XSES}}": "sessions.calendars.sg: unknown key",
}


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_what_cannot_be_kept_is_refused_with_file_line_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'system.yaml'}:2: {said}")

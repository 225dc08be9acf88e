"""Calendars come with the settings that ask for them, and cost nothing without."""

import subprocess
import sys

import pytest

from actors.errors import SettingsError
from actors.sessions.load import build_sessions
from actors.settings import CalendarSettings, SessionSettings
from tests.sessions.hours import utc


def test_nothing_is_built_while_calendars_are_off() -> None:
    assert build_sessions(SessionSettings()) is None


@pytest.mark.process
def test_the_library_and_pandas_are_imported_only_where_calendars_are_in_use() -> None:
    script = (
        "import sys, actors, actors.assembly, actors.cli.check\n"
        "from actors.sessions.load import build_sessions\n"
        "from actors.settings import SessionSettings\n"
        "for enabled in (False, True):\n"
        "    build_sessions(SessionSettings(enabled=enabled))\n"
        "    print(*(name in sys.modules for name in ('pandas', 'numpy', 'exchange_calendars')))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout.splitlines() == ["False False False", "True True True"]


def test_the_settings_name_the_calendars_and_the_default_market() -> None:
    settings = SessionSettings(enabled=True, default_market="HK", calendars=CalendarSettings(us="XNAS", sz=None))
    sessions = build_sessions(settings)
    assert sessions is not None
    assert sessions.calendars == {"US": "XNAS", "HK": "XHKG", "SH": "XSHG"}
    session = sessions.at("00700", utc("2026-11-25 00:00"))
    assert session is not None
    assert session.market == "HK"
    assert sessions.at("SZ.000001", utc("2026-11-25 00:00")) is None


@pytest.mark.parametrize("missing", ["exchange_calendars", "pandas"])
def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "exchange_calendars"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "actors.sessions.calendars", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SettingsError) as refused:
        build_sessions(SessionSettings(enabled=True))
    assert str(refused.value) == (
        f"sessions.enabled: calendars need the module {missing}, which is not installed; "
        'pip install "order-actors[calendars]", or set sessions.enabled: false'
    )

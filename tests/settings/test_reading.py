"""What a configuration file and the environment turn into."""

from decimal import Decimal
from pathlib import Path

import pytest

from actors.errors import SettingsError
from actors.settings import PaperSettings, Settings, SignalSettings, SupervisionSettings
from actors.settings.rules import Section, fields_of
from actors.settings.sections import DEFAULT_REDIS_URL

CONFIG = Path(__file__).parents[2] / "config"


def write(directory: Path, text: str) -> Path:
    path = directory / "system.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_with_nothing_but_the_account_gives_the_defaults(tmp_path: Path) -> None:
    assert Settings.from_yaml(write(tmp_path, "account_id: A\n"), {}) == Settings(account_id="A")


def test_the_shipped_file_equals_the_defaults() -> None:
    assert Settings.from_yaml(CONFIG / "system.yaml", {}) == Settings(account_id="demo")


def every_key(section: type[Section]) -> list[str]:
    keys = []
    for name, field in fields_of(section).items():
        keys.append(name)
        if field.section is not None:
            keys.extend(every_key(field.section))
    return keys


def test_the_shipped_file_shows_every_key_in_order_with_a_comment() -> None:
    lines = (CONFIG / "system.yaml").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.strip() and not line.startswith("#")]
    assert [line.partition(":")[0].strip() for line in entries] == every_key(Settings)
    values = [line for line in entries if not line.partition("#")[0].rstrip().endswith(":")]
    assert [line for line in values if "  # " not in line] == []


def test_numbers_are_read_exactly_from_their_text(tmp_path: Path) -> None:
    text = "account_id: A\nbroker: {paper: {default_price: 0.1, fill_delay: 1e-2, partial_fills: 3}}\n"
    paper = Settings.from_yaml(write(tmp_path, text), {}).broker.paper
    assert (paper.default_price, paper.fill_delay, paper.partial_fills) == (Decimal("0.1"), 0.01, 3)


def test_an_empty_section_means_its_defaults(tmp_path: Path) -> None:
    assert Settings.from_yaml(write(tmp_path, "account_id: A\nbroker:\nsignals: {}\n"), {}) == Settings(account_id="A")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "account_id: A\nredis: {url: 'redis://file/0'}\n")
    environ = {
        "ORDER_ACTORS__REDIS__URL": "redis://:pw@env:6380/1",
        "ORDER_ACTORS__ACCOUNT_ID": "281756",
        "ORDER_ACTORS__BROKER__PAPER__FILL_DELAY": "2",
        "ORDER_ACTORS__SIGNALS__MAX_AGE": "null",
        "ORDER_ACTORS__BROKER__PAPER__MARKET_MODE": "true",
        "ORDER_ACTORS_OTHER": "not ours",
    }
    settings = Settings.from_yaml(path, environ)
    assert settings.redis.url == "redis://:pw@env:6380/1"
    assert settings.account_id == "281756"
    assert settings.broker.paper.fill_delay == 2.0
    assert settings.broker.paper.market_mode is True
    assert settings.signals.max_age is None


def test_the_environment_of_the_process_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_ACTORS__PUBLISH__CHANNEL", "my_fills")
    assert Settings.from_yaml(write(tmp_path, "account_id: A\n")).publish.channel == "my_fills"


def test_a_relative_data_directory_is_relative_to_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(account_id="A", data_dir="books")
    assert settings.directory == tmp_path / "books"
    assert settings.store_url == f"sqlite:///{tmp_path / 'books' / 'store.sqlite'}"


def test_redis_has_a_default_only_where_signals_need_it() -> None:
    assert Settings(account_id="A").redis_url is None
    assert Settings(account_id="A", signals=SignalSettings(transport="redis_list")).redis_url == DEFAULT_REDIS_URL


def test_the_consumer_is_the_account_unless_named() -> None:
    assert Settings(account_id="A").consumer == "A"
    assert Settings(account_id="A", signals=SignalSettings(consumer="host-2")).consumer == "host-2"


def test_settings_made_in_python_are_checked_too() -> None:
    with pytest.raises(SettingsError, match=r"^Settings\.account_id: expected 1 to 64 characters"):
        Settings(account_id="")
    with pytest.raises(SettingsError, match=r"^PaperSettings\.fill_delay: expected a number of seconds, got true$"):
        PaperSettings(fill_delay=True)
    with pytest.raises(SettingsError, match=r"^SupervisionSettings\.backoff_cap: expected at least backoff"):
        SupervisionSettings(backoff=9, backoff_cap=1)


def test_whole_numbers_become_the_type_of_their_setting() -> None:
    paper = PaperSettings(fill_delay=1, default_price=5)  # type: ignore[arg-type]
    assert (type(paper.fill_delay), type(paper.default_price)) == (float, Decimal)


def test_no_password_is_in_the_picture_of_settings(tmp_path: Path) -> None:
    environ = {
        "ORDER_ACTORS__REDIS__URL": "redis://user:canary@h:6379/0?password=canary",
        "ORDER_ACTORS__STORE__URL": "postgresql+psycopg://me:canary@db/x",
    }
    picture = repr(Settings.from_yaml(write(tmp_path, "account_id: A\n"), environ))
    assert "canary" not in picture
    assert "redis://user:***@h:6379/0?password=***" in picture

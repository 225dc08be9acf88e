"""Every refusal is one line that names the place, the key and what to do."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import SettingsError
from actors.settings import Settings


def refusal(directory: Path, text: str | bytes, environ: dict[str, str] | None = None) -> str:
    path = directory / "bad.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as caught:
        Settings.from_yaml(path, environ if environ is not None else {})
    message = str(caught.value)
    assert message.isprintable()
    return message.replace(f"{path}", "FILE")


NAME = "1 to 64 characters of A-Z a-z 0-9 . _ : - that start with a letter or digit"
CASES = {
    "broker: {paper: {fill_delai: 1}}": "FILE:2: broker.paper.fill_delai: unknown key; did you mean fill_delay?",
    "Broker: {}": "FILE:2: Broker: unknown key; did you mean broker?",
    "broker: {paper: {fill_delay: true}}": "FILE:2: broker.paper.fill_delay: expected a number of seconds, got true",
    "broker: {paper: {fill_delay: yes}}": "FILE:2: broker.paper.fill_delay: expected a number of seconds, got yes",
    "broker: {paper: {fill_delay: '1'}}": (
        "FILE:2: broker.paper.fill_delay: expected a number of seconds, got the text 1"
    ),
    "broker: {paper: {fill_delay: [1]}}": "FILE:2: broker.paper.fill_delay: expected a number of seconds, got a list",
    "broker: {paper: {fill_delay: {a: 1}}}": (
        "FILE:2: broker.paper.fill_delay: expected a number of seconds, got a section of keys"
    ),
    "broker: {paper: {fill_delay: }}": "FILE:2: broker.paper.fill_delay: expected a number of seconds, got nothing",
    "broker: {paper: {fill_delay: 9:30}}": (
        "FILE:2: broker.paper.fill_delay: expected a number of seconds, got 9:30 "
        "(YAML makes a number of it: quote a time of day)"
    ),
    "broker: {paper: {fill_delay: .nan}}": "FILE:2: broker.paper.fill_delay: expected a number of seconds, got .nan",
    "broker: {paper: {fill_delay: -1}}": (
        "FILE:2: broker.paper.fill_delay: expected a number of seconds from 0 to 86400, got -1.0"
    ),
    "recovery: {interval: 0}": ("FILE:2: recovery.interval: expected a number of seconds above 0 to 86400, got 0.0"),
    "broker: {paper: {partial_fills: 1_000}}": "FILE:2: broker.paper.partial_fills: expected a whole number, got 1_000",
    "broker: {paper: {partial_fills: 010}}": "FILE:2: broker.paper.partial_fills: expected a whole number, got 010",
    "broker: {paper: {default_price: 0.0000000001}}": (
        "FILE:2: broker.paper.default_price: expected a price with at most 9 decimals, got 1E-10"
    ),
    "broker: {paper: {market_mode: 1}}": "FILE:2: broker.paper.market_mode: expected true or false, got 1",
    "broker:\n  type: ibkr": "FILE:3: broker.type: unknown type ibkr; expected one of paper, futu",
    "broker: paper": "FILE:2: broker: expected a section of keys, got text",
    "broker: {paper: {prices: {source: csv}}}": (
        "FILE:2: broker.paper.prices.file: missing; source csv reads prices from it"
    ),
    "supervision:\n  backoff: 9\n  backoff_cap: 1": (
        "FILE:4: supervision.backoff_cap: expected at least backoff (9.0), got 1.0"
    ),
    "supervision: {max_restarts: 3, attempts: 3}": (
        "FILE:2: supervision.attempts: expected at least 1 and less than max_restarts (3), got 3; "
        "else a single bad message stops the actor for good"
    ),
    "supervision:\n  max_restarts: 2": (
        "FILE:3: supervision.attempts: expected at least 1 and less than max_restarts (2), got 3; "
        "else a single bad message stops the actor for good"
    ),
    "supervision:\n  within: 3": (
        "FILE:3: supervision.within: 5 back-offs take up to 3.7 s and do not fit into 3.0 s, so that "
        "failures would never be too many; lengthen within or shorten the back-off"
    ),
    "data_dir: 5": "FILE:2: data_dir: expected the path of a file or directory, got a number; put 5 in quotes",
    "data_dir: no": "FILE:2: data_dir: expected the path of a file or directory, got a boolean; put no in quotes",
    "broker: {paper: {session_end: 16:00}}": (
        'FILE:2: broker.paper.session_end: expected a time of day such as "16:00", got a number; put 16:00 in quotes'
    ),
    "account_id: B": "FILE:2: account_id: given twice, first on line 1",
    "data_dir: &x y\nstore: {url: *x}": "FILE:3: not YAML: aliases are not used here",
    "data_dir: !!python/object:os.system x": (
        "FILE:2: the tag tag:yaml.org,2002:python/object:os.system is not used here"
    ),
    "? [a]\n: 1": "FILE:2: a key must be a word",
    "data_dir: [": "FILE:3: not YAML: expected the node content, but found '<stream end>'",
    "--- {}": "FILE:2: not YAML: but found another document",
    '"\\e[31m": 1': (
        "FILE:2: '\\x1b[31m': unknown key; known here: account_id, data_dir, broker, signals, redis, store, publish, "
        "recovery, execution, risk, sessions, supervision, audit"
    ),
    '"broker": {type: "\\e[31m"}': "FILE:2: broker.type: unknown type '\\x1b[31m'; expected one of paper, futu",
    "redis: {url: 'http://:canary@h'}": (
        "FILE:2: redis.url: expected an address such as redis://127.0.0.1:6379/0, rediss://… or unix://…, "
        "got something else"
    ),
    "redis: 'redis://:canary@h'": "FILE:2: redis: expected a section of keys, got text",
    "signals: {transport: 'redis://:canary@h'}": (
        "FILE:2: signals.transport: unknown transport redis://:***@h; "
        "expected one of embedded, redis_list, redis_stream"
    ),
}


@pytest.mark.parametrize(("text", "message"), CASES.items())
def test_a_refusal_names_file_line_key_and_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, f"account_id: A\n{text}\n") == message


WHOLE_FILES = {
    b"": f"FILE:1: account_id: missing; expected {NAME}",
    b"data_dir: x": f"FILE:1: account_id: missing; expected {NAME}",
    b"account_id:": f"FILE:1: account_id: expected {NAME}, got nothing",
    b"account_id: 12": f"FILE:1: account_id: expected {NAME}, got a number; put 12 in quotes",
    b"[1, 2]": "FILE:1: expected keys such as account_id: A, got a list",
    b"just text": "FILE:1: expected keys such as account_id: A, got text",
    b"account_id: \xff": "FILE: not UTF-8 at byte 12",
    b"account_id: \x00": "FILE: not YAML: unacceptable character #x0000: special characters are not",
    b"#" * 65_537: "FILE: larger than 64 KB",
    b"[" * 60_000: "FILE: nested too deep",
}


@pytest.mark.parametrize(("text", "message"), WHOLE_FILES.items(), ids=range(len(WHOLE_FILES)))
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


def test_a_missing_file_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.yaml: no such file"):
        Settings.from_yaml(tmp_path / "none.yaml", {})


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        Settings.from_yaml(tmp_path, {})


VARIABLES = {
    ("ORDER_ACTORS__REDIS__URL", "rdis://:canary@h"): (
        "redis.url: expected an address such as redis://127.0.0.1:6379/0, rediss://… or unix://…, got something else"
    ),
    ("ORDER_ACTORS__STORE__URL", "postgresql+psycopg://u:can/canary@h:1/d"): (
        "store.url: expected an address such as postgresql+psycopg://user@host/database, got something else"
    ),
    ("ORDER_ACTORS__BROKER__PAPER__FILL_DELAY", "true"): (
        "broker.paper.fill_delay: expected a number of seconds, got true"
    ),
    ("ORDER_ACTORS__BROKER__PAPER__FILL_DELAY", ""): "broker.paper.fill_delay: expected a number of seconds, got ''",
    ("ORDER_ACTORS__SIGNAL__KEY", "x"): "signal: unknown key; did you mean signals?",
    ("ORDER_ACTORS__SIGNALS", "x"): "signals: expected a section of keys, got text",
}


@pytest.mark.parametrize(("variable", "message"), VARIABLES.items())
def test_a_bad_variable_is_named(tmp_path: Path, variable: tuple[str, str], message: str) -> None:
    name, value = variable
    assert refusal(tmp_path, "account_id: A\n", {name: value}) == f"environment variable {name}: {message}"


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_password_in_a_file_needs_a_file_nobody_else_can_read(tmp_path: Path) -> None:
    text = "account_id: A\nredis: {url: 'redis://:canary@h'}\n"
    path = tmp_path / "secret.yaml"
    path.write_text(text)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match=r":2: redis\.url: holds a password, and others can read this file"):
        Settings.from_yaml(path, {})
    path.chmod(0o600)
    assert Settings.from_yaml(path, {}).redis.url == "redis://:canary@h"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")
def test_a_secret_needs_a_file_nobody_else_can_read_and_is_in_no_message_and_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("account_id: A\naudit: {key: canary-of-20-letters}")
    path.chmod(0o640)
    with pytest.raises(SettingsError, match=r":2: audit\.key: is a secret, and others can read this file") as caught:
        Settings.from_yaml(path, {})
    assert "canary" not in str(caught.value)
    path.chmod(0o600)
    assert "canary" not in repr(Settings.from_yaml(path, {}))
    for short in ("canary", 12345678901234567890):
        path.write_text(f"account_id: A\naudit: {{key: {short}}}")
        with pytest.raises(SettingsError, match=r":2: audit\.key: expected 16 to 128 printable ASCII") as caught:
            Settings.from_yaml(path, {})
        assert str(short) not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("abcount_id: {}[]\n-&*!#'\"|>%@`0.9:\x00\x1b\u2028é"), max_size=80))
def test_no_text_at_all_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        read = Settings.from_yaml(path, {})
    except SettingsError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is fine, a crash is not
    else:
        assert read.account_id

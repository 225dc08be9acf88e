"""Signals from the command line reach the queue, all of a file or none of it."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors import Signal
from actors.signal_consumer.load import make_source
from tests.cli.workspace import Workspace
from tests.servers import RedisServer

GOOD = '{"strategy_id":"s","symbol":"X","action":"buy","quantity":1,"signal_id":"%s"}'
NO_ID = b'{"strategy_id":"s","symbol":"X","action":"buy","quantity":1}'


def queued(workspace: Workspace) -> list[bytes]:
    with closing(make_source(workspace.settings)) as source:
        source.open()
        return [entry.payload for entry in source.read(10_000, 0.01)]


def test_a_signal_is_pushed_and_its_id_printed(workspace: Workspace) -> None:
    arguments = ["--side", "sell", "--symbol", "US.AAPL", "--quantity", "100", "--limit", "187.25", "--reason", "test"]
    result = workspace.cli("signal", *arguments, "--strategy", "alpha", "--signal-id", "X-1")
    assert (result.exit_code, result.stdout) == (0, "X-1\n")
    signal = Signal.from_json(queued(workspace)[0])
    assert (signal.action, signal.symbol, signal.quantity, str(signal.limit_price)) == (
        "sell",
        "US.AAPL",
        100,
        "187.25",
    )
    assert (signal.order_type, signal.strategy_id, signal.account_id) == ("limit", "alpha", "ACC")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--limit 9", {"order_type": "limit", "limit_price": "9"}),
        ("--type market", {"order_type": "market", "limit_price": None}),
        ("--type stop --stop 9.5", {"order_type": "stop", "stop_price": "9.5"}),
        ("--type stop_limit --stop 9 --limit 9.1", {"order_type": "stop_limit", "limit_price": "9.1"}),
        ("--type market_if_touched --stop 9", {"order_type": "market_if_touched", "stop_price": "9"}),
        ("--type limit_if_touched --stop 9 --limit 8", {"order_type": "limit_if_touched", "stop_price": "9"}),
        ("--type trailing_stop --trail-amount 0.5", {"order_type": "trailing_stop", "trail_amount": "0.5"}),
        ("--type trailing_stop --trail-percent 2", {"trail_percent": "2", "trail_amount": None}),
        ("--tif gtc", {"time_in_force": "gtc"}),
        ("--tif gtd --expires-at 2027-01-05T15:30:00+01:00", {"expires_at": "2027-01-05T14:30:00Z"}),
        ("--take-profit 12 --stop-loss 8", {"take_profit": "12", "stop_loss": "8"}),
        ("--oco pair-1", {"oco_group": "pair-1", "order_type": "market", "time_in_force": "day"}),
    ],
)
def test_every_kind_of_order_can_be_asked_for(workspace: Workspace, options: str, said: dict[str, str]) -> None:
    result = workspace.cli("signal", "--side", "buy", "--symbol", "A", "--quantity", "1", *options.split())
    assert result.exit_code == 0, result.stderr
    (payload,) = queued(workspace)
    assert json.loads(payload).items() >= said.items()


def test_a_signal_without_an_id_gets_one(workspace: Workspace) -> None:
    first, second = (
        workspace.cli("signal", "--side", "buy", "--symbol", "A", "--quantity", "1").stdout.strip() for _ in "12"
    )
    assert first != second
    assert [Signal.from_json(payload).signal_id for payload in queued(workspace)] == [first, second]


def test_a_signal_repeated_with_its_id_and_timestamp_is_the_same_bytes(workspace: Workspace) -> None:
    order = ["signal", "--side", "buy", "--symbol", "A", "--quantity", "1", "--signal-id", "X-1"]
    for moment in ("2026-01-05T14:30:00Z", "2026-01-05T15:30:00+01:00"):
        assert workspace.cli(*order, "--timestamp", moment).exit_code == 0
    first, second = queued(workspace)
    assert first == second
    assert Signal.from_json(first).timestamp == datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--side", "hold", "side"),
        ("--symbol", "A B", "symbol"),
        ("--symbol", "", "symbol"),
        ("--quantity", "0", "quantity"),
        ("--quantity", "-5", "quantity"),
        ("--quantity", "1.5", "quantity"),
        ("--quantity", "1_000", "quantity"),
        ("--quantity", "٣", "quantity"),
        ("--limit", "1e5", "limit"),
        ("--limit", "0", "limit_price"),
        ("--strategy", "EXTERNAL", "strategy_id"),
        ("--signal-id", "\x1b[2J", "signal_id"),
        ("--reason", "two\nlines", "reason"),
        ("--reference-price", "NaN", "reference_price"),
        ("--timestamp", "noon", "timestamp"),
        ("--type", "iceberg", "type"),
        ("--type", "Limit", "type"),
        ("--stop", "1e5", "stop"),
        ("--trail-amount", "-1", "trail_amount"),
        ("--trail-percent", "2%", "trail_percent"),
        ("--tif", "GTC", "tif"),
        ("--expires-at", "noon", "expires_at"),
        ("--take-profit", "0", "take_profit"),
        ("--stop-loss", "x", "stop_loss"),
        ("--oco", "a b", "oco_group"),
    ],
)
def test_a_bad_value_ends_with_2_and_names_the_field(workspace: Workspace, option: str, value: str, field: str) -> None:
    good = {"--side": "buy", "--symbol": "A", "--quantity": "1"} | {option: value}
    result = workspace.cli("signal", *(word for pair in good.items() for word in pair))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"order-actors: {field}: expected") or field == "strategy_id"
    assert len(result.stderr.splitlines()) == 1
    assert not workspace.data.exists()


def test_a_file_is_imported_as_it_is(workspace: Workspace) -> None:
    file = workspace.directory / "signals.jsonl"
    lines = [(GOOD % f"s{number}").encode() for number in range(2_500)]
    file.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines) + b"\n\n  \n" + NO_ID)
    result = workspace.cli("signals", "import", str(file))
    assert (result.exit_code, result.stdout) == (0, "2501 signals imported\n"), result.stderr
    assert queued(workspace) == [*lines, NO_ID]


def test_one_bad_line_and_nothing_is_imported(workspace: Workspace) -> None:
    file = workspace.directory / "signals.jsonl"
    other = '{"strategy_id":"s","symbol":"X","action":"buy","quantity":1,"account_id":"OTHER"}'
    file.write_text(f"{GOOD % 's1'}\n{{\x1b[2J\n{GOOD % 's2'}\n{other}\n")
    result = workspace.cli("signals", "import", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    first, second, last = result.stderr.splitlines()
    assert first.startswith(f"{file}:2: not JSON")
    assert second == f"{file}:4: account_id: OTHER is not ACC, which this system trades"
    assert last == f"order-actors: {file}: 2 of 4 lines are wrong; nothing was imported"
    assert "\x1b" not in result.stderr
    assert not workspace.data.exists()


def test_only_the_first_bad_lines_are_shown(workspace: Workspace) -> None:
    file = workspace.directory / "signals.jsonl"
    file.write_text("x\n" * 50)
    result = workspace.cli("signals", "import", str(file))
    assert len(result.stderr.splitlines()) == 21
    assert "50 of 50 lines are wrong" in result.stderr


def test_a_missing_file_ends_with_2(workspace: Workspace) -> None:
    result = workspace.cli("signals", "import", "none.jsonl")
    assert (result.exit_code, result.stderr) == (2, "order-actors: none.jsonl: No such file or directory\n")


@pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])
def test_signals_go_to_the_configured_transport(workspace: Workspace, redis_url: str, transport: str) -> None:
    workspace.configure(f"signals: {{transport: {transport}}}\nredis: {{url: '{redis_url}'}}\n")
    file = workspace.directory / "signals.jsonl"
    file.write_text(f"{GOOD % 's1'}\n{GOOD % 's2'}\n")
    assert workspace.cli("signals", "import", str(file)).exit_code == 0
    result = workspace.cli("signal", "--side", "buy", "--symbol", "A", "--quantity", "1", "--signal-id", "s3")
    assert result.exit_code == 0
    assert [Signal.from_json(payload).signal_id for payload in queued(workspace)] == ["s1", "s2", "s3"]


def test_a_list_takes_no_signal_without_an_id(workspace: Workspace, redis_url: str) -> None:
    workspace.configure(f"signals: {{transport: redis_list}}\nredis: {{url: '{redis_url}'}}\n")
    file = workspace.directory / "signals.jsonl"
    file.write_bytes(NO_ID)
    result = workspace.cli("signals", "import", str(file))
    assert result.exit_code == 1
    assert f"{file}:1: signal_id: missing" in result.stderr


def test_a_queue_that_is_away_ends_with_1(workspace: Workspace, redis_server: RedisServer, tmp_path: Path) -> None:
    redis_server.stop()
    try:
        url = f"redis://:canary@127.0.0.1:{redis_server.port}/0"
        workspace.configure("signals: {transport: redis_stream}\n")
        arguments = ["signal", "--side", "buy", "--symbol", "A", "--quantity", "1"]
        result = workspace.cli(*arguments, env={"ORDER_ACTORS__REDIS__URL": url})
    finally:
        redis_server.start()
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "canary" not in result.stderr

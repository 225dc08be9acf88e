"""Reading commands show what the store knows, and nothing in it can act on the terminal."""

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from actors import Order, OrderStatus, Signal
from actors.cli import columns
from actors.store.store import Store
from actors.store.unit import DeadLetter, Outcome, Unit
from tests.cli.workspace import Workspace

COMMANDS = [["orders"], ["fills"], ["positions"], ["signals", "list"], ["dead-letters"]]


@pytest.fixture
def traded(workspace: Workspace) -> Workspace:
    workspace.trade(
        Signal("alpha", "AAPL", "buy", 100, signal_id="S1"),
        Signal("alpha", "AAPL", "sell", 40, signal_id="S2", order_type="limit", limit_price=Decimal("99.5")),
        Signal("beta", "MSFT", "sell", 7, signal_id="S3"),
    )
    return workspace


@pytest.mark.parametrize("command", COMMANDS)
def test_a_data_directory_without_a_store_holds_nothing(workspace: Workspace, command: list[str]) -> None:
    assert workspace.rows(*command) == []
    result = workspace.cli(*command)
    assert (result.exit_code, result.output) == (0, "")
    assert not workspace.data.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_is_being_made_holds_nothing_yet(workspace: Workspace, command: list[str]) -> None:
    workspace.data.mkdir()
    (workspace.data / "store.sqlite").touch()
    assert workspace.rows(*command) == []


def test_orders_have_the_names_of_their_fields(traded: Workspace) -> None:
    first, second, _ = traded.rows("orders")
    assert list(first) == list(Order.__struct_fields__)
    assert first["signal_id"] == "S1"
    assert (first["status"], first["filled_qty"], first["avg_fill_price"]) == ("filled", 100, "100")
    assert second["limit_price"] == "99.5"


def test_orders_can_be_chosen(traded: Workspace) -> None:
    assert [row["signal_id"] for row in traded.rows("orders", "--strategy", "beta")] == ["S3"]
    assert [row["signal_id"] for row in traded.rows("orders", "--limit", "2")] == ["S2", "S3"]
    assert len(traded.rows("orders", "--status", "filled")) == 3
    assert traded.rows("orders", "--live") == []


def test_fills_name_both_order_ids(traded: Workspace) -> None:
    orders = traded.rows("orders")
    fills = traded.rows("fills")
    assert [fill["client_order_id"] for fill in fills] == [order["order_id"] for order in orders]
    assert all(fill["order_id"].startswith("PAPER-") for fill in fills)
    assert [(fill["quantity"], fill["fee"]) for fill in fills] == [(100, "1.00"), (40, "0.40"), (7, "0.07")]
    assert traded.rows("fills", "--order", orders[2]["order_id"]) == fills[2:]
    assert traded.rows("fills", "--limit", "1") == fills[2:]


def test_positions_are_signed_and_exact(traded: Workspace) -> None:
    rows = traded.rows("positions")
    assert [(row["strategy_id"], row["symbol"], row["quantity"], row["avg_price"]) for row in rows] == [
        ("alpha", "AAPL", 60, "100"),
        ("beta", "MSFT", -7, "100"),
    ]
    assert rows[0]["realized_pnl"] == "-20.0"
    assert len(traded.rows("positions", "--strategy", "beta")) == 1


def test_signals_show_their_outcome(traded: Workspace) -> None:
    rows = traded.rows("signals", "list")
    orders = traded.rows("orders")
    assert [(row["signal_id"], row["outcome"]) for row in rows] == [("S1", "order"), ("S2", "order"), ("S3", "order")]
    assert [row["order_id"] for row in rows] == [order["order_id"] for order in orders]


@pytest.mark.parametrize("command", COMMANDS[:4])
def test_tables_are_whole_lines_where_there_is_no_terminal(traded: Workspace, command: list[str]) -> None:
    result = traded.cli(*command)
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "…" not in result.output
    assert len(result.output.splitlines()) == 2 + len(traded.rows(*command))


def test_foreign_text_is_shown_and_never_acts(traded: Workspace) -> None:
    evil = "\x1b[2J\x9b31m[bold]x[/bold]\u202e\r\nrow"
    settings = traded.settings
    with closing(Store.open(settings.store_url, account_id="ACC", holder="test")) as store:
        order = store.find_orders()[0]
        unit = Unit()
        unit.put_order(msgspec.structs.replace(order, status=OrderStatus.REJECTED, error_message=evil))
        letter = DeadLetter("approved_signals", evil, evil.encode() + b"\xff", 3, datetime.now(UTC))
        unit.dead_letters.append(letter)
        store.commit(unit)
    for command in (["orders"], ["dead-letters"], ["dead-letters", "show", "1"]):
        table, json_text = traded.cli(*command), traded.cli(*command, "--json")
        for result in (table, json_text):
            assert result.exit_code == 0
            assert set(result.output) <= set(map(chr, range(32, 127))) | set("\n─"), command
        assert "[bold]x[/bold]" in table.output
        assert "\\x1b[2J\\x9b31m" in table.output
    assert traded.rows("orders")[0]["error_message"] == evil


def test_every_outcome_and_status_has_its_look() -> None:
    assert set(columns._OUTCOME_STYLES) == set(Outcome)
    assert set(columns._STATUS_STYLES) == set(OrderStatus)

"""``why`` tells one order's story, by whichever id a person has."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from actors import Signal, TradingSystem
from actors.kill_switch.latch import set_control
from actors.model.control import TradingControl
from actors.runtime.clock import utc_now
from actors.store.reader import StoreReader
from actors.store.store import Store
from tests.cli.workspace import Workspace
from tests.store.samples import letter

DEADLINE = 30


@pytest.fixture
def traded(workspace: Workspace) -> Workspace:
    workspace.trade(
        Signal("alpha", "AAPL", "buy", 10, signal_id="S1"), Signal("beta", "MSFT", "sell", 20, signal_id="S2")
    )
    return workspace


def ids(workspace: Workspace, signal_id: str = "S1") -> tuple[str, str]:
    with closing(StoreReader.open(workspace.settings.store_url)) as store:
        order = next(one for one in store.find_orders() if one.signal_id == signal_id)
    assert order.broker_order_id is not None
    return order.order_id, order.broker_order_id


def parts(rows: list[dict[str, Any]], part: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["part"] == part]


def test_an_order_s_story_is_told_from_its_signal_to_its_last_fill(traded: Workspace) -> None:
    rows = traded.rows("why", ids(traded)[0])

    events = parts(rows, "event")
    assert [event["what"] for event in events] == [
        "the order was made of its signal and sent to the broker",
        "the broker accepted it",
        "buy 10 at 100 filled",
    ]
    assert [event["broker"] for event in events] == ["sent", "answered", "answered"]
    assert parts(rows, "signal")[0]["signal_id"] == "S1"
    (now,) = parts(rows, "now")
    assert (now["status"], now["filled_qty"]) == ("filled", 10)
    assert now["why"][0] == "it is done, 10 of 10 filled at 100 on average"


def test_the_broker_s_id_and_the_signal_s_tell_the_same_story(traded: Workspace) -> None:
    order_id, broker_order_id = ids(traded)
    story = traded.rows("why", order_id)

    assert traded.rows("why", broker_order_id) == story
    assert traded.rows("why", "S1") == story
    assert traded.rows("why", "S2") != story


def test_people_read_times_changes_and_the_end(traded: Workspace) -> None:
    result = traded.cli("why", "S1")

    assert result.exit_code == 0
    assert "← the broker accepted it" in result.stdout
    assert "status pending → submitted; broker_order_id none → PAPER" in result.stdout
    assert "Now filled\n  it is done, 10 of 10 filled at 100 on average\n" in result.stdout
    assert "MSFT" not in result.stdout


def test_an_id_that_nobody_knows_is_one_line_and_exit_code_1(traded: Workspace) -> None:
    result = traded.cli("why", "oa-\x1b[31mnone")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "order-actors: no order and no signal is known as oa-\\x1b[31mnone; `order-actors orders` lists orders\n"
    )


def test_without_a_store_no_id_is_known(workspace: Workspace) -> None:
    assert workspace.cli("why", "S1").exit_code == 1


def test_an_order_denied_by_a_halt_says_who_halted_trading_and_why(traded: Workspace) -> None:
    set_control(traded.settings, TradingControl(reason="a test", by="anna", at=utc_now()), "anna")
    with TradingSystem(traded.settings) as system:
        system.submit(Signal("alpha", "AAPL", "buy", 10, signal_id="S3")).result(DEADLINE)
        result = traded.cli("why", "S3")  # while it runs

    assert "this system denied it, nothing was sent" in result.stdout
    assert "  trading now: halted by anna: a test\n" in result.stdout
    assert "  because: halted\n" in result.stdout


def test_foreign_text_cannot_act_on_the_terminal(traded: Workspace) -> None:
    with closing(sqlite3.connect(traded.data / "store.sqlite")) as db:
        db.execute(
            "UPDATE events SET body = replace(replace(body, 'place accepted', '\\u001b[2J'), 'AAPL', '\\u202eX') "
            "WHERE seq <= 3"
        )
        db.execute("UPDATE orders SET error_message = char(27) || '[31m', symbol = char(27) || 'Z'")
        db.execute("UPDATE signals SET reason = char(27) || '[31m'")
        db.commit()
    result = traded.cli("why", "S1")

    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "\\x1b[2J" in result.stdout
    assert "\\u202eX" in result.stdout


def test_a_signal_that_became_no_order_is_told_by_its_dead_letter(traded: Workspace) -> None:
    with closing(Store.open(traded.settings.store_url, account_id="ACC", holder="test")) as store:
        store.put_dead_letter(letter("no symbol"))
    rows = traded.rows("why", "sig-x")

    assert [row["part"] for row in rows] == ["dead_letter"]
    assert rows[0]["reason"] == "no symbol"
    assert "no symbol" in traded.cli("why", "sig-x").stdout


def test_a_story_is_whole_even_where_the_clock_was_set_back(traded: Workspace) -> None:
    with closing(sqlite3.connect(traded.data / "store.sqlite")) as db:
        db.execute("UPDATE events SET at = at - 3600000000 WHERE seq <= 2")
        db.commit()

    assert next(event["seq"] for event in parts(traded.rows("why", "S1"), "event")) == 1

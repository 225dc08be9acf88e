"""``verify`` finds whatever was changed behind the system's back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from actors import BrokerSettings, PaperSettings, Settings, Signal, TradingSystem
from actors.model import Event
from actors.opening import anchor_of
from actors.portfolio.view import committed_positions
from actors.store.chain import chained, genesis
from actors.store.reader import StoreReader
from actors.store.store import Store
from actors.store.unit import SignalRecord
from actors.verify import verify
from tests.cli.workspace import Workspace, wait_until

BREAKS = {
    "UPDATE orders SET filled_qty = 9 WHERE order_no = 1": {"I5", "I8", "I12"},
    "UPDATE orders SET avg_fill_price = '100.1' WHERE order_no = 1": {"I5"},
    "UPDATE orders SET fill_value = '1' WHERE order_no = 1": {"I5"},
    "UPDATE orders SET overfill_qty = 1 WHERE order_no = 1": {"I5"},
    "UPDATE orders SET status = 'cancelled' WHERE order_no = 1": {"I8", "I12"},
    "UPDATE orders SET status = 'submitted' WHERE order_no = 1": {"I8", "I12"},
    "UPDATE orders SET signal_id = 'S2' WHERE order_no = 1": {"I2", "I6"},
    "DELETE FROM orders WHERE order_no = 1": {"I3", "I6"},
    "UPDATE fills SET quantity = 11 WHERE seq = 1": {"I5", "I4"},
    "UPDATE fills SET price = '99' WHERE seq = 1": {"I5", "I4"},
    "UPDATE fills SET side = 'sell' WHERE seq = 1": {"I3", "I4"},
    "DELETE FROM fills WHERE seq = 1": {"I5", "I4", "seq fills"},
    "DELETE FROM signals WHERE seq = 1": {"I7", "seq signals"},
    "UPDATE signals SET order_id = 'oa-none' WHERE seq = 1": {"I6", "I7"},
    "UPDATE signals SET outcome = 'dead_letter' WHERE seq = 1": {"I7", "I19"},
    "DELETE FROM events WHERE seq = 2": {"seq events", "I24"},
    "DELETE FROM events WHERE order_id = (SELECT order_id FROM orders WHERE order_no = 1)": {
        "I12",
        "seq events",
        "I24",
    },
    "DELETE FROM events": {"I12", "I24 anchor"},
    "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)": {"I12", "I24 anchor"},
    "UPDATE events SET body = replace(body, 'AAPL', 'MSFT') WHERE seq = 2": {"I24"},
    "UPDATE events SET body = 'no JSON' WHERE seq = 2": {"I24"},
    "INSERT INTO events SELECT max(seq) + 1, 'x', NULL, 1, '{}', hash FROM events": {"I24", "I24 anchor"},
    "UPDATE positions SET realized_pnl = '5'": {"I4"},
    "UPDATE positions SET quantity = quantity + 1": {"I4"},
    "DELETE FROM positions": {"I4"},
}


@pytest.fixture
def traded(workspace: Workspace) -> Workspace:
    workspace.trade(
        Signal("alpha", "AAPL", "buy", 10, signal_id="S1"),
        Signal("beta", "MSFT", "sell", 20, signal_id="S2"),
    )
    with closing(Store.open(workspace.settings.store_url, account_id="ACC", holder="test")) as store:
        store.save_positions(committed_positions(store), 2)
    return workspace


def test_a_store_that_was_left_alone_keeps_every_promise(traded: Workspace) -> None:
    promises = traded.rows("verify")
    assert len(promises) == 14
    assert all(promise["ok"] and promise["violations"] == [] for promise in promises)
    assert {promise["id"]: promise["checked"] for promise in promises}["I5"] == 2
    table = traded.cli("verify")
    assert table.exit_code == 0
    assert "BROKEN" not in table.stdout


def test_without_a_store_there_is_nothing_to_verify(workspace: Workspace) -> None:
    assert workspace.rows("verify") == []
    assert "Nothing to verify" in workspace.cli("verify").stdout


def test_each_change_behind_the_systems_back_breaks_its_promises(traded: Workspace) -> None:
    path = traded.data / "store.sqlite"
    whole = path.read_bytes()
    for statement, broken in BREAKS.items():
        with closing(sqlite3.connect(path)) as db:
            assert db.execute(statement).rowcount > 0, statement
            db.commit()
        result = traded.cli("verify")
        assert result.exit_code == 1, statement
        assert "BROKEN" in result.stdout
        found = {line.partition(": ")[0] for line in result.stdout.splitlines() if ": " in line}
        assert found == broken, statement
        path.write_bytes(whole)
    assert traded.cli("verify").exit_code == 0


def test_a_log_and_chain_made_anew_are_told_by_the_anchor_alone(traded: Workspace) -> None:
    path = traded.data / "store.sqlite"
    with closing(Store.open(traded.settings.store_url, account_id="ACC", holder="intruder")) as store:
        forged = [Event(seq=e.seq, type=e.type, order_id=e.order_id, body=e.body + b" ") for e in store.events()]
        rows, _ = chained(genesis("ACC"), forged, 1)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM events")
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.commit()

    result = traded.cli("verify")
    assert result.exit_code == 1
    assert {line.partition(": ")[0] for line in result.stdout.splitlines() if ": " in line} == {"I24 anchor"}


def test_an_anchor_that_contradicts_lets_the_system_trade_and_tells_of_it_until_it_is_moved_aside(
    traded: Workspace,
) -> None:
    with closing(sqlite3.connect(traded.data / "store.sqlite")) as db:
        db.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
        db.commit()
    traded.trade(Signal("alpha", "AAPL", "buy", 10, signal_id="S3"))
    with closing(StoreReader.open(traded.settings.store_url)) as store:
        events = [event for event in store.events() if event.type.startswith("log.")]
    assert [event.type for event in events] == ["log.anchor_contradicted"]
    assert b'"alert":true' in events[0].body
    assert "is not the one that line 1 of the anchor" in traded.cli("verify").stdout

    anchor = traded.data / "events.anchor"
    anchor.replace(anchor.with_suffix(".evidence"))
    assert "start the system once, it begins one" in traded.cli("verify").stdout
    traded.trade(Signal("alpha", "AAPL", "buy", 10, signal_id="S4"))
    assert "I24 anchor: " not in traded.cli("verify").stdout


def test_the_anchor_stands_where_the_settings_say_and_is_sealed_with_their_key(workspace: Workspace) -> None:
    place = workspace.directory / "elsewhere.anchor"
    key = {"ORDER_ACTORS__AUDIT__KEY": "a-key-of-sixteen-"}
    workspace.configure(f"audit: {{anchor: '{place}'}}")
    workspace.trade(Signal("alpha", "AAPL", "buy", 10))
    assert "there is no anchor" in workspace.cli("verify").stdout
    (workspace.data / "events.anchor").rename(place)
    assert workspace.cli("verify").exit_code == 0

    assert "sealed with another key" in workspace.cli("verify", env=key).stdout


def test_an_anchor_that_cannot_be_written_is_told_by_health_and_by_verify_and_stops_nothing(
    workspace: Workspace,
) -> None:
    place = workspace.directory / "away" / "events.anchor"
    workspace.configure(f"audit: {{anchor: '{place}'}}")
    with TradingSystem(workspace.settings) as system:
        assert system.submit(Signal("alpha", "AAPL", "buy", 10)).result(30).broker_order_id is not None
        assert system.health()["anchor"] == f"{place}: No such file or directory"
        assert f"there is no anchor {place}; start the system once" in workspace.cli("verify").stdout
    place.parent.mkdir()
    with TradingSystem(workspace.settings) as system:
        assert system.health()["anchor"] == "written"
    assert workspace.cli("verify").exit_code == 0


class Disturbed(StoreReader):
    """Lets the world move on between two of verify's queries."""

    meanwhile: Callable[[], None]

    def signals(self, limit: int | None = None) -> list[SignalRecord]:
        self.meanwhile()
        return super().signals(limit)


def test_a_system_at_work_breaks_no_promise(workspace: Workspace) -> None:
    paper = PaperSettings(fill_delay=0.01, partial_fills=3)
    settings = Settings(account_id="ACC", data_dir=str(workspace.data), broker=BrokerSettings(paper=paper))
    with TradingSystem(settings) as system, closing(Disturbed.open(settings.store_url)) as reader:

        def trade() -> None:
            system.submit(Signal("alpha", "AAPL", "buy", 9)).result(30)
            wait_until(lambda: not system.active_orders())
            system._running().store.save_positions(committed_positions(reader), reader.last_seqs().fills)

        reader.meanwhile = trade
        for _ in range(5):
            promises = verify(reader, anchor_of(settings))
            assert [line for promise in promises for line in promise.violations] == []

"""``verify`` finds whatever was changed behind the system's back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from actors import BrokerSettings, PaperSettings, Settings, Signal, TradingSystem
from actors.portfolio.view import committed_positions
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
    "DELETE FROM events WHERE seq = 2": {"seq events"},
    "DELETE FROM events WHERE order_id = (SELECT order_id FROM orders WHERE order_no = 1)": {"I12", "seq events"},
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
    assert len(promises) == 12
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
            assert [line for promise in verify(reader) for line in promise.violations] == []

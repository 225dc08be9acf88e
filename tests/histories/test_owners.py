"""Whose order it is, which queue entry is whose, who may write, and what still works when something has stopped.

| Case here | What happened elsewhere |
|---|---|
| two strategies | go-trader 258: two strategies on one account counted each other's shares as their own |
| another's order | freqtrade 13399, 10436: an order of somebody else was attached to a trade |
| never claimed | openlinker 2164: entries a dead consumer had read stayed pending for ever |
| resting orders left | hummingbot 2534, go-trader 1462: the kill switch left orders resting at the exchange |
| books stopped | Auramaur 408: the kill switch stopped the booking of fills |
| one bad handler | vn.py 3186: one handler that raised ended the one event thread, and nobody noticed |
| mixed versions | Knight Capital 2012: one of eight servers ran older code on the same orders |
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from actors import OrderStatus
from actors.errors import StoreError, StoreLocked
from actors.settings import RedisSettings, SignalSettings
from actors.signal_consumer.base import Entry
from actors.signal_consumer.redis_stream import RedisStreamSource
from actors.store.upgrade import known_revisions
from tests.histories.exchange import Exchange
from tests.histories.firm import Firm
from tests.system.parts import settings, wait_for

QUEUE, GROUP = "approved_signals", "order-manager"


def no_answer(_order: object) -> None:
    raise TimeoutError("no answer within 12 s")


def test_two_strategies_on_one_account_hold_their_own_shares_and_add_up_to_the_exchange_s(
    firm: Firm, exchange: Exchange
) -> None:
    """Go-trader 258."""
    firm.up()
    firm.buy(1, 100, strategy_id="trend")
    firm.buy(2, 70, strategy_id="revert", action="sell")
    exchange.trade("B1", 100)
    exchange.trade("B2", 70)
    firm.becomes(2, OrderStatus.FILLED)
    firm.restart()
    assert firm.positions() == {("trend", "US.AAPL"): 100, ("revert", "US.AAPL"): -70}
    assert exchange.positions() == {"US.AAPL": 30}


def test_an_order_placed_by_telephone_is_attached_to_no_strategy(firm: Firm, exchange: Exchange) -> None:
    """Freqtrade 13399, 10436: the same symbol, side and quantity make it nobody's but its own."""
    exchange.on_submit = no_answer
    exchange.shows = lambda row: row.client_id is None
    firm.up()
    firm.buy(1)
    stranger = exchange.phone_order(10)
    exchange.trade(stranger, 10)
    firm.system.reconcile()
    assert (firm.order(1).filled_qty, firm.order(1).broker_order_id) == (0, None)
    assert firm.positions() == {("EXTERNAL", "US.AAPL"): 10}
    exchange.shows = lambda _row: True
    firm.system.reconcile()
    assert firm.order(1).broker_order_id == "B1"


# ---------------------------------------------------------------- the queue


def test_a_signal_that_was_read_by_a_process_that_died_becomes_an_order_at_the_next_start(
    firm: Firm, exchange: Exchange, redis_url: str
) -> None:
    """Openlinker 2164, our own entries."""
    with closing(Redis.from_url(redis_url)) as client:
        client.xgroup_create(QUEUE, GROUP, id="0", mkstream=True)
        client.xadd(QUEUE, {"signal": firm.signal(1).to_json()})
        client.xreadgroup(GROUP, "ACC", {QUEUE: ">"})  # delivered, and nothing came of it
        signals = SignalSettings(transport="redis_stream", key=QUEUE, group=GROUP)
        firm.settings = settings(firm.settings.directory, signals=signals, redis=RedisSettings(url=redis_url))
        firm.up()
        wait_for(lambda: list(exchange.book) == ["B1"])
        wait_for(lambda: client.xpending(QUEUE, GROUP)["pending"] == 0)


def test_a_signal_that_was_read_by_another_consumer_that_died_is_claimed(redis_url: str) -> None:
    """Openlinker 2164, somebody else's entries."""
    source = RedisStreamSource(redis_url, QUEUE, GROUP, "us", "ACC", claim_idle=0.001, claim_interval=0.05)
    with closing(Redis.from_url(redis_url)) as client, closing(source):
        client.xgroup_create(QUEUE, GROUP, id="0", mkstream=True)
        client.xadd(QUEUE, {"signal": b"the one"})
        client.xreadgroup(GROUP, "them", {QUEUE: ">"})
        source.open()
        found = wait_for_entries(lambda: source.read(10, 0.01))
        assert [(entry.payload, entry.redelivered) for entry in found] == [(b"the one", True)]
        source.settle(found)
        assert client.xpending(QUEUE, GROUP)["pending"] == 0


# ---------------------------------------------------------------- halted


def test_the_kill_switch_leaves_no_order_resting_not_even_one_nobody_knew_to_be_there(
    firm: Firm, exchange: Exchange
) -> None:
    """Hummingbot 2534, go-trader 1462."""
    firm.up()
    firm.buy(1)
    firm.buy(2)
    exchange.on_submit = no_answer
    exchange.shows = lambda row: row.broker_id != "B3"
    assert firm.buy(3).status is OrderStatus.UNKNOWN
    firm.system.halt("too fast")
    wait_for(lambda: exchange.working() == ["B3"])
    exchange.shows = lambda _row: True  # the lost order surfaces long after the halt
    wait_for(lambda: exchange.working() == [])
    wait_for(lambda: firm.system.health()["control"].get("done_at") is not None)
    assert firm.buy(4).status is OrderStatus.REJECTED
    assert len(exchange.book) == 3


def test_the_kill_switch_stops_no_fill_from_being_booked(firm: Firm, exchange: Exchange) -> None:
    """Auramaur 408."""
    firm.up()
    firm.buy(1)
    firm.system.halt("too fast", keep_orders=True)
    exchange.trade("B1", 10)
    firm.becomes(1, OrderStatus.FILLED)
    assert firm.positions() == {("alpha", "US.AAPL"): 10}
    firm.restart()  # and over a restart it is halted, with its books open
    stranger = exchange.phone_order(5)
    exchange.trade(stranger, 5)
    firm.system.reconcile()
    assert firm.ledger() == ["F1", "F2"]
    assert firm.system.halted() == "halted"


# ---------------------------------------------------------------- threads, versions


def test_a_handler_that_raises_ends_neither_the_others_nor_the_booking(firm: Firm, exchange: Exchange) -> None:
    """Vn.py 3186."""

    def bad(_event: object) -> None:
        raise RuntimeError("a bad handler")

    heard: list[str] = []
    firm.up()
    firm.system.subscribe(bad)
    firm.system.subscribe(lambda event: heard.append(event.type))
    for number in range(1, 4):
        firm.buy(number)
        exchange.trade(f"B{number}", 10)
    wait_for(lambda: heard.count("fill.booked") == 3)
    assert firm.ledger() == ["F1", "F2", "F3"]
    actors = firm.system.health()["actors"]
    assert {name: actor["restarts"] for name, actor in actors.items()} == dict.fromkeys(actors, 0)


def test_an_older_program_does_not_touch_the_orders_of_a_newer_one(firm: Firm, exchange: Exchange) -> None:
    """Knight Capital: it refuses to start, and nothing is sent."""
    firm.up()
    firm.buy(1)
    firm.down()
    revision(firm.settings.directory, "9999")
    with pytest.raises(StoreError, match="9999"):
        firm.up()
    assert list(exchange.book) == ["B1"]
    revision(firm.settings.directory, known_revisions()[-1])


def test_two_programs_do_not_trade_one_account_from_one_place(firm: Firm, exchange: Exchange) -> None:
    """Knight Capital, and every double start."""
    firm.up()
    other = Firm(firm.settings.directory, exchange)
    with pytest.raises(StoreLocked, match="in use"):
        other.up()
    assert firm.buy(1).status is OrderStatus.SUBMITTED


def revision(directory: Path, name: str) -> None:
    """Mark a store as made by the program of a revision."""
    with closing(sqlite3.connect(directory / "store.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (name,))


def wait_for_entries(read: Callable[[], list[Entry]]) -> list[Entry]:
    """Read until there is something."""
    found: list[Entry] = []

    def look() -> list[Entry]:
        found[:] = read()
        return found

    wait_for(look, 10)
    return found

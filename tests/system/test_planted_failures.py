"""An exception planted in every actor, in every kind of message it handles, while messages flow."""

from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import OrderCancelError, OrderFill, OrderStatus, Settings, TradingSystem
from actors import messages as m
from actors.broker.base import ReportStatus
from actors.broker.gate import UNARMED
from actors.kill_switch.arming import Arming, arm, disarm
from actors.runtime.clock import utc_now
from actors.settings import RedisSettings, SignalSettings
from actors.store.reader import StoreReader
from actors.store.unit import Outcome
from tests.servers import RedisServer
from tests.system.faults import trading
from tests.system.parts import PATIENT, settings, settle, wait_for
from tests.system.planted import ACTORS, FREQUENT, KINDS, Kind, Mines
from tests.system.planted_parts import REFUSED, RUBBISH, UNCLEAR, FourMethods, Host, Producer, Scripted
from tests.system.test_redis_intake import events_in

MESSAGES = 10_000
ONE_BY_ONE: frozenset[Kind] = frozenset({("broker", "QueryOrder"), ("order_manager", "StatusReported")})
"""What flows only where the broker cannot be queried as a whole."""

ENDS = {
    ReportStatus.FILLED: OrderStatus.FILLED,
    ReportStatus.CANCELLED: OrderStatus.CANCELLED,
    ReportStatus.EXPIRED: OrderStatus.EXPIRED,
}


def configured(directory: Path, url: str) -> Settings:
    return settings(
        directory,
        supervision=msgspec.structs.replace(PATIENT, hang_after=60.0),
        signals=SignalSettings(transport="redis_stream"),
        redis=RedisSettings(url=url),
    )


def producing(system: TradingSystem, server: RedisServer, *odd: str) -> "closing[Producer]":
    store = system._running().store
    return closing(Producer(server.client(single_connection_client=True), lambda: store.last_seqs().signals, *odd))


def told(system: TradingSystem, key: str) -> dict[str, Any]:
    """Return what health() tells of each actor."""
    actors = system.health()["actors"]
    return {actor: actors[actor][key] for actor in ACTORS}


def handled(system: TradingSystem) -> int:
    return sum(told(system, "handled").values())


@pytest.mark.parametrize("when", ["before it is handled", "once it is handled"])
def test_nothing_is_lost_and_each_senders_order_is_kept(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    mines, broker = Mines(monkeypatch, once_handled=when == "once it is handled"), Scripted()
    run_with = configured(tmp_path, redis_url)
    armed(run_with.directory)
    with trading(run_with, broker) as system:
        before = handled(system)
        mines.begin()
        with producing(system, redis_server, REFUSED, UNCLEAR) as producer:
            host = Host(system)
            make_the_rare_kinds_flow(system, broker, producer, host, mines)
            mines.all_explode(KINDS - ONE_BY_ONE - {("order_manager", "Reconcile")})
            system.reconcile()
            mines.all_explode(KINDS - ONE_BY_ONE)
            wait_for(lambda: handled(system) - before >= MESSAGES)
        in_the_end(system, broker, producer, host, mines)
    published_in_order(redis_server, run_with)


def test_nothing_is_lost_with_a_four_method_broker_either(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mines, broker = Mines(monkeypatch, once_handled=False), Scripted()
    run_with = configured(tmp_path, redis_url)
    with trading(run_with, FourMethods(broker)) as system, closing(broker):
        before = handled(system)
        mines.begin()
        with producing(system, redis_server, REFUSED) as producer:
            host = Host(system)
            order = host.submit(rests=True).result(45)
            assert system.cancel(order.order_id)
            mines.all_explode(ONE_BY_ONE | FREQUENT)
            wait_for(lambda: handled(system) - before >= MESSAGES)
        in_the_end(system, broker, producer, host, mines)
    published_in_order(redis_server, run_with)


def arm_again(system: TradingSystem) -> None:
    """Disarm the account, wait until that is seen, and arm it again."""
    directory, gate = system.settings.directory, system._running().gate
    assert disarm(directory)
    wait_for(lambda: UNARMED in gate.reasons)
    armed(directory)
    wait_for(lambda: UNARMED not in gate.reasons)


def armed(directory: Path) -> None:
    now = utc_now()
    arm(directory, Arming(account=Scripted.real_account, by="ada", at=now, until=now + timedelta(hours=1)))


def make_the_rare_kinds_flow(
    system: TradingSystem, broker: Scripted, producer: Producer, host: Host, mines: Mines
) -> None:
    """Do all that brings the kinds of messages that trading alone does not bring."""
    orders = [host.submit(rests=True).result(45) for _ in range(4)]
    assert {order.status for order in orders} == {OrderStatus.SUBMITTED}
    broker.cancel_errors = [OrderCancelError("it is being matched")]
    assert system.cancel(orders[0].order_id)
    mines.explode("CancelOrder", "CancelAtBroker", "CancelRefused")
    broker.cancel_errors = [TimeoutError("no answer")]
    assert system.cancel(orders[1].order_id)
    mines.explode("CancelUnclear")
    assert system.cancel(orders[2].order_id)
    mines.explode("CancelTaken", "OrderReported")
    broker.replace_errors = [OrderCancelError("it is being matched")]
    assert system.replace(orders[3].order_id, quantity=6)
    mines.explode("ReplaceOrder", "ReplaceAtBroker", "ReplaceRefused")
    wait_for(lambda: (system.get_order(orders[3].order_id) or orders[3]).status is OrderStatus.SUBMITTED)
    broker.replace_errors = [TimeoutError("no answer")]
    assert system.replace(orders[3].order_id, quantity=7)
    mines.explode("ReplaceUnclear")
    wait_for(lambda: (system.get_order(orders[3].order_id) or orders[3]).quantity == 7)
    assert system.replace(orders[3].order_id, quantity=8)
    mines.explode("ReplaceTaken", "PricesMarked")
    producer.command(b'{"type": "cancel", "signal_id": "host-3", "command_id": "cancel-host-3"}')
    mines.explode("CommandReceived")
    broker.end_session()

    host.submit()
    mines.explode("SourceLost", "SinkLost", cause=producer.cut_others)
    mines.explode("SourceReady")

    session = system._running().session
    assert session._address is not None
    session._address.tell(m.QueryQuotes())  # the actor tells its lane; this kind is in its own union all the same
    mines.explode("QueryQuotes")

    broker.cut(lambda: len(session.orders.outstanding()))
    host.submit()
    mines.explode("ConnectionChanged", "OrderNotSent", "BrokerLost", "VenueUnreachable")
    producer.pace = 100
    mines.explode("CloseIntake")  # too many orders wait to be sent
    producer.pace = 5
    broker.mend()

    order = host.submit(rests=True).result(45)
    assert order.order_id in system.cancel_all()
    mines.explode("ArmingChanged", cause=lambda: arm_again(system))
    system.halt("planted", by="test")
    assert host.submit().result(45).status is OrderStatus.REJECTED
    system.resume(by="test")


def in_the_end(system: TradingSystem, broker: Scripted, producer: Producer, host: Host, mines: Mines) -> None:
    """Fail unless everything is worked, every restart was planted, and the books agree with the broker's."""
    mines.clear()
    settle(system)
    assert all(future.result(45).status is not OrderStatus.UNKNOWN for future in host.futures)
    wait_for(lambda: told(system, "restarts") == mines.restarts())
    assert told(system, "state") == dict.fromkeys(ACTORS, "running")
    assert told(system, "dead_letters") == dict.fromkeys(ACTORS, 0)
    wait_for(lambda: system.health()["trading"] == "open")
    wanted = {**producer.wanted, host.strategy: host.wanted}
    each_signal_became_one_order(system, wanted, producer.rubbish)
    each_senders_order_is_kept(system, broker, wanted)
    the_books_agree(system, broker, wanted)


def each_signal_became_one_order(system: TradingSystem, wanted: dict[str, list[str]], rubbish: int) -> None:
    store = system._running().store
    no_signals = {Outcome.DEAD_LETTER, Outcome.COMMAND}
    rows = [row.signal_id for row in store.signals() if row.outcome not in no_signals]
    commands = [row.signal_id for row in store.signals() if row.outcome is Outcome.COMMAND]
    assert commands in ([], ["cancel-host-3"])
    assert Counter(rows) == Counter(signal_id for ids in wanted.values() for signal_id in ids)
    assert [letter.payload for letter in store.dead_letters()] == [RUBBISH] * rubbish
    for strategy, ids in wanted.items():
        assert [order.signal_id for order in system.get_orders_by_strategy(strategy)] == ids


def each_senders_order_is_kept(system: TradingSystem, broker: Scripted, wanted: dict[str, list[str]]) -> None:
    for strategy in wanted:
        orders = system.get_orders_by_strategy(strategy)
        assert broker.submitted[strategy] == [order.signal_id for order in orders if order.sent_at is not None]
        unsent = [order for order in orders if order.sent_at is None]  # there was a halt, and a cancel of all orders
        assert {order.status for order in unsent} <= {OrderStatus.REJECTED, OrderStatus.CANCELLED}
    assert set(broker.submitted) == set(wanted)


def the_books_agree(system: TradingSystem, broker: Scripted, wanted: dict[str, list[str]]) -> None:
    book = broker.book()
    orders = [order for strategy in wanted for order in system.get_orders_by_strategy(strategy)]
    known = {order.broker_order_id: order for order in orders if order.broker_order_id is not None}
    refused = [order for order in orders if order.sent_at is not None and order.broker_order_id is None]
    assert {(order.symbol, order.status) for order in refused} == {(REFUSED, OrderStatus.REJECTED)}
    assert {report.broker_order_id for report in book.orders} == set(known)
    for report in book.orders:
        order = known[report.broker_order_id]
        assert (order.order_id, order.status) == (report.client_order_id, ENDS[report.status])
        assert order.filled_qty == report.filled_qty

    fills = system.fills()
    assert sorted(map(_shown, fills)) == sorted(map(_shown, book.fills))
    held: Counter[tuple[str, str]] = Counter()
    for fill in book.fills:
        place = known[fill.order_id].strategy_id, fill.symbol
        held[place] += fill.quantity if fill.side == "buy" else -fill.quantity
    board = system._running().board
    wait_for(lambda: board.snapshot.last_seq == len(fills))
    for positions in (board.snapshot.positions, system.positions()):
        assert {(row.strategy_id, row.symbol): row.quantity for row in positions} == held


def published_in_order(server: RedisServer, run_with: Settings) -> None:
    """Fail unless the stream holds every event, in order, in the very bytes of the log."""
    with closing(StoreReader.open(run_with.store_url)) as store:
        logged = [(f"ACC:{event.seq}", event.body) for event in store.events(limit=1_000_000)]
    assert list(dict.fromkeys(events_in(server.client()))) == logged


def _shown(fill: OrderFill) -> tuple[Any, ...]:
    return fill.fill_id, fill.order_id, fill.symbol, fill.side, fill.quantity, fill.price

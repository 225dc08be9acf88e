"""Commands of the queue: one row an entry with what became of it, carried out once, and a halt before anything else."""

from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from actors import messages as m
from actors.broker.gate import HALTED
from actors.model import OrderStatus
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand
from actors.model.control import TradingState
from actors.order_manager.actor import HALTING
from actors.store.unit import Outcome
from actors.verify import verify
from tests.order_manager.desk import Desk, ids
from tests.order_manager.replacing import LIMIT, REPLACES, events, in_flight, sent
from tests.order_manager.test_poison import failing
from tests.support.builders import entry, fill, order_id, queued, report


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Return a desk with an order of ten at 100 that works."""
    desk = make_desk(market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    return desk


def queue(
    command: Command, entry_id: str | None = "C1", *, redelivered: bool = False, signature: str | None = None
) -> m.CommandReceived:
    payload = msgspec.json.encode(command)
    return m.CommandReceived(
        entry=entry(payload, entry_id, redelivered=redelivered),
        command=command,
        digest=blake2b(payload, digest_size=12).hexdigest(),
        signature=signature,
    )


def rows(desk: Desk) -> list[tuple[Any, ...]]:
    """Return the rows of the commands: id, outcome, the order, what became of it."""
    records = [record for record in desk.store.signals() if record.outcome is not Outcome.ORDER]
    return [(record.signal_id, record.outcome, record.order_id, record.reason) for record in records]


def settled(desk: Desk) -> list[str | None]:
    told = desk.consumer.all(m.SignalsSettled)
    return [one.entry_id for message in told for one in message.entries]


# ---------------------------------------------------------------- each kind


@pytest.mark.parametrize("named", [{"order_id": order_id()}, {"signal_id": "S1"}], ids=["order_id", "signal_id"])
def test_a_cancel_command_asks_for_the_cancel_and_its_row_says_so(desk: Desk, named: dict[str, str]) -> None:
    desk.tell(queue(CancelCommand(command_id="K1", reason="done for today", **named)))
    assert (desk.order().status, desk.cancels()) == (OrderStatus.CANCEL_REQUESTED, ["B1"])
    assert rows(desk) == [("K1", Outcome.COMMAND, order_id(), "cancel requested")]
    assert settled(desk)[-1] == "C1"
    assert events(desk, "order.cancel_req")[0]["by"] == "queue"


def test_a_replace_command_asks_for_new_terms_and_its_row_says_so(desk: Desk) -> None:
    desk.tell(queue(ReplaceCommand(signal_id="S1", quantity=15, limit_price=Decimal(101))))
    assert in_flight(desk.order()) == (15, Decimal(101))
    assert sent(desk) == [("B1", 15, Decimal(101))]
    assert rows(desk) == [(None, Outcome.COMMAND, order_id(), "replace requested")]
    assert events(desk, "order.replace_req")[0]["by"] == "queue"


@pytest.mark.parametrize(
    ("chosen", "cancelled"),
    [
        ({}, (1, 2, 3)),
        ({"strategy_id": "beta"}, (2,)),
        ({"symbol": "MSFT"}, (3,)),
        ({"strategy_id": "alpha", "symbol": "AAPL"}, (1,)),
        ({"strategy_id": "nobody"}, ()),
    ],
)
def test_a_cancel_all_command_reaches_the_orders_it_names(
    desk: Desk, chosen: dict[str, str], cancelled: tuple[int, ...]
) -> None:
    desk.working(2, strategy_id="beta")
    desk.working(3, symbol="MSFT")
    desk.working(4)
    desk.tell(m.FillReported(fill=fill(4, 10, of="B4")))
    desk.tell(queue(CancelAllCommand(**chosen)))
    assert desk.cancels() == [f"B{number}" for number in cancelled]
    asked = [desk.order(number).order_id for number in (1, 2, 3) if desk.order(number).status == "cancel_req"]
    assert asked == ids(cancelled)
    assert rows(desk) == [(None, Outcome.COMMAND, None, f"cancel requested for {len(cancelled)} orders")]


def test_a_halt_command_halts_trading_and_cancels_what_works(desk: Desk) -> None:
    desk.tell(queue(HaltCommand(command_id="K1", reason="fire")))
    control = desk.store.controls()[HALTED]
    assert '"fire"' in control
    assert '"queue"' in control
    assert (desk.gate.reasons, desk.cancels()) == ({HALTED}, ["B1"])
    assert rows(desk) == [("K1", Outcome.COMMAND, None, "trading halted")]
    desk.kill()
    desk.open(report(client_order_id=order_id()))
    assert desk.gate.reasons == {HALTED}


def test_a_halt_command_may_keep_the_orders(desk: Desk) -> None:
    desk.tell(queue(HaltCommand(keep_orders=True)))
    assert (desk.gate.reasons, desk.cancels()) == ({HALTED}, [])


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("make", [CancelCommand, lambda **named: ReplaceCommand(quantity=5, **named)])
def test_a_command_about_an_order_nobody_knows_is_a_row_that_says_refused(
    desk: Desk, make: Callable[..., Command]
) -> None:
    desk.tell(queue(make(order_id="oa-nothing")))
    assert rows(desk) == [(None, Outcome.COMMAND, "oa-nothing", "refused: no order oa-nothing")]
    assert desk.rows()["dead_letters"] == 0
    assert events(desk, "command.refused")[0]["by"] == "queue"


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
@pytest.mark.parametrize(
    ("command", "why"),
    [
        (CancelCommand(signal_id="S1"), "is filled and cannot be cancelled"),
        (ReplaceCommand(signal_id="S1", quantity=5), "is filled and cannot be replaced now"),
    ],
)
def test_a_command_about_a_final_order_is_a_row_that_says_refused(
    desk: Desk, command: Command, why: str, *, restart: bool
) -> None:
    desk.tell(m.FillReported(fill=fill()))
    if restart:
        desk.kill()
    desk.tell(queue(command))
    assert rows(desk) == [(None, Outcome.COMMAND, order_id(), f"refused: order {order_id()} {why}")]
    assert (desk.cancels(), sent(desk)) == ([], [])


# ---------------------------------------------------------------- once


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
@pytest.mark.parametrize("entry_id", ["C1", None], ids=["stream", "list"])
def test_a_redelivered_command_is_carried_out_once(desk: Desk, entry_id: str | None, *, restart: bool) -> None:
    command = ReplaceCommand(signal_id="S1", quantity=15)
    desk.tell(queue(command, entry_id))
    desk.tell(m.OrderReported(report=report(quantity=15, limit_price=Decimal(100))))
    if restart:
        desk.kill()
        desk.open(report(quantity=15, limit_price=Decimal(100)))
    desk.tell(m.IntakeRestarted())
    before = desk.rows()
    desk.tell(queue(command, entry_id, redelivered=True))
    assert desk.rows() == before
    assert settled(desk)[-1:] == [entry_id]
    assert (desk.order().status, desk.order().quantity) == (OrderStatus.SUBMITTED, 15)
    assert len(sent(desk)) == (0 if restart else 1)


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_a_second_command_with_the_same_id_is_a_duplicate(desk: Desk, *, together: bool) -> None:
    commands = [queue(ReplaceCommand(command_id="K1", signal_id="S1", quantity=15), name) for name in ("C1", "C2")]
    if together:
        desk.tell(*commands)
    else:
        for command in commands:
            desk.tell(command)
    assert len(sent(desk)) == 1
    assert rows(desk) == [
        ("K1", Outcome.COMMAND, order_id(), "replace requested"),
        ("K1", Outcome.DUPLICATE, order_id(), None),
    ]


def test_a_second_command_without_an_id_is_another_command(desk: Desk) -> None:
    for name in ("C1", "C2"):
        desk.tell(queue(CancelCommand(signal_id="S1"), name))
    assert rows(desk) == [(None, Outcome.COMMAND, order_id(), "cancel requested")] * 2


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_command_id_with_another_body_is_a_dead_letter(desk: Desk, *, restart: bool) -> None:
    desk.tell(queue(ReplaceCommand(command_id="K1", signal_id="S1", quantity=15), "C1"))
    if restart:
        desk.kill()
    desk.tell(queue(CancelCommand(command_id="K1", signal_id="S1"), "C2"))
    why = f"command_id K1 was used before with another body (order {order_id()})"
    assert rows(desk)[-1] == ("K1", Outcome.DEAD_LETTER, None, why)
    assert [letter.reason for letter in desk.store.dead_letters()] == [why]
    assert (desk.order().status, desk.cancels()) == (OrderStatus.REPLACE_REQUESTED, [])
    assert desk.consumer.all(m.SignalsSettled)[-1].dead[0].entry_id == "C2"


def test_a_halt_with_a_used_id_and_another_body_names_no_order(desk: Desk) -> None:
    desk.tell(queue(HaltCommand(command_id="K1"), "C1"))
    desk.tell(queue(HaltCommand(command_id="K1", keep_orders=True), "C2"))
    assert rows(desk)[-1][3] == "command_id K1 was used before with another body"


def test_the_same_signed_bytes_again_are_a_replay_and_a_dead_letter(desk: Desk) -> None:
    command = ReplaceCommand(command_id="K1", signal_id="S1", quantity=15)
    desk.tell(queue(command, "C1", signature="sig"))
    desk.tell(queue(command, "C2", signature="sig"))
    desk.tell(queue(command, "C3", signature="signed again"))
    assert [row[1] for row in rows(desk)] == [Outcome.COMMAND, Outcome.DEAD_LETTER, Outcome.DUPLICATE]
    assert "the same signed bytes came before, as K1" in rows(desk)[1][3]
    assert len(sent(desk)) == 1


def test_a_store_with_commands_keeps_every_promise(desk: Desk) -> None:
    replace = ReplaceCommand(command_id="K1", signal_id="S1", quantity=15)
    desk.tell(queue(replace, "C1"), queue(replace, "C2"), queue(CancelCommand(order_id="oa-nothing"), "C3"))
    desk.tell(queue(CancelAllCommand(command_id="K1"), "C4"), queue(HaltCommand(), "C5"))
    assert [promise.violations for promise in verify(desk.store) if not promise.ok] == []


# ---------------------------------------------------------------- a halt before the rest of its batch


def halt(entry_id: str = "C1", *, redelivered: bool = False) -> m.CommandReceived:
    return queue(HaltCommand(command_id="K1"), entry_id, redelivered=redelivered)


@pytest.mark.parametrize("first", [True, False], ids=["before the signal", "after the signal"])
def test_no_signal_of_the_batch_of_a_halt_is_sent(desk: Desk, *, first: bool) -> None:
    batch = [halt(), queued(2, "E2")]
    desk.tell(*(batch if first else reversed(batch)))
    assert desk.sent() == [order_id(1)]
    assert (desk.order(2).status, desk.order(2).error_message) == (OrderStatus.REJECTED, HALTED)
    assert desk.gate.reasons == {HALTED}


def test_the_gate_is_closed_as_soon_as_the_batch_of_a_halt_is_looked_at(desk: Desk) -> None:
    seen: list[frozenset[str]] = []
    load = desk.cell._behavior._set.load  # type: ignore[union-attr]
    desk.cell._behavior._set.load = lambda *names: (seen.append(desk.gate.reasons), load(*names))  # type: ignore[union-attr]
    desk.tell(queued(2, "E2"), halt())
    assert seen[0] == {HALTING}


def resumed(desk: Desk) -> None:
    desk.tell(halt())
    desk.tell(m.ResumeTrading(by="ada"))
    desk.answer()
    desk.wait(1)
    assert desk.gate.is_open


@pytest.mark.parametrize("again", [halt("C1", redelivered=True), halt("C2")], ids=["redelivered", "duplicate"])
@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_halt_that_was_carried_out_before_leaves_trading_open(
    desk: Desk, again: m.CommandReceived, *, restart: bool
) -> None:
    resumed(desk)
    if restart:
        desk.kill()
        desk.open(report(client_order_id=order_id()))
    desk.tell(again, queued(2, "E2"))
    desk.wait(0)
    assert (desk.gate.is_open, desk.order(2).status) == (True, OrderStatus.PENDING)
    assert desk.sent()[-1] == order_id(2)
    assert desk.store.controls()[HALTED] == ""


def test_a_halt_that_is_a_dead_letter_leaves_trading_open(desk: Desk) -> None:
    desk.tell(queue(CancelAllCommand(command_id="K1", strategy_id="nobody"), "C1"))
    desk.tell(halt("C2"))
    assert rows(desk)[-1][1] is Outcome.DEAD_LETTER
    assert desk.gate.is_open


@pytest.mark.parametrize("times", [1, 3], ids=["handled then", "given up"])
def test_a_halt_that_fails_never_leaves_the_gate_closed_for_its_batch(desk: Desk, times: int) -> None:
    culprit = halt()
    desk.build = failing(culprit, times)
    desk.cell._fail(RuntimeError("only to be built anew"))
    desk.wait(0.2)
    desk.open(report(client_order_id=order_id()))
    desk.tell(culprit)
    desk.wait(5)
    desk.open(report(client_order_id=order_id()))
    assert desk.gate.reasons == {HALTED}
    assert len(desk.dead_letters) == (1 if times == 3 else 0)


def test_a_host_s_halt_is_over_for_its_batch_as_well(desk: Desk) -> None:
    desk.tell(m.HaltTrading(reason="a person", by="ada"), queued(2, "E2"))
    assert desk.order(2).status is OrderStatus.REJECTED
    desk.tell(m.HaltTrading(reason="less", by="ada", state=TradingState.REDUCING))
    assert desk.gate.reasons == {HALTED}

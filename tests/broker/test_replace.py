"""A replace on its way to the broker: what the session calls, and what its answers mean to the actor."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors import messages as m
from actors.broker.actor import BrokerDeadlines
from actors.broker.gate import TAKEN
from actors.broker.lanes import Lane
from actors.broker.session import NotSent
from actors.errors import BrokerError, BrokerUnclear, OrderCancelError
from tests.broker.bench import PLACE, Bench, queued
from tests.broker.fake import FakeVenue, PlainBroker, no_thread_left
from tests.broker.test_session import Rig
from tests.support.builders import AT, order_id

REPLACE = m.ReplaceAtBroker(
    order_id=order_id(), broker_order_id="B1", quantity=15, limit_price=Decimal(101), stop_price=None
)


class Replaces:
    """Makes a broker one that replaces orders, as the test says."""

    on_replace: Callable[[], Any] = staticmethod(lambda: True)

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        self.calls.append(("replace", (broker_order_id, quantity, limit_price, stop_price)))  # type: ignore[attr-defined]
        return self.on_replace()  # type: ignore[no-any-return]


class ReplacingVenue(Replaces, FakeVenue):
    pass


class ReplacingPlainBroker(Replaces, PlainBroker):
    pass


def call(broker: PlainBroker, *reasons: str, replace: m.ReplaceAtBroker = REPLACE) -> m.CallReturned:
    """Have a session perform the replace in its lane, with its gate closed for some reasons."""
    with no_thread_left():
        rig = Rig(broker)
        for reason in reasons:
            rig.gate.close(reason)
        rig.session.orders.tell(replace)
        (returned,) = rig.returned()
        assert rig.session.close(10) == []
    return returned


# ---------------------------------------------------------------- the session


def test_all_terms_are_given_to_the_broker_s_own_method() -> None:
    broker = ReplacingVenue()
    assert call(broker).value is True
    assert broker.made("replace") == [("B1", 15, Decimal(101), None)]


def test_a_replace_does_not_pass_a_closed_gate() -> None:
    broker = ReplacingVenue()
    returned = call(broker, "disconnected", "recovering")
    assert isinstance(returned.error, NotSent)
    assert str(returned.error) == "disconnected, recovering"
    assert broker.made("replace") == []


def test_a_halt_refuses_a_replace_for_certain() -> None:
    broker = ReplacingVenue()
    returned = call(broker, "halted", "recovering")
    assert isinstance(returned.error, OrderCancelError)
    assert str(returned.error) == "trading is halted"
    assert broker.made("replace") == []


def test_a_replace_that_but_shrinks_an_order_is_held_back_as_little_as_a_cancel() -> None:
    broker = ReplacingVenue()
    returned = call(broker, "halted", replace=msgspec.structs.replace(REPLACE, shrinks=True))
    assert (returned.value, broker.made("replace")) == (True, [("B1", 15, Decimal(101), None)])


def test_a_process_that_lost_the_account_does_not_even_shrink_an_order() -> None:
    broker = ReplacingVenue()
    returned = call(broker, TAKEN, replace=msgspec.structs.replace(REPLACE, shrinks=True))
    assert isinstance(returned.error, NotSent)
    assert broker.made("replace") == []


@pytest.mark.parametrize("reasons", [(), ("halted",)])
def test_a_broker_without_the_method_refuses(reasons: tuple[str, ...]) -> None:
    returned = call(FakeVenue(), *reasons)
    assert isinstance(returned.error, OrderCancelError)
    assert str(returned.error) == "this broker replaces no orders"


def test_what_the_method_raises_is_returned() -> None:
    def fails() -> bool:
        raise TimeoutError("no answer")

    broker = ReplacingVenue()
    broker.on_replace = fails  # type: ignore[method-assign, assignment]
    assert isinstance(call(broker).error, TimeoutError)


# ---------------------------------------------------------------- the actor


def test_a_replace_stands_in_the_lane_of_the_orders_behind_those_before_it() -> None:
    bench = Bench(ReplacingVenue())
    bench.tell(PLACE, REPLACE)
    assert queued(bench.session.orders) == [PLACE, REPLACE]
    assert bench.order_manager.messages == []


def test_a_broker_that_reports_has_taken_a_replace_and_tells_later_when_it_stands() -> None:
    taken = m.ReplaceTaken(order_id=order_id(), terms=REPLACE.terms, at=AT, done=False)
    assert Bench(ReplacingVenue()).returned(REPLACE, value=True) == [taken]


def test_a_broker_that_reports_nothing_has_done_the_replace_it_took() -> None:
    done = m.ReplaceTaken(order_id=order_id(), terms=REPLACE.terms, at=AT, done=True)
    assert Bench(ReplacingPlainBroker()).returned(REPLACE, value=True) == [done]


@pytest.mark.parametrize(
    ("value", "error", "reason"),
    [
        (False, None, "the broker did not take it"),
        (None, None, "the broker did not take it"),
        ("yes", None, "the broker did not take it"),
        (None, OrderCancelError("lot size"), "lot size"),
        (None, BrokerError("closed"), "closed"),
    ],
)
def test_a_refusal_for_certain_is_a_refusal(value: object, error: Exception | None, reason: str) -> None:
    refused = m.ReplaceRefused(order_id=order_id(), terms=REPLACE.terms, reason=reason, at=AT)
    assert Bench(ReplacingVenue()).returned(REPLACE, value=value, error=error) == [refused]


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError("no answer"),
        KeyError("qty"),
        ConnectionResetError(),
        BrokerUnclear("?"),
        SystemExit(1),
        NotSent("recovering"),
    ],
)
def test_any_other_error_is_unclear(error: BaseException) -> None:
    (answer,) = Bench(ReplacingVenue()).returned(REPLACE, error=error)
    assert isinstance(answer, m.ReplaceUnclear)
    assert answer.reason


def test_a_replace_over_its_deadline_is_unclear_and_its_lane_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(ReplacingVenue(), BrokerDeadlines(submit=10))
    abandoned: list[object] = []
    monkeypatch.setattr(Lane, "abandon", lambda _lane, call: abandoned.append(call))
    bench.tell(REPLACE)
    bench.begin(bench.session.orders)
    bench.wait(9)
    assert bench.order_manager.messages == []
    bench.wait(1.5)
    assert abandoned[0] == REPLACE
    answer = bench.order_manager.messages[0]
    assert answer == m.ReplaceUnclear(
        order_id=order_id(), terms=REPLACE.terms, reason="no answer within 10 s", at=answer.at
    )


@pytest.mark.parametrize(("value", "error"), [(True, None), (None, OrderCancelError("lot size"))])
def test_what_a_replace_returns_after_its_deadline_is_not_taken_for_the_answer_to_a_later_one(
    monkeypatch: pytest.MonkeyPatch, value: object, error: Exception | None
) -> None:
    bench = Bench(ReplacingPlainBroker(), BrokerDeadlines(submit=10))
    monkeypatch.setattr(Lane, "abandon", lambda lane, _call: setattr(lane, "_current", None))
    bench.tell(REPLACE)
    bench.begin(bench.session.orders)
    bench.wait(11)
    assert [type(answer) for answer in bench.order_manager.take()] == [m.ReplaceUnclear]
    later = msgspec.structs.replace(REPLACE, quantity=20)
    bench.tell(later)
    assert bench.returned(REPLACE, value, error) == []
    assert bench.returned(later, True) == [m.ReplaceTaken(order_id=order_id(), terms=later.terms, at=AT, done=True)]


def test_a_replace_queued_or_under_way_keeps_no_order_from_being_judged() -> None:
    bench = Bench(ReplacingVenue())
    bench.tell(REPLACE)
    assert bench.session.orders.outstanding() == frozenset()

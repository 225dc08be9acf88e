"""A key's holder may ask for what the keyring says, and for nothing beyond it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.errors import SignalError
from actors.messages import CommandReceived, SignalReceived
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand
from actors.signing.rights import COMMANDS, Rights
from tests.signing.parts import OTHER, Bench, a_signal, body

CANCEL = CancelCommand(order_id="oa-1", command_id="C")
REPLACE = ReplaceCommand(signal_id="S1", quantity=10, limit_price=Decimal(5), command_id="C")
ALL = CancelAllCommand(command_id="C")
HALT = HaltCommand(command_id="C")
EVERY = {"cancel": CANCEL, "replace": REPLACE, "cancel_all": ALL, "halt": HALT}


def cancel_all(**whose: str) -> CancelAllCommand:
    return CancelAllCommand(command_id="C", **whose)


@pytest.mark.parametrize(
    ("limits", "changes", "field"),
    [
        ({"strategies": ("beta",)}, {}, "strategy_id"),
        ({"strategies": ("alph",)}, {}, "strategy_id"),
        ({"strategies": ("ALPHA",)}, {}, "strategy_id"),
        ({"strategies": ("alpha?",)}, {}, "strategy_id"),
        ({"strategies": ()}, {}, "strategy_id"),
        ({"symbols": ("HK.*", "US.MSFT")}, {}, "symbol"),
        ({"symbols": ("US.?",)}, {}, "symbol"),
        ({"sides": ("sell",)}, {}, "action"),
        ({"max_notional": "1000"}, {"reference_price": Decimal("100.01")}, "quantity"),
        ({"max_notional": "1000"}, {"order_type": "limit", "limit_price": Decimal("100.000000001")}, "quantity"),
        ({"max_notional": "1000"}, {"order_type": "stop", "stop_price": Decimal(101)}, "quantity"),
        (
            {"max_notional": "1000"},
            {"order_type": "limit", "limit_price": Decimal(101), "reference_price": Decimal(1)},
            "quantity",
        ),
        ({"max_notional": "1000"}, {"order_type": "trailing_stop", "trail_amount": Decimal(1)}, "signature"),
        ({"max_notional": "1000"}, {}, "signature"),
        ({"max_notional": "0"}, {"reference_price": Decimal("0.000000001")}, "quantity"),
    ],
)
def test_a_signal_beyond_the_rights_of_its_key_is_refused(
    bench: Bench, limits: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    bench.allow(**limits)
    assert bench.refusal(bench.sign(a_signal(**changes))).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("limits", "changes"),
    [
        ({"strategies": ("beta", "al*")}, {}),
        ({"symbols": ("US.????",)}, {}),
        ({"sides": ("buy", "sell")}, {}),
        ({"max_notional": "1000"}, {"reference_price": Decimal(100)}),
        (
            {"max_notional": "1000"},
            {"order_type": "limit", "limit_price": Decimal(100), "reference_price": Decimal(999)},
        ),
        ({"max_notional": "1000"}, {"order_type": "stop", "stop_price": Decimal(100)}),
        ({"commands": ()}, {}),
    ],
)
def test_a_signal_within_the_rights_of_its_key_is_taken(
    bench: Bench, limits: dict[str, Any], changes: dict[str, Any]
) -> None:
    bench.allow(**limits)
    assert isinstance(bench.taken(bench.sign(a_signal(**changes))), SignalReceived)


def test_the_greatest_notional_is_exact_at_the_end_of_the_range() -> None:
    rights = Rights(max_notional=Decimal("999999999999999998.999999999"))
    huge = a_signal(order_type="limit", quantity=10**9, limit_price=Decimal("999999999.999999999"))
    with pytest.raises(SignalError):
        rights.check_signal(huge)
    Rights(max_notional=Decimal("999999999999999999.000000000")).check_signal(huge)


# ------------------------------------------------------------ commands


@pytest.mark.parametrize("name", COMMANDS)
def test_a_key_without_limits_may_use_every_command(bench: Bench, name: str) -> None:
    assert isinstance(bench.taken(bench.sign(EVERY[name])), CommandReceived)


@pytest.mark.parametrize("allowed", COMMANDS)
def test_a_key_with_a_list_of_commands_may_use_those_alone(bench: Bench, allowed: str) -> None:
    bench.allow(commands=(allowed,))
    for name, command in EVERY.items():
        if name == allowed:
            assert isinstance(bench.taken(bench.sign(command)), CommandReceived)
        else:
            assert bench.refusal(bench.sign(command)) == f"type: the key has no right to {name}"


@pytest.mark.parametrize("limits", [{"strategies": ("alpha",)}, {"symbols": ("US.*",)}, {"sides": ("buy",)}])
def test_a_limited_key_may_not_name_orders_whose_strategy_nobody_knows_unless_it_says_so(
    bench: Bench, limits: dict[str, Any]
) -> None:
    bench.allow(**limits)
    for name in ("cancel", "replace"):
        assert bench.refusal(bench.sign(EVERY[name])) == f"type: the key has no right to {name}"
    assert isinstance(bench.taken(bench.sign(HALT)), CommandReceived)
    bench.allow(**limits, commands=("cancel", "replace"))
    for name in ("cancel", "replace"):
        assert isinstance(bench.taken(bench.sign(EVERY[name])), CommandReceived)


@pytest.mark.parametrize(
    ("limits", "command", "field"),
    [
        ({"strategies": ("alpha",)}, ALL, "strategy_id"),
        ({"strategies": ("alpha",)}, cancel_all(strategy_id="beta"), "strategy_id"),
        ({"strategies": ("alpha",)}, cancel_all(symbol="US.AAPL"), "strategy_id"),
        ({"symbols": ("US.*",)}, ALL, "symbol"),
        ({"symbols": ("US.*",)}, cancel_all(symbol="HK.00700"), "symbol"),
        ({"strategies": ("a*",), "symbols": ("US.*",)}, cancel_all(strategy_id="alpha"), "symbol"),
    ],
)
def test_a_limited_key_cancels_within_its_limits_alone(
    bench: Bench, limits: dict[str, Any], command: Command, field: str
) -> None:
    bench.allow(**limits)
    assert bench.refusal(bench.sign(command)).startswith(f"{field}: ")


def test_a_limited_key_cancels_what_is_its_own(bench: Bench) -> None:
    bench.allow(strategies=("a*",), symbols=("US.*",))
    command = cancel_all(strategy_id="alpha", symbol="US.AAPL")
    assert isinstance(bench.taken(bench.sign(command)), CommandReceived)


def test_new_terms_keep_to_the_greatest_notional_too(bench: Bench) -> None:
    bench.allow(max_notional="50")
    assert isinstance(bench.taken(bench.sign(REPLACE)), CommandReceived)
    dear = ReplaceCommand(order_id="oa-1", quantity=11, stop_price=Decimal(5), command_id="C")
    assert bench.refusal(bench.sign(dear)).startswith("quantity: 11 at 5 is more")
    unclear = ReplaceCommand(order_id="oa-1", quantity=1, command_id="C")
    assert "not given" in bench.refusal(bench.sign(unclear))


# ------------------------------------------------------------ validity


def test_a_key_holds_from_its_first_moment_to_its_last(bench: Bench) -> None:
    bench.allow(not_before="2026-11-23T14:31:00Z", not_after="2026-11-23T14:32:00Z")
    start = datetime(2026, 11, 23, 14, 31, tzinfo=UTC)
    for seconds, said in ((-0.001, "not valid before"), (0, ""), (60, ""), (60.001, "not valid after")):
        bench.clock.seconds += (start - bench.clock.now()).total_seconds() + seconds
        payload = bench.sign(body())
        if said:
            assert said in bench.refusal(payload)
        else:
            assert isinstance(bench.taken(payload), SignalReceived)


def test_what_was_signed_in_time_is_taken_after_its_key_ended(bench: Bench) -> None:
    bench.allow(not_after="2026-11-23T14:31:00Z")
    payload, pushed_at = bench.sign(body()), bench.clock.now()
    bench.clock.seconds += 600
    assert isinstance(bench.taken(payload, pushed_at=pushed_at), SignalReceived)


def test_each_key_has_rights_of_its_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.allow(strategies=("alpha",))
    bench.put(OTHER, strategies=("beta",))
    bench.clock.seconds += 1
    assert isinstance(bench.taken(bench.sign(body())), SignalReceived)
    assert bench.refusal(bench.sign(body(), OTHER)).startswith("strategy_id: ")
    assert isinstance(bench.taken(bench.sign(body(strategy_id="beta"), OTHER)), SignalReceived)

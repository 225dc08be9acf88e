"""Signals of every kind, and commands, as hypothesis draws them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import strategies as st

from actors.model import Signal
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand
from actors.model.terms import LIMITED, ORDER_TYPES, SIDES, TIMES_IN_FORCE, TRAILING, TRIGGERED

HONG_KONG = timezone(timedelta(hours=8))

ids = st.from_regex(re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII), fullmatch=True)
our_ids = ids.filter(lambda text: text != "EXTERNAL")
symbols = st.sampled_from(["US.AAPL", "HK.00700", "BRK/B"])
prices = st.decimals("0.000000001", "999999999.999999999", places=9)
quantities = st.integers(1, 10**9)
reasons = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=50)
moments = st.datetimes(
    datetime.fromisoformat("2000-01-02T00:00:00"),
    datetime.fromisoformat("2100-01-01T00:00:00"),
    timezones=st.sampled_from([UTC, HONG_KONG]),
)


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    """Draw a signal: any kind with the prices it needs, any time in force, with or without a bracket and a group."""
    kind, side, force = (draw(st.sampled_from(choices)) for choices in (ORDER_TYPES, SIDES, TIMES_IN_FORCE))
    low, middle, high = sorted(draw(st.lists(prices, min_size=3, max_size=3, unique=True)))
    loss, profit = (low, high) if side == "buy" else (high, low)
    amount = draw(st.booleans())
    trails = kind in TRAILING
    return Signal(
        strategy_id=draw(our_ids),
        symbol=draw(symbols),
        action=side,
        quantity=draw(quantities),
        order_type=kind,
        limit_price=middle if kind in LIMITED else None,
        reason=draw(reasons),
        timestamp=draw(moments),
        signal_id=draw(ids),
        account_id=draw(st.none() | ids),
        time_in_force=force,
        stop_price=draw(prices) if kind in TRIGGERED else None,
        reference_price=draw(st.none() | prices),
        expires_at=draw(moments if force == "gtd" else st.none() | moments),
        trail_amount=draw(prices) if trails and amount else None,
        trail_percent=draw(st.decimals("0.01", "99.99", places=2)) if trails and not amount else None,
        take_profit=draw(st.sampled_from([None, profit])),
        stop_loss=draw(st.sampled_from([None, loss])),
        oco_group=draw(st.none() | ids),
    )


@st.composite
def commands(draw: st.DrawFn) -> Command:
    """Draw a command of any kind."""
    common = {"command_id": draw(st.none() | ids), "account_id": draw(st.none() | ids), "reason": draw(reasons)}
    one_order = {draw(st.sampled_from(["order_id", "signal_id"])): draw(ids)}
    terms = draw(
        st.fixed_dictionaries({}, optional={"quantity": quantities, "limit_price": prices, "stop_price": prices})
    )
    some = {"strategy_id": draw(st.none() | our_ids), "symbol": draw(st.none() | symbols)}
    return draw(
        st.sampled_from(
            [
                CancelCommand(**common, **one_order),
                CancelAllCommand(**common, **some),
                ReplaceCommand(**common, **one_order, **(terms or {"quantity": 1, "limit_price": Decimal("1E-9")})),
                HaltCommand(**common, keep_orders=draw(st.booleans())),
            ]
        )
    )

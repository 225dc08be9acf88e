"""The last question before an order goes to the broker: do our own limits allow it?"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from actors.broker.base import Quote
from actors.model import BookedFill, Order
from actors.model.control import TradingState
from actors.model.status import FINAL
from actors.portfolio.ledger import pages
from actors.risk.denial import Denial
from actors.risk.history import RiskHistory
from actors.risk.picture import Picture
from actors.risk.rules.base import Proposal, Rule, Scope
from actors.risk.rules.registry import RULES
from actors.risk.tallies import LineKey, leaves_of
from actors.settings.risk import RiskSettings

HALTED: Final = Denial("halted", "halted: trading is halted; resume it first")


class RiskEngine:
    """Keeps what the limits count, change by change, and judges orders by it. One thread's; not to be shared.

    Its state follows from durable facts: an engine built anew from the store answers the same, once it was told the
    latest prices, which nobody keeps. With nothing configured it keeps positions and live orders alone, for the
    trading state REDUCING.

    Args:
        settings: The limits.
        history: The store.
        now: The time (UTC).
    """

    def __init__(self, settings: RiskSettings, history: RiskHistory, now: datetime) -> None:
        self._settings = settings
        self._now = now
        self._positions = _positions(history)
        self._live = {order.order_id: order for order in history.live_orders()}
        self._picture: Picture | None = None
        if not settings.is_off:
            self._picture = self._drawn(history)
        self._rules: dict[tuple[str, bool, bool], tuple[Rule, ...]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nothing is configured, so that only the trading state is asked about."""
        return self._settings.is_off

    def begin(self, now: datetime) -> str | None:
        """Begin a batch; called before anything of it is told.

        Returns:
            The text to keep under the control ``DAY_CONTROL`` in the batch's transaction, None when there is nothing
            new to keep (nearly always).
        """
        picture = self._picture
        return None if picture is None or picture.profit is None else picture.profit.begin(now)

    def changed(self, before: Order | None, after: Order) -> None:
        """Take a change of any order of the account, those placed elsewhere too, in the order of the changes.

        Args:
            before: The order as it was told last; None for a new one.
            after: The order now.
        """
        if self._picture is not None:
            self._picture.changed(before, after)
        elif after.status in FINAL:
            self._live.pop(after.order_id, None)
        else:
            self._live[after.order_id] = after

    def booked(self, fill: BookedFill) -> None:
        """Take a fill that is added to the ledger, or the reversal of one."""
        if self._picture is not None:
            self._picture.booked(fill)
            return
        key = fill.strategy_id, fill.symbol
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        self._positions[key] = self._positions.get(key, 0) + signed

    def marked(self, quotes: Sequence[Quote]) -> None:
        """Take the latest prices."""
        if self._picture is not None:
            self._picture.marked(quotes)

    def check(self, order: Order, now: datetime, state: TradingState) -> Denial | None:
        """Return why an unsent order may not be sent now; None if it may.

        Args:
            order: The order. Whether or not it was told before, it does not count against itself.
            now: The time (UTC).
            state: Whether trading goes on.
        """
        if self._picture is None and state is TradingState.ACTIVE:
            return None
        return self._judge(order, order.quantity, order.limit_price, order.stop_price, now, state, replaces=False)

    def check_replace(
        self,
        order: Order,
        quantity: int,
        limit_price: Decimal | None,
        stop_price: Decimal | None,
        now: datetime,
        state: TradingState,
    ) -> Denial | None:
        """Return why a working order may not get new terms now; None if it may.

        Until the broker has answered it may trade at the old terms or the new, so the worse of them counts.

        Args:
            order: The order, with the terms it has.
            quantity: The new total, what is filled included.
            limit_price: The new limit; None for a kind without one.
            stop_price: The new trigger; None for a kind without one.
            now: The time (UTC).
            state: Whether trading goes on.
        """
        if self._picture is None and state is TradingState.ACTIVE:
            return None
        return self._judge(order, quantity, limit_price, stop_price, now, state, replaces=True)

    def _judge(
        self,
        order: Order,
        quantity: int,
        limit_price: Decimal | None,
        stop_price: Decimal | None,
        now: datetime,
        state: TradingState,
        *,
        replaces: bool,
    ) -> Denial | None:
        if state is TradingState.HALTED:
            return HALTED
        picture = self._awake()
        leaves = max(quantity - order.filled_qty, 0)
        stake = picture.tallies.stake(order, max(leaves, leaves_of(order)) if replaces else leaves, replaces=replaces)
        line = picture.tallies.line(order.strategy_id, order.symbol)
        held = -line.position if order.side == "buy" else line.position
        shrinks = 0 < line.leaves(order.side) - stake.counted + stake.growth <= held
        proposal = Proposal(
            order=order,
            now=now,
            state=state,
            quantity=quantity,
            limit_price=limit_price,
            stop_price=stop_price,
            replaces=replaces,
            stake=stake,
            shrinks=shrinks,
        )
        for rule in self._rules_for(order.strategy_id, replaces=replaces, is_exit=shrinks and order.leg is not None):
            text = rule.refusal(proposal)
            if text is not None:
                return Denial(rule.code, f"{rule.code}: {text}")
        return None

    def _awake(self) -> Picture:
        """Return the picture; with nothing configured it is made when the state is first asked about."""
        if self._picture is None:
            self._picture = self._drawn(None)
        return self._picture

    def _drawn(self, history: RiskHistory | None) -> Picture:
        """Make the picture of what was kept, which it takes over."""
        picture = Picture(self._settings, self._positions, tuple(self._live.values()), history, self._now)
        self._positions, self._live = {}, {}
        return picture

    def _rules_for(self, strategy_id: str, *, replaces: bool, is_exit: bool) -> tuple[Rule, ...]:
        key = strategy_id, replaces, is_exit
        rules = self._rules.get(key)
        if rules is None:
            rules = self._rules[key] = tuple(self._made(strategy_id, replaces=replaces, is_exit=is_exit))
        return rules

    def _made(self, strategy_id: str, *, replaces: bool, is_exit: bool) -> list[Rule]:
        settings, picture = self._settings, self._awake()
        scopes = (
            Scope(strategy_id, settings.limits_of(strategy_id), settings, picture),
            Scope(None, settings.account, settings, picture),
        )
        kinds = [
            kind
            for kind in RULES.values()
            if (kind.asked_at_replace or not replaces) and (kind.asked_of_exits or not is_exit)
        ]
        made = (kind.make(scope) for kind in kinds for scope in scopes)
        return [rule for rule in made if rule is not None]


def _positions(history: RiskHistory) -> dict[LineKey, int]:
    rows, upto = history.position_rows()
    positions = {(row.strategy_id, row.symbol): row.quantity for row in rows}
    for fills in pages(history, after=upto):
        for fill in fills:
            key = fill.strategy_id, fill.symbol
            positions[key] = positions.get(key, 0) + (fill.quantity if fill.side == "buy" else -fill.quantity)
    return positions

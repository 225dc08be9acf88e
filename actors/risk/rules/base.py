"""What a rule is asked, and what it is."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Protocol, Self

import msgspec

from actors.model import Order
from actors.model.control import TradingState
from actors.risk.exposure import highest, own_price
from actors.risk.picture import Picture
from actors.risk.tallies import ScopeId, Stake
from actors.settings.risk import AccountLimits, RiskSettings, StrategyLimits


class Proposal(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An order about to be sent, or new terms about to be asked for.

    Attributes:
        order: The order as it stands.
        now: The time (UTC).
        state: Whether trading goes on.
        quantity: The total asked for.
        limit_price: The limit asked for.
        stop_price: The trigger asked for.
        replaces: Whether the order works already.
        stake: What it adds to the live orders of its side; at a replace the worse of old and new terms.
        shrinks: Whether it, and the live orders of its side with it, can but shrink the strategy's position.
    """

    order: Order
    now: datetime
    state: TradingState
    quantity: int
    limit_price: Decimal | None
    stop_price: Decimal | None
    replaces: bool
    stake: Stake
    shrinks: bool

    @property
    def own_price(self) -> Decimal | None:
        """The highest price the order says itself, by old and new terms; None for none."""
        price = self.limit_price if self.limit_price is not None else self.stop_price
        return highest(price, own_price(self.order)) if self.replaces or price is None else price

    @property
    def new_prices(self) -> tuple[tuple[str, Decimal], ...]:
        """The prices asked for, by field; at a replace those that change."""
        order, limit, stop = self.order, self.limit_price, self.stop_price
        found: tuple[tuple[str, Decimal], ...] = ()
        if limit is not None and not (self.replaces and limit == order.limit_price):
            found = (("limit_price", limit),)
        if stop is not None and not (self.replaces and stop == order.stop_price):
            found = (*found, ("stop_price", stop))
        return found


class Scope(msgspec.Struct, frozen=True):
    """For whom a rule is made.

    Attributes:
        strategy_id: The strategy; None is the account.
        limits: Its limits.
        settings: What is configured beside limits.
        picture: What the rule looks at.
    """

    strategy_id: ScopeId
    limits: AccountLimits | StrategyLimits
    settings: RiskSettings
    picture: Picture


class Rule(Protocol):
    """One check.

    Attributes:
        code: Its name, that of its setting.
        asked_at_replace: Whether new terms of a working order are asked too.
        asked_of_exits: Whether a bracket's exit is asked too, while it can but shrink the position.
    """

    code: ClassVar[str]
    asked_at_replace: ClassVar[bool]
    asked_of_exits: ClassVar[bool]

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Return the rule for a scope; None where it is off, or is not for such a scope."""
        ...

    def refusal(self, proposal: Proposal) -> str | None:
        """Return in one line what stands against the order, None if nothing does."""
        ...

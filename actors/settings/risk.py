"""What an order must pass before it is sent. Everything is off unless it is set."""

from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec
from typing_extensions import override

from actors.settings.rules import FieldError, Number, Section, Text

Shares: TypeAlias = Annotated[int, Number("a number of shares", 0, 10**12)]
Amount: TypeAlias = Annotated[Decimal, Number("an amount", 0, 10**15)]
Loss: TypeAlias = Annotated[Decimal, Number("an amount", 0, 10**15, above=True)]
Fraction: TypeAlias = Annotated[Decimal, Number("a fraction such as 0.05", 0, 1, above=True)]
Count: TypeAlias = Annotated[int, Number("a whole number", 0, 1_000_000)]
Lot: TypeAlias = Annotated[int, Number("a number of shares", 1, 1_000_000_000)]
Tick: TypeAlias = Annotated[Decimal, Number("a price step", 0, 1_000_000, above=True)]
Age: TypeAlias = Annotated[float, Number("a number of seconds", 0, 86_400, above=True)]
DayStart: TypeAlias = Annotated[str, Text('a time of day such as "00:00"', r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")]
SymbolPattern: TypeAlias = Annotated[
    str,
    Text("a symbol or a pattern such as US.* (1 to 64 of A-Z a-z 0-9 . _ : / - * ? [ ] !)", r"[\w.:/*?\[\]!-]{1,64}"),
]
StrategyName: TypeAlias = Annotated[
    str, Text("a strategy's id (1 to 64 of A-Z a-z 0-9 . _ : -)", r"[A-Za-z0-9][\w.:-]{0,63}")
]


class Limits(Section, frozen=True, kw_only=True):
    """What bounds one order, and the orders of a scope together; None is no limit.

    Attributes:
        max_quantity: Shares of one order.
        max_notional: Value of one order.
        price_collar: How far an order's price may be from the market, as a fraction of it.
        max_exposure: Sum over symbols of the worst-case position's value.
        max_open_orders: Live orders at a time; UNKNOWN ones count.
        max_orders_per_minute: Orders sent within any 60 seconds.
        max_daily_loss: The loss since the day began at which nothing but exits is sent.
    """

    max_quantity: Shares | None = None
    max_notional: Amount | None = None
    price_collar: Fraction | None = None
    max_exposure: Amount | None = None
    max_open_orders: Count | None = None
    max_orders_per_minute: Count | None = None
    max_daily_loss: Loss | None = None

    @property
    def is_off(self) -> bool:
        """Whether nothing is limited."""
        return all(getattr(self, name) is None for name in self.__struct_fields__)


class AccountLimits(Limits, frozen=True, kw_only=True):
    """Limits over all strategies and the orders placed elsewhere.

    Attributes:
        max_account_position: Worst-case shares of a symbol, long or short.
    """

    max_account_position: Shares | None = None


class StrategyLimits(Limits, frozen=True, kw_only=True):
    """Limits of each strategy by itself.

    Attributes:
        max_position: Worst-case shares of a symbol, long or short.
        duplicate_window: Seconds within which the same order is not sent twice.
    """

    max_position: Shares | None = None
    duplicate_window: Age | None = None

    def over(self, others: "StrategyLimits") -> "StrategyLimits":
        """Return these limits, with those of ``others`` where there is none."""
        own = {name: getattr(self, name) for name in self.__struct_fields__}
        return StrategyLimits(**{name: getattr(others, name) if own[name] is None else own[name] for name in own})


class InstrumentSettings(Section, frozen=True, kw_only=True):
    """How an instrument trades; None is not checked.

    Attributes:
        lot: Quantities are multiples of it.
        tick: Prices are multiples of it.
    """

    lot: Lot | None = None
    tick: Tick | None = None

    @override
    def check(self) -> None:
        """Say something of the instrument."""
        if self.lot is None and self.tick is None:
            raise FieldError("lot", "missing; give lot, tick or both")


class RiskSettings(Section, frozen=True, kw_only=True):
    """Pre-trade checks.

    Attributes:
        account: Limits of the account as a whole.
        strategy: Limits of every strategy.
        strategies: Limits of single strategies, by strategy id, each key in place of the one in ``strategy``.
        allow: Symbols that may be traded (shell patterns); none is all.
        deny: Symbols that may not, though ``allow`` names them.
        instruments: Lot and tick by symbol (shell patterns); the first pattern that fits counts.
        prevent_self_match: Whether orders that would trade against another one of ours are denied.
        quote_max_age: Seconds after which a quote is too old to hold prices against.
        day_start: When the day of ``max_daily_loss`` begins (UTC).
    """

    account: AccountLimits = AccountLimits()
    strategy: StrategyLimits = StrategyLimits()
    strategies: dict[StrategyName, StrategyLimits] = msgspec.field(default_factory=dict)
    allow: tuple[SymbolPattern, ...] = ()
    deny: tuple[SymbolPattern, ...] = ()
    instruments: dict[SymbolPattern, InstrumentSettings] = msgspec.field(default_factory=dict)
    prevent_self_match: bool = False
    quote_max_age: Age = 10.0
    day_start: DayStart = "00:00"

    @property
    def is_off(self) -> bool:
        """Whether nothing is checked."""
        named = self.allow or self.deny or self.instruments or self.prevent_self_match
        limits = (self.account, self.strategy, *self.strategies.values())
        return not named and all(limit.is_off for limit in limits)

    def uses(self, *names: str) -> bool:
        """Return whether any of these limits is set, for the account or any strategy."""
        scopes = (self.account, self.strategy, *self.strategies.values())
        return any(getattr(limits, name, None) is not None for limits in scopes for name in names)

    def limits_of(self, strategy_id: str) -> StrategyLimits:
        """Return the limits of one strategy."""
        own = self.strategies.get(strategy_id)
        return self.strategy if own is None else own.over(self.strategy)

"""Larger faults at moments that are drawn from a seed: what happens to a gateway as a whole, and at the exchange."""

from collections.abc import Callable
from random import Random
from typing import Protocol

from actors.runtime.clock import Clock
from actors.testing.opend.exchange import Exchange
from actors.testing.opend.instruments import of_symbol
from actors.testing.opend.orders import Terms
from actors.testing.opend.protocol import DealStatus, OrderType, Proto, TrdMarket, TrdSide
from actors.testing.opend.script import Script, Treatment


class Plant(Protocol):
    """The running gateway, as far as faults take hold of it."""

    def hang(self, *, hanging: bool) -> None:
        """Stand still with all connections open, or go on."""
        ...

    def cut(self) -> None:
        """End every connection."""
        ...

    def restart(self, seconds: float) -> None:
        """End every connection, listen again after some seconds, and forget what a new process would not know."""
        ...

    def log_in_or_out(self, *, logged_in: bool) -> None:
        """Lose the connection to Futu's own servers, or get it back."""
        ...

    def freeze_memory(self, acc_id: int, *, frozen: bool) -> None:
        """Let no news of an account reach what is remembered of it, or let it."""
        ...

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after some seconds."""
        ...


class Upsets:
    """One upset after the other, until it is stopped.

    Args:
        random: What they are drawn from.
        every: Seconds from one to the next, on average.
        plant: The running gateway.
        script: The gateway's faults.
        exchange: The exchange behind it.
        clock: The time.
    """

    def __init__(
        self, random: Random, every: float, plant: Plant, script: Script, exchange: Exchange, clock: Clock
    ) -> None:
        self._random = random
        self._every = every
        self._plant = plant
        self._script = script
        self._exchange = exchange
        self._clock = clock
        self._stopped = False
        self._kinds: dict[str, Callable[[], None]] = {
            "cut": plant.cut,
            "cut_push": lambda: script.push_faults.append("cut"),
            "shuffle": self._shuffle,
            "hang": self._hang,
            "restart": lambda: plant.restart(random.uniform(0, _MOMENT)),
            "refused login": self._refuse_login,
            "log out": self._log_out,
            "old memory": self._freeze,
            "bust": self._bust,
            "manual order": self._manual_order,
        }

    def start(self) -> None:
        """Let the first happen after a while."""
        self._plant.later(self._random.expovariate(1 / self._every), self._go_on)

    def stop(self) -> None:
        """Let no more happen; what has begun ends by itself."""
        self._stopped = True

    def happen(self) -> str:
        """Let one happen and return which it was."""
        kind = self._random.choice(list(self._kinds))
        self._kinds[kind]()
        return kind

    def _go_on(self) -> None:
        if not self._stopped:
            self.happen()
            self.start()

    def _shuffle(self) -> None:
        self._script.hold = self._random.randint(2, 6)

    def _hang(self) -> None:
        self._plant.hang(hanging=True)
        self._plant.later(self._random.uniform(0, 2 * _MOMENT), lambda: self._plant.hang(hanging=False))

    def _refuse_login(self) -> None:
        self._script.order(Proto.INIT_CONNECT, Treatment(refusal="please log in first"))
        self._plant.cut()

    def _log_out(self) -> None:
        self._plant.log_in_or_out(logged_in=False)
        self._plant.later(self._random.uniform(0, _MOMENT), lambda: self._plant.log_in_or_out(logged_in=True))

    def _freeze(self) -> None:
        acc_id = self._random.choice(list(self._exchange.accounts))
        self._plant.freeze_memory(acc_id, frozen=True)
        self._plant.later(_MOMENT, lambda: self._plant.freeze_memory(acc_id, frozen=False))

    def _bust(self) -> None:
        standing = [
            deal
            for acc_id in self._exchange.accounts
            for deal in self._exchange.deals(acc_id)
            if deal.status is not DealStatus.CANCELLED
        ]
        if standing:
            deal = self._random.choice(standing[-_RECENT:])
            quantity = self._random.choice((0, deal.quantity))
            spread = of_symbol(deal.symbol).spread(deal.price)
            self._exchange.revise(deal, self._clock.now(), quantity, deal.price + spread)

    def _manual_order(self) -> None:
        account = self._random.choice(list(self._exchange.accounts.values()))
        symbol = _BY_HAND[self._random.choice(account.markets)]
        quantity = of_symbol(symbol).lot_size
        terms = Terms(symbol=symbol, side=TrdSide.BUY, order_type=OrderType.MARKET, quantity=quantity)
        self._exchange.place(account.acc_id, terms, self._clock.now())


_BY_HAND = {TrdMarket.HK: "HK.00700", TrdMarket.US: "US.AAPL"}
_MOMENT = 5.0
"""Seconds that most of what lasts a while lasts at most."""

_RECENT = 20

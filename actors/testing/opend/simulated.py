"""SimulatedOpenD: all of it together, in a thread of this process."""

from collections.abc import Callable, Collection
from hashlib import md5
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self, TypeVar

from actors.broker.paper.prices import PriceSource, RandomWalk
from actors.errors import StoreError
from actors.runtime.clock import Clock, SystemClock, system_random
from actors.testing.opend.accounts import DEFAULT_ACCOUNTS, Account
from actors.testing.opend.books import Books
from actors.testing.opend.desk import Desk
from actors.testing.opend.exchange import Exchange, Rules
from actors.testing.opend.faults import Faults
from actors.testing.opend.gateway import Gateway
from actors.testing.opend.limits import FrequencyLimits
from actors.testing.opend.memory import Memory
from actors.testing.opend.reading import Reading
from actors.testing.opend.script import Script
from actors.testing.opend.securities import Securities
from actors.testing.opend.trading import Trading
from actors.testing.opend.upsets import Upsets
from actors.testing.opend.worker import Worker

T = TypeVar("T")


class SimulatedOpenD:
    """An OpenD to which the unmodified SDK connects, with an exchange behind it.

    Use it as a context manager, or call ``start`` and ``close``.

    Args:
        port: Where it listens; 0 takes a free port.
        data_dir: Where the exchange's books are kept; None keeps them in memory.
        accounts: Who may trade.
        faults: Orders faults as it starts; later ones are ordered of the attribute of this name.
        prices: What orders trade at; None is a random walk from ``seed``.
        rules: How they trade.
        seed: Makes prices and parts of fills repeatable.
        password: The trade password; None lets any unlock trading with real money.
        unlocked: Whether trading with real money begins unlocked.
        limits: Whether requests that come too often are refused.
        silence: Seconds after which a client that sends nothing is cut off; beats are asked for three times as often.
        host: The address it listens at; whoever reaches one that is not loopback can trade on its accounts.
        clock: The time.

    Attributes:
        accounts: Who may trade.
        exchange: The exchange behind it, for what tests look at and do behind the client's back.
        faults: Orders faults.
        host: The address it listens at.

    Raises:
        StoreLocked: Another one has the books open.
        StoreError: The books cannot be opened or read, or hold an account that is not there.
    """

    def __init__(  # noqa: PLR0913 - each is one choice
        self,
        port: int = 0,
        data_dir: Path | None = None,
        accounts: Collection[Account] = DEFAULT_ACCOUNTS,
        faults: Callable[[Faults], None] | None = None,
        *,
        prices: PriceSource | None = None,
        rules: Rules | None = None,
        seed: int | None = None,
        password: str | None = None,
        unlocked: bool = False,
        limits: bool = True,
        silence: float = 30.0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
    ) -> None:
        clock = SystemClock() if clock is None else clock
        drawn = system_random().getrandbits(32) if seed is None else seed
        random = Random(drawn)
        script = Script()
        frequency = FrequencyLimits(on=limits)
        self.accounts = tuple(accounts)
        self.host = host
        self._books = Books(data_dir)
        priced = RandomWalk(seed=drawn) if prices is None else prices
        try:
            exchange = Exchange(self.accounts, priced, Rules() if rules is None else rules, random, self._books)
        except StoreError:
            self._books.close()
            raise
        memory = Memory(exchange)
        password_md5 = None if password is None else md5(password.encode(), usedforsecurity=False).hexdigest()
        trading = Trading(exchange, frequency, script, clock, password_md5, unlocked=unlocked)
        reading = Reading(exchange, memory, frequency, clock)
        gateway = Gateway(
            exchange,
            trading,
            reading,
            Securities(priced, clock),
            memory,
            script,
            clock,
            system_random(),
            keep_alive=max(int(silence / 3), 1),
        )
        self._worker = Worker(gateway, exchange, memory, script, clock, (host, port), silence)
        self.exchange = Desk(exchange, clock, self._act)
        self.faults = Faults(
            script,
            self._worker,
            lambda random, every: Upsets(random, every, self._worker, script, exchange, clock),
        )
        if faults is not None:
            faults(self.faults)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return self._worker.port

    def subscriptions(self) -> list[frozenset[int]]:
        """Return the accounts that each connection hears of; SubAccPush is answered after the SDK says it is ready."""
        return self._worker.call(self._worker.subscriptions)

    def start(self) -> Self:
        """Listen, and answer from now on.

        Raises:
            OSError: The address is taken.
        """
        try:
            self._worker.start()
        except OSError:
            self._books.close()
            raise
        return self

    def close(self) -> None:
        """End every connection and close the books."""
        self._worker.stop()
        self._books.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _act(self, action: Callable[[], T]) -> T:
        def act() -> T:
            result = action()
            self._worker.advance()
            return result

        return self._worker.call(act)

"""What may go wrong in a simulated run: each seed draws its own rates, some of them zero (swarm testing)."""

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from actors.model import OrderStatus

RATES: Final[dict[str, tuple[float, ...]]] = {
    # in the actors: a step of a behavior raises
    "build": (0.0, 0.1, 0.2),
    "prepare": (0.0, 0.002, 0.01),
    "receive": (0.0, 0.002, 0.005),
    "receive, its work half done": (0.0, 0.002, 0.005),
    "poison": (0.0, 0.0, 0.001, 0.003),
    "commit": (0.0, 0.002, 0.01),
    "commit, store away": (0.0, 0.002, 0.01),
    "commit, written all the same": (0.0, 0.002, 0.005),
    "restart in recovery": (0.0, 0.0, 0.1, 0.4),
    "disk full": (0.0, 0.0, 0.01, 0.1),
    # in the process
    "crash": (0.0, 0.0005, 0.002, 0.005),
    "power cut before a commit": (0.0, 0.0, 0.002, 0.005),
    "power cut after a commit": (0.0, 0.0, 0.002, 0.005),
    "power cut in a submit": (0.0, 0.0, 0.02, 0.05),
    # at the broker
    "refused": (0.0, 0.05, 0.2),
    "cancel refused": (0.0, 0.0, 0.1, 0.3),
    "cancel dropped": (0.0, 0.0, 0.0, 0.1),
    "replace refused": (0.0, 0.1, 0.3),
    "replace dropped": (0.0, 0.0, 0.1, 0.3),
    "overfill": (0.0, 0.0, 0.0, 0.4),
    "effect late": (0.0, 0.0, 0.1, 0.3),
    "request lost": (0.0, 0.02, 0.1),
    "request late": (0.0, 0.05, 0.2),
    "reply lost": (0.0, 0.05, 0.2),
    "reply late": (0.0, 0.05, 0.2),
    "push lost": (0.0, 0.1, 0.5),
    "push doubled": (0.0, 0.1, 0.5),
    "push reordered": (0.0, 0.3, 1.0),
    "fill pushed late": (0.0, 0.0, 0.05, 0.3),
    "query failed": (0.0, 0.1, 0.3),
    "query stale": (0.0, 0.0, 0.1, 0.5),
    "connect failed": (0.0, 0.2, 0.5),
    "cut off": (0.0, 0.0, 0.02, 0.1),
    "stranger": (0.0, 0.0, 0.02),
    # on the machine
    "clock jump": (0.0, 0.0, 0.02, 0.1),
    "account taken": (0.0, 0.0, 0.02),
    # in the queue and the sink
    "source away": (0.0, 0.02, 0.1),
    "removal unanswered": (0.0, 0.05, 0.2),
    "sink away": (0.0, 0.05, 0.3),
    "publication unanswered": (0.0, 0.05, 0.3),
}

DEEDS: Final[dict[str, tuple[float, ...]]] = {
    # by people, each half second
    "cancel": (0.0, 0.05, 0.3),
    "cancel all": (0.0, 0.0, 0.02, 0.05),
    "replace": (0.1, 0.5, 1.0),
    "halt": (0.0, 0.0, 0.01, 0.05),
    "halt, orders kept": (0.0, 0.0, 0.01, 0.05),
    "command": (0.1, 0.5),
    "command repeated": (0.0, 0.2, 0.6),
    "resume": (0.0, 0.1, 0.3),
    "resume, and halt": (0.0, 0.0, 0.1, 0.6),
}
"""What nothing is wrong with, yet it may come at the worst moment; done in calm weather, too."""

DENSE: Final[dict[str, float]] = {
    "poison": 0.01,
    "crash": 0.0002,
    "power cut before a commit": 0.0004,
    "power cut after a commit": 0.0004,
    "power cut in a submit": 0.03,
    "cancel refused": 0.3,
    "cancel dropped": 0.2,
    "replace dropped": 0.3,
    "effect late": 0.3,
    "reply late": 0.4,
    "fill pushed late": 0.2,
    "cut off": 0.05,
    "account taken": 0.01,
    "cancel": 0.1,
    "cancel all": 0.005,
    "halt": 0.01,
    "halt, orders kept": 0.005,
    "resume": 0.5,
    "resume, and halt": 0.0,
}
"""In a dense world: more of what needs a rare occasion, less of what leaves none for the rest."""

OFTEN: Final[dict[str, float]] = {
    "crash": 0.003,
    "power cut before a commit": 0.004,
    "power cut after a commit": 0.004,
    "power cut in a submit": 0.2,
    "refused": 0.5,
    "cancel dropped": 0.5,
    "replace refused": 0.8,
    "replace dropped": 0.6,
    "request lost": 0.4,
    "request late": 0.4,
    "stranger": 0.1,
}
"""In a dense world that is about this: more than swarms have, where the occasions are few."""

ENDS_THE_PROCESS: Final = frozenset(
    {"crash", "power cut before a commit", "power cut after a commit", "power cut in a submit"}
)

LATELY: Final = 20.0
"""Virtual seconds for which a fault counts as recent."""

RARE: Final = 0.03
"""A rate below is that of something with many occasions."""

NOT_WITH_A_PLAIN_BROKER: Final = frozenset(
    {
        "poison",
        "commit, written all the same",
        "cancel dropped",
        "replace dropped",
        *ENDS_THE_PROCESS,
        "request lost",
        "request late",
        "reply lost",
        "push lost",
        "cut off",
        "stranger",
        "account taken",
    }
)
"""What a broker that cannot be queried gives no means to heal without a person."""


class Faults:
    """Decides by chance what goes wrong and what people do, and counts it.

    Args:
        clock: Returns the virtual time, in seconds.
        calm: Nothing goes wrong; only people act.
        dense: Everything goes wrong, nothing often but this, if it is a fault; None where the world is not dense.
        frequency: How many times as often what is rare happens, for there are fewer occasions.

    Attributes:
        on: Whether anything goes wrong at all; off in the quiet phase.
        struck: How often each happened.
        tell: Called with what happens, in words; None for nobody.
    """

    def __init__(
        self,
        chance: Random,
        clock: Callable[[], float],
        *,
        plain: bool,
        calm: bool,
        frequency: float = 1.0,
        dense: str | None = None,
    ) -> None:
        self._chance = chance
        self._clock = clock
        self.on = True
        self.tell: Callable[[str], None] | None = None
        self.struck: Counter[str] = Counter()
        self._last: dict[str, float] = {}
        self.rates = {name: chance.choice(rates) for name, rates in (RATES | DEEDS).items()}
        if dense is not None:
            self.rates = {name: min(rate for rate in rates if rate > 0) for name, rates in RATES.items()}
            self.rates |= {name: max(rates) for name, rates in DEEDS.items()} | DENSE
            if dense in RATES:
                self.rates[dense] = OFTEN.get(dense, max(*RATES[dense], self.rates[dense]))
            if dense in (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILL):
                self.rates |= {"replace": 0.2, "cancel": 0.03}  # orders are left in peace, else they are in neither
        for name, rate in self.rates.items():
            if rate < RARE and name not in ENDS_THE_PROCESS:
                self.rates[name] = rate * frequency
        if plain:
            self.rates.update(dict.fromkeys(NOT_WITH_A_PLAIN_BROKER, 0.0))
        if calm:
            self.rates.update(dict.fromkeys(RATES, 0.0))

    def strikes(self, name: str) -> bool:
        """Return whether this happens now."""
        if not self.on or self._chance.random() >= self.rates[name]:
            return False
        self.struck[name] += 1
        self._last[name] = self._clock()
        self.note(name)
        return True

    def lately(self, name: str) -> bool:
        """Return whether this struck so short a time ago that what it led to may be under way."""
        last = self._last.get(name)
        return last is not None and self._clock() - last <= LATELY

    def note(self, what: str) -> None:
        """Tell of something."""
        if self.tell is not None:
            self.tell(f"    ! {what}")

    def need(self, least: Mapping[str, float]) -> None:
        """Have things happen at least so often."""
        for name, rate in least.items():
            self.rates[name] = max(self.rates[name], rate)

"""How large a simulated world is: many orders for long, or a few in a hurry."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from actors.broker.actor import BrokerDeadlines
from actors.order_manager.recovery import RecoveryPolicy


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """What is large or small in a world.

    Attributes:
        letter: The first letter of the names of its seeds.
        signals: How many signals are pushed, at least and at most.
        trouble: Virtual seconds in which things go wrong, at least and at most.
        quiet: Virtual seconds after which, once nothing goes wrong, everything must stand as the exchange has it.
        patience: Virtual seconds after which everything must have ended once nothing goes wrong.
        hurries: Whether a phase ends as soon as nothing is left of it, in place of waiting for what time may bring.
        look: Virtual seconds between two looks whether all has ended.
        act: Virtual seconds between two moments at which people act.
        pace: How long everything at the exchange and on the line takes, in terms of a large world.
        rest: How long orders take to be filled at the exchange, in terms of a large world.
        late: Seconds after which a late request or push arrives at the latest; more than the settle window.
        idle: Seconds between two looks of reader and worker that find nothing to do, at least and at most.
        frequency: How many times as often as in a large world a rare fault strikes, for there are fewer occasions.
        cuts: How often the power is cut at fail points at most.
        passings: How many times as often as once, twice or a few times a fail point may be passed before that.
        anchored: How many stores have an anchor, of 1.
        policy: How patiently the broker is asked.
        deadlines: How long calls may take.
        dense: Whether all faults strike, and the power is cut at every fail point again and again.
        answer_within: After this time without an answer an order is UNKNOWN.
    """

    letter: str
    signals: tuple[int, int]
    trouble: tuple[float, float]
    quiet: float
    patience: float
    hurries: bool
    look: float
    act: float
    pace: float
    rest: float
    late: float
    idle: tuple[float, float]
    frequency: float
    cuts: int
    passings: tuple[int, ...]
    anchored: float
    policy: RecoveryPolicy
    deadlines: BrokerDeadlines
    answer_within: timedelta
    dense: bool = False


LARGE: Final = Scale(
    letter="L",
    signals=(60, 60),
    trouble=(20.0, 20.0),
    quiet=170.0,
    patience=450.0,
    hurries=False,
    look=5.0,
    act=0.5,
    pace=1.0,
    rest=1.0,
    late=60.0,
    idle=(0.0, 0.3),
    frequency=1.0,
    cuts=8,
    passings=(1, 5, 20),
    anchored=1.0,
    policy=RecoveryPolicy(interval=timedelta(seconds=10), settle_window=timedelta(seconds=15)),
    deadlines=BrokerDeadlines(submit=5.0, cancel=5.0, query=10.0),
    answer_within=timedelta(seconds=8),
)
"""Sixty signals, and time for everything to meet everything."""

SMALL: Final = Scale(
    letter="S",
    signals=(1, 4),
    trouble=(1.0, 6.0),
    quiet=170.0,
    patience=450.0,
    hurries=True,
    look=0.5,
    act=0.5,
    pace=0.2,
    rest=0.2,
    late=8.0,
    idle=(0.3, 0.6),
    frequency=2.0,
    cuts=3,
    passings=(1,),
    anchored=0.1,
    policy=RecoveryPolicy(
        interval=timedelta(seconds=3),
        doubt_interval=timedelta(seconds=1),
        settle_window=timedelta(seconds=2),
        parked=timedelta(seconds=6),
    ),
    deadlines=BrokerDeadlines(submit=2.0, cancel=2.0, query=2.0, reconnect_cap=2.0),
    answer_within=timedelta(seconds=3),
)
"""A few signals: most bugs need no more, and what is small can be played a million times."""

DENSE: Final = msgspec.structs.replace(
    SMALL,
    letter="D",
    signals=(300, 300),
    trouble=(120.0, 120.0),
    quiet=300.0,
    patience=600.0,
    rest=1.0,
    frequency=1.0,
    cuts=0,
    anchored=1.0,
    dense=True,
)
"""Everything goes wrong in one world, and it is killed wherever something meets: what is left to chance is met here."""

AIMED: Final = msgspec.structs.replace(DENSE, letter="A")
"""A dense world that is about one fail point alone."""

SCALES: Final[Mapping[str, Scale]] = {scale.letter: scale for scale in (SMALL, LARGE, DENSE, AIMED)}


class Seed(msgspec.Struct, frozen=True):
    """A world's seed: how large the world is, and what its chance begins with."""

    scale: Scale
    number: int

    @property
    def name(self) -> str:
        """What it is called: ``S123``, ``L7``."""
        return f"{self.scale.letter}{self.number}"


def named(name: str | int) -> Seed:
    """Return the seed of a name; a bare number is a large one's.

    Raises:
        ValueError: It is no name of a seed.
    """
    found = _NAME.fullmatch(str(name))
    if found is None:
        raise ValueError(f"expected a seed such as S123, L7, D0 or A0, got {name!r}")
    return Seed(SCALES[found["scale"] or LARGE.letter], int(found["number"]))


_NAME: Final = re.compile(r"(?P<scale>[SLDA]?)(?P<number>[0-9]+)")

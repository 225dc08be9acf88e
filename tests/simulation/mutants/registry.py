"""Planted bugs by name: each a patch of a few lines, and the promises it breaks."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import pytest

Patch: TypeAlias = Callable[[pytest.MonkeyPatch], None]


class Mutant(NamedTuple):
    """A planted bug.

    Attributes:
        name: What it does wrong, in a few words.
        plant: Patches the product.
        breaks: The promises a violation of which counts as having found it.
        sentence: What it does wrong, in a sentence.
    """

    name: str
    plant: Patch
    breaks: frozenset[str]
    sentence: str


MUTANTS: Final[dict[str, Mutant]] = {}
"""Every planted bug by its name, in the order of the modules that define them."""


def breaks(*promises: str) -> Callable[[Patch], Patch]:
    """Register the decorated patch as a planted bug that breaks these promises."""

    def register(plant: Patch) -> Patch:
        name = plant.__name__
        sentence = " ".join((plant.__doc__ or "").split("\n\n")[0].split())
        if name in MUTANTS or not sentence:
            raise ValueError(f"planted bug {name}: give it a name of its own and a sentence")
        MUTANTS[name] = Mutant(name, plant, frozenset(promises), sentence)
        return plant

    return register

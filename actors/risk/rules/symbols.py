"""Which symbols may be traded."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import ClassVar, Final, Self

from actors.risk.rules.base import Proposal, Scope

REMEMBERED: Final = 4_096
"""Of so many symbols it is remembered which pattern they fit."""


def first_fit(symbol: str, patterns: Sequence[str]) -> str | None:
    """Return the first shell pattern a symbol fits; capital letters differ from small ones."""
    return next((pattern for pattern in patterns if fnmatchcase(symbol, pattern)), None)


class Deny:
    """A symbol on the list ``deny`` is not traded, whatever ``allow`` says."""

    code: ClassVar = "deny"
    asked_at_replace: ClassVar = False
    asked_of_exits: ClassVar = False

    def __init__(self, patterns: Sequence[str]) -> None:
        self._fit = lru_cache(REMEMBERED)(lambda symbol: first_fit(symbol, patterns))

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one, for the account, if any symbol is denied."""
        denied = scope.settings.deny
        return cls(denied) if denied and scope.strategy_id is None else None

    def refusal(self, proposal: Proposal) -> str | None:
        """Look the symbol up."""
        fit = self._fit(proposal.order.symbol)
        return None if fit is None else f"{proposal.order.symbol} may not be traded: risk.deny names {fit}"


class Allow:
    """Where there is a list ``allow``, nothing else is traded."""

    code: ClassVar = "allow"
    asked_at_replace: ClassVar = False
    asked_of_exits: ClassVar = False

    def __init__(self, patterns: Sequence[str]) -> None:
        self._fit = lru_cache(REMEMBERED)(lambda symbol: first_fit(symbol, patterns))

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one, for the account, if there is a list."""
        allowed = scope.settings.allow
        return cls(allowed) if allowed and scope.strategy_id is None else None

    def refusal(self, proposal: Proposal) -> str | None:
        """Look the symbol up."""
        if self._fit(proposal.order.symbol) is not None:
            return None
        return f"{proposal.order.symbol} may not be traded: risk.allow does not name it"

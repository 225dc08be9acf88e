"""The saboteur: a real behavior in which steps fail by chance."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from actors.messages import BrokerConnected, RecoveryContinued, VenueReported
from actors.runtime.behavior import Behavior, Unavailable
from tests.simulation.faults import Faults


class Planted(Exception):
    """Raised by the saboteur where a behavior could have failed."""


class Saboteur(Behavior[Any]):
    """A real behavior, unchanged, in which steps fail by chance.

    Args:
        inner: The behavior.
        faults: What goes wrong.
        poisoned: Messages that are never handled in peace, by identity; they outlive this incarnation.
        cut_power: Ends the process in the middle of a step.
    """

    def __init__(
        self, inner: Behavior[Any], faults: Faults, poisoned: dict[int, object], cut_power: Callable[[str], None]
    ) -> None:
        self._inner = inner
        self._strikes = faults.strikes
        self._poisoned = poisoned
        self._cut_power = cut_power
        self._fail("build")

    def started(self) -> None:
        self._inner.started()

    def prepare(self, messages: Sequence[Any]) -> None:
        self._fail("prepare")
        self._inner.prepare(messages)

    def receive(self, message: Any) -> None:
        strikes = self._strikes
        if strikes("poison"):
            self._poisoned[id(message)] = message
        if id(message) in self._poisoned:
            raise Planted("poison")
        if isinstance(message, _OF_RECOVERY):
            self._fail("restart in recovery")
        if strikes("receive"):
            raise Planted("receive")
        self._inner.receive(message)
        if strikes("receive, its work half done"):
            raise Planted("receive, its work half done")

    def commit(self) -> None:
        strikes = self._strikes
        if strikes("commit, store away"):
            raise Unavailable("planted: the store is away")
        if strikes("commit"):
            raise Planted("commit")
        if strikes("power cut before a commit"):
            self._cut_power("before a commit")
        self._inner.commit()
        if strikes("power cut after a commit"):
            self._cut_power("after a commit")
        if strikes("commit, written all the same"):
            raise Unavailable("planted: nobody knows whether it was written")

    def stopped(self) -> None:
        self._inner.stopped()

    def _fail(self, name: str) -> None:
        if self._strikes(name):
            raise Planted(name)


_OF_RECOVERY: Final = (BrokerConnected, VenueReported, RecoveryContinued)

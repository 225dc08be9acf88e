"""What is still to go wrong on purpose, as the gateway asks for it; faults.py is where it is ordered."""

from collections import deque
from random import Random
from typing import Final

import msgspec

from actors.testing.opend.limits import TOO_FREQUENT
from actors.testing.opend.protocol import Proto

SERVER_TIMEOUT: Final = "NN_ProtoRet_TimeOut"
"""What OpenD answers when its own server has not: nobody knows what became of the request."""


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with one request.

    Attributes:
        lost: It is neither carried out nor answered.
        late: Seconds until it is carried out.
        refusal: It is not carried out, and answered with this error.
        error: It is carried out, and answered with this error all the same.
        unanswered: It is carried out and not answered.
        reply_late: Seconds from then to its answer.
        cut: The connection ends in the middle of its answer.
    """

    lost: bool = False
    late: float = 0.0
    refusal: str | None = None
    error: str | None = None
    unanswered: bool = False
    reply_late: float = 0.0
    cut: bool = False


class Script:
    """Faults that are still to happen, each in its turn."""

    def __init__(self) -> None:
        self.requests: dict[int, deque[Treatment]] = {}
        self.push_faults: deque[str] = deque()
        self.hold = 0
        self.dooms: deque[tuple[str, bool]] = deque()
        self.random: Random | None = None
        self.rate = 0.0
        self.hanging = False
        self.logged_in = True
        self._held: list[bytes] = []
        self._last: dict[str, bytes] = {}  # by what it was about

    def order(self, proto: int, treatment: Treatment, times: int = 1) -> None:
        """Have the next requests of a kind treated so, after those that were ordered before."""
        self.requests.setdefault(proto, deque()).extend([treatment] * times)

    def treatment(self, proto: int) -> Treatment:
        """Return what is to be done with a request."""
        ordered = self.requests.get(proto)
        if ordered:
            return ordered.popleft()
        if self.random is not None and proto not in _SPARED and self.random.random() < self.rate:
            return self.random.choice(_BY_CHANCE)
        return Treatment()

    def take_doom(self) -> tuple[str | None, bool]:
        """Return the error that the next order fails with, and whether clients are told; None: it does not."""
        return self.dooms.popleft() if self.dooms else (None, True)

    def pushes(self, subject: str, data: bytes) -> tuple[list[bytes], bool]:
        """Return what is sent in place of a push, and whether the connection ends in the middle of it.

        Args:
            subject: The order or deal it is about.
            data: Its frame.
        """
        before = self._last.pop(subject, data)
        self._last[subject] = data
        if len(self._last) > _REMEMBERED:
            del self._last[next(iter(self._last))]
        if self.hold > 0:
            self._held.append(data)
            if len(self._held) < self.hold:
                return [], False
            held, self._held, self.hold = self._held, [], 0
            return held[::-1], False
        match self.push_faults.popleft() if self.push_faults else self._draw_push():
            case "drop":
                return [], False
            case "duplicate":
                return [data, data], False
            case "stale":
                return [data, before], False
            case fault:
                return [data], fault == "cut"

    def _draw_push(self) -> str:
        if self.random is None or self.random.random() >= self.rate:
            return ""
        return self.random.choice(("drop", "duplicate", "stale"))


_SPARED: Final = frozenset({Proto.INIT_CONNECT, Proto.KEEP_ALIVE, Proto.GET_ACC_LIST, Proto.SUB_ACC_PUSH})
"""Without these there is no client left that the other faults could happen to."""

_REMEMBERED: Final = 1000
"""Of so many orders and deals the push before the last is known."""

_BY_CHANCE: Final = (
    Treatment(lost=True),
    Treatment(late=3.0),
    Treatment(unanswered=True),
    Treatment(reply_late=3.0),
    Treatment(error=SERVER_TIMEOUT),
    Treatment(refusal=TOO_FREQUENT),
    Treatment(cut=True),
)

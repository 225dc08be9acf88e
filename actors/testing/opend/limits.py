"""How often an account may ask for what."""

from collections import deque
from typing import Final, NamedTuple

from actors.testing.opend.orders import Refused
from actors.testing.opend.protocol import Proto

TOO_FREQUENT: Final = "This protocol request is too frequent, triggering a frequency limit, please try again later"


class Limit(NamedTuple):
    """At most so many requests in so many seconds, and so far apart."""

    most: int
    seconds: float
    apart: float = 0.0


LIMITS: Final = {
    Proto.PLACE_ORDER: Limit(15, 30.0, 0.02),
    Proto.MODIFY_ORDER: Limit(20, 30.0, 0.04),
    Proto.GET_ORDER_LIST: Limit(10, 30.0),
    Proto.GET_ORDER_FILL_LIST: Limit(10, 30.0),
    Proto.GET_POSITION_LIST: Limit(10, 30.0),
    Proto.GET_FUNDS: Limit(10, 30.0),
    Proto.GET_HISTORY_ORDER_LIST: Limit(10, 30.0),
    Proto.GET_HISTORY_ORDER_FILL_LIST: Limit(10, 30.0),
    Proto.GET_ORDER_FEE: Limit(10, 30.0),
    Proto.UNLOCK_TRADE: Limit(10, 30.0),
}
"""Where the question has ``refresh_cache``, only those that ask for it are counted."""


class FrequencyLimits:
    """Counts requests for each kind and account; one that is refused here does not count.

    Args:
        on: False lets everything pass.
    """

    def __init__(self, *, on: bool) -> None:
        self._on = on
        self._times: dict[tuple[Proto, int], deque[float]] = {}

    def pass_or_refuse(self, proto: Proto, acc_id: int, now: float) -> None:
        """Count a request.

        Raises:
            Refused: It is one too many, or comes too soon after the one before.
        """
        limit = LIMITS.get(proto)
        if limit is None or not self._on:
            return
        times = self._times.setdefault((proto, acc_id), deque(maxlen=limit.most))
        if times and now - times[-1] < limit.apart:
            raise Refused(TOO_FREQUENT)
        if len(times) == limit.most and now - times[0] <= limit.seconds:
            raise Refused(TOO_FREQUENT)
        times.append(now)

"""What the SDK's push handlers do: make a value of a protobuf message and hand it on. Nothing in here can raise.

A push that cannot be read is no loss: the next query shows the order or the deal again.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from actors.broker.futu.rows import Deal, Picture, pushed_deal, pushed_order

log = logging.getLogger(__name__)

ENVIRONMENTS: Final = {"SIMULATE": 0, "REAL": 1}
"""TrdEnv by word, as the wire numbers it."""


class Pushes:
    """Reads the pushes of one account; the SDK hands over those of all accounts of the login.

    Args:
        tell: Called with each order or deal, in the SDK's callback thread; it returns at once.
        doubt: Called when something came that could not be read, or the login changed.
    """

    def __init__(
        self, acc_id: int, environment: str, tell: Callable[[Picture | Deal], None], doubt: Callable[[], None]
    ) -> None:
        self._acc_id = acc_id
        self._environment = ENVIRONMENTS[environment]
        self._tell = tell
        self._doubt = doubt

    def order(self, message: Any) -> None:  # noqa: ANN401 - a protobuf message, whose class only the SDK has
        """Take a push of an order."""
        try:
            if self._is_ours(message):
                self._tell(pushed_order(message.s2c.order))
        except Exception as error:  # noqa: BLE001 - the SDK swallows what is raised here, and the fill with it
            self._fail("order", message, error)

    def deal(self, message: Any) -> None:  # noqa: ANN401 - as order
        """Take a push of a deal."""
        try:
            if self._is_ours(message):
                self._tell(pushed_deal(message.s2c.orderFill))
        except Exception as error:  # noqa: BLE001 - as order
            self._fail("deal", message, error)

    def notice(self, message: Any) -> None:  # noqa: ANN401 - as order
        """Take a notice about OpenD itself: when its own connections changed, it is looked at."""
        try:
            if message.s2c.HasField("connectStatus"):
                self._doubt()
        except Exception as error:  # noqa: BLE001 - as order
            self._fail("notice", message, error)

    def _is_ours(self, message: Any) -> bool:  # noqa: ANN401 - as order
        header = message.s2c.header
        return bool(header.accID == self._acc_id and header.trdEnv == self._environment)

    def _fail(self, kind: str, message: object, error: Exception) -> None:
        log.error("futu: a push of kind %s cannot be read, it is asked for instead: %s: %s", kind, error, message)
        self._doubt()

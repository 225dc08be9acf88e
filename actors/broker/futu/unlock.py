"""Unlocking trade on a real account: by password, or by a person in OpenD's window, with a clear word meanwhile.

The lock is OpenD's, shared by all its connections, and nothing tells whether it is open but an order that is refused.
"""

import logging
from typing import Final

from actors.broker.futu.outcomes import is_silence
from actors.broker.futu.sdk import Context, SdkRefused
from actors.runtime.clock import Clock

log = logging.getLogger(__name__)

LOCKED: Final = (
    "trading is locked in OpenD: unlock it in OpenD's window, or give the password as "
    "ORDER_ACTORS__BROKER__FUTU__UNLOCK_PASSWORD; orders wait meanwhile"
)
"""What a person is told."""

LOOK_AGAIN: Final = 5.0
"""Seconds until one order may find out whether a person has unlocked it."""


class Unlock:
    """Knows whether trading was found locked.

    Args:
        password: What unlocks it; None waits for a person.
    """

    def __init__(self, password: str | None, clock: Clock) -> None:
        self._password = password
        self._clock = clock
        self._found_locked: float | None = None

    @property
    def state(self) -> str:
        """Say in a few words what is known of the lock."""
        if self._found_locked is not None:
            return "locked"
        return "unlocked by password" if self._password is not None else "not known before the first order"

    def try_password(self, context: Context) -> None:
        """Unlock with the password, once; a wrong one is not tried again, for that could lock the account."""
        if self._password is None:
            return
        try:
            context.ask("unlock_trade", password=self._password)
            self._found_locked = None
        except SdkRefused as error:
            if not is_silence(str(error)):
                self._password = None
            self._found_locked = self._clock.monotonic() - LOOK_AGAIN
            log.error("futu: OpenD did not unlock trading: %s; %s", error, LOCKED)  # noqa: TRY400 - the text tells all

    def found_locked(self) -> None:
        """Note that an order was refused because trading is locked."""
        if self._found_locked is None:
            log.error("futu: %s", LOCKED)
        self._found_locked = self._clock.monotonic()

    def found_open(self) -> None:
        """Note that an order was taken."""
        if self._found_locked is not None:
            log.warning("futu: trading is unlocked, orders go on")
        self._found_locked = None

    @property
    def waits(self) -> bool:
        """Whether no order is to be tried for a moment."""
        found = self._found_locked
        return found is not None and self._clock.monotonic() - found < LOOK_AGAIN

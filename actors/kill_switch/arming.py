"""Arming: an account with real money is traded only while a person has armed it, for some hours (I22).

The file ``ARMED`` in the data directory says who armed which account until when. Like the file ``HALT`` it is looked at
before every order, and needs neither store nor actor: taking it away disarms at once, whatever else is broken.
"""

import logging
import threading  # noqa: TID251 - one lock, for it is asked from several threads
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from actors.broker.gate import UNARMED, TradingGate
from actors.errors import RequestRefused, SettingsError
from actors.messages import ArmingChanged
from actors.model.fields import plain_text
from actors.runtime.clock import Clock
from actors.signing.private import read_private, replacing_private, sync_directory

log = logging.getLogger(__name__)

FILE_NAME: Final = "ARMED"
"""The file in the data directory that arms its account."""

MOST: Final = timedelta(hours=24)
"""For how long an account can be armed at most."""


class Arming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who armed an account, and until when.

    Attributes:
        account: The number of the account at the broker.
        by: The person.
        at, until: From when, and until when (UTC).
    """

    account: int
    by: str
    at: datetime
    until: datetime

    @property
    def told(self) -> str:
        """Return in one line what it allows."""
        return f"account {self.account} is armed until {self.until:%Y-%m-%d %H:%M:%S} UTC by {self.by}"


def arm(directory: Path, arming: Arming) -> None:
    """Arm an account durably, in place of what stood before.

    Raises:
        OSError: The file cannot be written.
        SettingsError: Somebody else is writing it.
        RequestRefused: It is for longer than an account can be armed.
    """
    if not timedelta(0) < arming.until - arming.at <= MOST:
        raise RequestRefused(f"an account is armed for more than 0 and at most {MOST // timedelta(hours=1)} hours")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing_private(directory / FILE_NAME) as wanted:
        wanted.append(msgspec.json.encode(arming))


def disarm(directory: Path) -> bool:
    """Disarm, durably; returns whether there was anything to disarm."""
    file = directory / FILE_NAME
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    sync_directory(file)
    return True


def read_arming(directory: Path) -> Arming | None:
    """Return what the file says; None where there is none.

    Raises:
        SettingsError: It cannot be read, or others than its owner can write it.
        ValueError: It says nothing that can be understood.
    """
    try:
        text, _ = read_private(directory / FILE_NAME)
    except FileNotFoundError:
        return None
    arming = msgspec.json.decode(text, type=Arming)
    if arming.at.tzinfo is None or arming.until.tzinfo is None:
        raise ValueError("its times have no zone")
    return arming


class ArmingGuard:
    """Keeps the gate closed while the account is not armed. May be asked from any thread.

    Time is up when either clock says so: setting the machine's back arms nobody for longer.

    Args:
        directory: Where the file is.
        account: The account that is traded.
        gate: What every order passes; closed for :data:`UNARMED` until the first look says otherwise.
        clock: The time.
        tell: Has a message delivered to the order manager.
    """

    def __init__(
        self, directory: Path, account: int, gate: TradingGate, clock: Clock, tell: Callable[[ArmingChanged], None]
    ) -> None:
        self._directory = directory
        self._account = account
        self._gate = gate
        self._clock = clock
        self._tell = tell
        self._looking = threading.Lock()
        self._known: Arming | None = None
        self._ends = 0.0  # by the steady clock
        self._stands: Arming | None = None
        self._why = ""
        gate.close(UNARMED)

    @property
    def state(self) -> str:
        """Return in one line whether the account is armed, or why not and what to do."""
        return self._why if self._stands is None else self._stands.told

    def is_armed(self) -> bool:
        """Return whether the account is armed at this moment."""
        with self._looking:
            arming, why = self._read()
            if arming is not None and arming != self._known:
                self._known = arming
                left = (arming.until - self._clock.now()).total_seconds()
                self._ends = self._clock.monotonic() + left
            if arming is not None and (arming.until <= self._clock.now() or self._clock.monotonic() >= self._ends):
                why = f"its arming ended at {arming.until:%Y-%m-%d %H:%M:%S} UTC"
                arming = None
            if arming is None:
                why = f"account {self._account} has real money and is not armed: {why}; {self._how}"
            before, self._stands = self._stands, arming
            changed, self._why = (before, arming) if before != arming or why != self._why else None, why
        if changed is not None:
            self._changed(*changed)
        return arming is not None

    def look(self) -> None:
        """Open or close the gate as the account is armed now."""
        if self.is_armed():
            self._gate.open(UNARMED)
        else:
            self._gate.close(UNARMED)

    @property
    def _how(self) -> str:
        return f"nothing is sent; `order-actors arm -c FILE --account {self._account} --hours 8` arms it"

    def _read(self) -> tuple[Arming | None, str]:
        try:
            arming = read_arming(self._directory)
        except (OSError, SettingsError, ValueError) as error:  # msgspec's errors are ValueErrors
            return None, f"the file {self._directory / FILE_NAME} is no arming: {plain_text(str(error))}"
        if arming is None:
            return None, "no person armed it"
        if arming.account != self._account:
            return None, f"{FILE_NAME} is for account {arming.account}"
        if arming.until - arming.at > MOST:
            return None, f"{FILE_NAME} is for longer than {MOST // timedelta(hours=1)} hours"
        return arming, ""

    def _changed(self, before: Arming | None, arming: Arming | None) -> None:
        if arming is not None:
            log.warning("REAL money: %s", arming.told)
            self._tell(ArmingChanged(armed=True, by=plain_text(arming.by), reason=plain_text(arming.told)))
            return
        log.warning("REAL money: %s", self._why)
        if before is not None:
            self._tell(ArmingChanged(armed=False, by=plain_text(before.by), reason=self._why))

"""What ``check`` finds of Futu OpenD: whether it answers, for which account, and how its clock goes."""

from collections.abc import Iterator
from typing import Final

import msgspec

from actors.broker.futu import FutuBroker
from actors.cli.finding import Finding
from actors.settings import FutuSettings


def futu_findings(settings: FutuSettings) -> Iterator[Finding]:
    """Connect, look, and go; trading is not unlocked, and nothing is sent.

    Raises:
        BrokerUnclear: OpenD cannot be used; tells why and what to do.
        SettingsError: The SDK is not installed.
    """
    broker = FutuBroker(msgspec.structs.replace(settings, unlock_password=None))
    try:
        broker.connect()
        found = broker.describe()
    finally:
        broker.close()
    yield Finding("broker", "ok", f"OpenD {found.opend} at {settings.host}:{settings.port}, account {found.account}")
    yield Finding("broker", "ok", "pushes of orders and deals are granted")
    if settings.trade_env == "REAL" and settings.unlock_password is None:
        text = "no password to unlock trading with: a person has to unlock it in OpenD's window"
        yield Finding("broker", "warning", text, "or give ORDER_ACTORS__BROKER__FUTU__UNLOCK_PASSWORD")
    state = f"the clock of OpenD's machine is {abs(found.skew):.1f} s {'ahead' if found.skew > 0 else 'behind'}"
    if abs(found.skew) > _SKEW:
        yield Finding("broker", "warning", state, "set both clocks by NTP")
    else:
        yield Finding("broker", "ok", state)


_SKEW: Final = 2.0
"""Seconds that two clocks may differ by without a warning."""

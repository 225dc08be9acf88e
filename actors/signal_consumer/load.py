"""From settings to a signal source and to what reads its entries; nothing is connected here."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from actors.errors import SettingsError
from actors.runtime.clock import Clock
from actors.settings import DEFAULT_REDIS_URL, Settings
from actors.signal_consumer.base import SignalSource
from actors.signal_consumer.decode import Decoder
from actors.signal_consumer.embedded import EmbeddedSource
from actors.signal_consumer.redis_list import RedisListSource
from actors.signal_consumer.redis_stream import RedisStreamSource
from actors.signing.envelope import Place
from actors.signing.keyring_file import KeyringFile
from actors.signing.verifier import Policy, Verifier

INBOX_FILE: Final = "inbox.sqlite"


def make_source(settings: Settings) -> SignalSource:
    """Build the queue that ``signals`` describes."""
    signals = settings.signals
    url = settings.redis_url or DEFAULT_REDIS_URL
    match signals.transport:
        case "embedded":
            return EmbeddedSource(settings.directory / INBOX_FILE)
        case "redis_list":
            return RedisListSource(url, signals.key, settings.account_id)
        case "redis_stream":
            return RedisStreamSource(url, signals.key, signals.group, settings.consumer, settings.account_id)


def make_decoder(settings: Settings, clock: Clock) -> Decoder:
    """Build what reads the entries; it verifies signatures where ``signals`` says so.

    Raises:
        SettingsError: The keyring cannot be used; says why and what to do.
    """
    signals = settings.signals
    if settings.signatures == "off" or signals.keys is None:
        return Decoder(settings.account_id)
    try:
        keyring = KeyringFile(Path(signals.keys).absolute(), clock)
    except FileNotFoundError as error:
        raise SettingsError(f"signals.keys: {error}; `order-actors keys new` makes one") from None
    except SettingsError as error:
        raise SettingsError(f"signals.keys: {error}") from None
    policy = Policy(
        required=settings.signatures == "required",
        window=timedelta(seconds=signals.signature_window),
        max_age=None if signals.max_age is None else timedelta(seconds=signals.max_age),
    )
    place = Place(settings.account_id, settings.environment, signals.key)
    return Decoder(settings.account_id, Verifier(keyring, place, policy, clock))

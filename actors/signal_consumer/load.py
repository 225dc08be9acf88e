"""From settings to a signal source; nothing is connected here."""

from typing import Final

from actors.settings import DEFAULT_REDIS_URL, Settings
from actors.signal_consumer.base import SignalSource
from actors.signal_consumer.embedded import EmbeddedSource
from actors.signal_consumer.redis_list import RedisListSource
from actors.signal_consumer.redis_stream import RedisStreamSource

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

"""Configuration: typed sections, read from YAML and the environment."""

from actors.settings.broker_config import BrokerConfig, read_broker_settings
from actors.settings.secrets import mask
from actors.settings.sections import (
    DEFAULT_REDIS_URL,
    AuditSettings,
    BrokerSettings,
    ExecutionSettings,
    FutuSettings,
    PaperSettings,
    PriceSettings,
    PublishSettings,
    RecoverySettings,
    RedisSettings,
    Settings,
    SignalSettings,
    StoreSettings,
    SupervisionSettings,
)

__all__ = [
    "DEFAULT_REDIS_URL",
    "AuditSettings",
    "BrokerConfig",
    "BrokerSettings",
    "ExecutionSettings",
    "FutuSettings",
    "PaperSettings",
    "PriceSettings",
    "PublishSettings",
    "RecoverySettings",
    "RedisSettings",
    "Settings",
    "SignalSettings",
    "StoreSettings",
    "SupervisionSettings",
    "mask",
    "read_broker_settings",
]

"""Configuration: typed sections, read from YAML and the environment."""

from actors.settings.broker_config import BrokerConfig, read_broker_settings
from actors.settings.risk import AccountLimits, InstrumentSettings, Limits, RiskSettings, StrategyLimits
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
from actors.settings.sessions import CalendarSettings, SessionSettings

__all__ = [
    "DEFAULT_REDIS_URL",
    "AccountLimits",
    "AuditSettings",
    "BrokerConfig",
    "BrokerSettings",
    "CalendarSettings",
    "ExecutionSettings",
    "FutuSettings",
    "InstrumentSettings",
    "Limits",
    "PaperSettings",
    "PriceSettings",
    "PublishSettings",
    "RecoverySettings",
    "RedisSettings",
    "RiskSettings",
    "SessionSettings",
    "Settings",
    "SignalSettings",
    "StoreSettings",
    "StrategyLimits",
    "SupervisionSettings",
    "mask",
    "read_broker_settings",
]

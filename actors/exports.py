"""Everything a host needs, gathered; the package gives each of these names out as its own."""

from actors.broker.base import Broker, Venue
from actors.broker.futu import FutuBroker
from actors.broker.load import load_broker
from actors.broker.paper import PaperBroker
from actors.errors import (
    BrokerError,
    BrokerUnclear,
    OrderActorsError,
    OrderCancelError,
    OrderSubmissionError,
    RequestRefused,
    SettingsError,
    SignalConflict,
    SignalError,
    StoreError,
    StoreLocked,
    SystemStopped,
)
from actors.model import BookedFill, Order, OrderFill, OrderFlag, OrderStatus, Position, Signal
from actors.settings import (
    BrokerConfig,
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
from actors.signing.key import SigningKey, sign_signal
from actors.system import TradingSystem

__all__ = [
    "BookedFill",
    "Broker",
    "BrokerConfig",
    "BrokerError",
    "BrokerSettings",
    "BrokerUnclear",
    "ExecutionSettings",
    "FutuBroker",
    "FutuSettings",
    "Order",
    "OrderActorsError",
    "OrderCancelError",
    "OrderFill",
    "OrderFlag",
    "OrderStatus",
    "OrderSubmissionError",
    "PaperBroker",
    "PaperSettings",
    "Position",
    "PriceSettings",
    "PublishSettings",
    "RecoverySettings",
    "RedisSettings",
    "RequestRefused",
    "Settings",
    "SettingsError",
    "Signal",
    "SignalConflict",
    "SignalError",
    "SignalSettings",
    "SigningKey",
    "StoreError",
    "StoreLocked",
    "StoreSettings",
    "SupervisionSettings",
    "SystemStopped",
    "TradingSystem",
    "Venue",
    "load_broker",
    "sign_signal",
]

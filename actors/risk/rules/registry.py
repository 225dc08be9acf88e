"""Every rule, by its code, in the order in which they are asked."""

from typing import Final

from actors.risk.rules.base import Rule
from actors.risk.rules.duplicate_window import DuplicateWindow
from actors.risk.rules.lot_size import LotSize
from actors.risk.rules.max_daily_loss import MaxDailyLoss
from actors.risk.rules.max_exposure import MaxExposure
from actors.risk.rules.max_notional import MaxNotional
from actors.risk.rules.max_open_orders import MaxOpenOrders
from actors.risk.rules.max_orders_per_minute import MaxOrdersPerMinute
from actors.risk.rules.max_position import MaxAccountPosition, MaxPosition
from actors.risk.rules.max_quantity import MaxQuantity
from actors.risk.rules.price_collar import PriceCollar
from actors.risk.rules.reducing import Reducing
from actors.risk.rules.self_match import SelfMatch
from actors.risk.rules.symbols import Allow, Deny
from actors.risk.rules.tick_size import TickSize

_ORDERED: Final[tuple[type[Rule], ...]] = (
    Reducing,
    Deny,
    Allow,
    LotSize,
    TickSize,
    MaxQuantity,
    MaxNotional,
    PriceCollar,
    DuplicateWindow,
    SelfMatch,
    MaxPosition,
    MaxAccountPosition,
    MaxExposure,
    MaxOpenOrders,
    MaxOrdersPerMinute,
    MaxDailyLoss,
)

RULES: Final[dict[str, type[Rule]]] = {rule.code: rule for rule in _ORDERED}

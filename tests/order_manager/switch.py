"""The kill switch of a desk whose broker keeps true books."""

from datetime import datetime
from typing import Any

from actors import messages as m
from actors.model import Order, OrderStatus
from actors.model.control import TradingControl, TradingState
from actors.risk.denial import Denial
from actors.risk.engine import RiskEngine
from tests.order_manager.venue import Venue
from tests.support.builders import queued

HALT = m.HaltTrading(reason="drill", by="ann")
KEEP = m.HaltTrading(reason="drill", by="ann", keep_orders=True)
REDUCE = m.HaltTrading(reason="drill", by="ann", state=TradingState.REDUCING)
RESUME = m.ResumeTrading(by="ann")


class SellsShrink(RiskEngine):
    """Pre-trade checks under which a sell makes a position smaller and a buy makes it larger."""

    def check(self, order: Order, now: datetime, state: TradingState) -> Denial | None:
        if state is TradingState.REDUCING and order.side == "buy":
            return Denial("reducing", "reducing: it does not make a position smaller")
        return None


def place(venue: Venue, *numbers: int, **changes: Any) -> None:
    """Send orders and have the broker take them."""
    venue.desk.tell(*(queued(number, f"E{number}", **changes) for number in numbers))
    venue.settle()


def tell(venue: Venue, *messages: Any) -> None:
    venue.desk.tell(*messages)
    venue.settle()


def statuses(venue: Venue, *numbers: int) -> list[OrderStatus]:
    return [venue.desk.order(number).status for number in numbers]


def control(venue: Venue) -> TradingControl | None:
    return venue.desk.cell._behavior._set.control  # type: ignore[union-attr]


def stopped(venue: Venue) -> bool:
    return "trading.stopped" in venue.desk.kinds()


def deny(venue: Venue, number: int) -> str | None:
    """Send a signal and return why it was rejected, None if it was sent."""
    place(venue, number)
    order = venue.desk.order(number)
    return order.error_message if order.status is OrderStatus.REJECTED else None

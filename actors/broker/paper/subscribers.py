"""Who wants to hear of fills, orders and the connection."""

import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from actors.broker.base import ConnectionCallback, FillCallback, OrderCallback
from actors.broker.paper.book import News
from actors.model import OrderFill

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=Callable[..., None])


class Subscribers:
    """Callbacks in order of subscription.

    The caller guards ``add_*`` with a lock; telling needs none. A subscriber that raises is logged and stops nothing.
    """

    def __init__(self) -> None:
        self._fills: tuple[FillCallback, ...] = ()
        self._orders: tuple[OrderCallback, ...] = ()
        self._connection: tuple[ConnectionCallback, ...] = ()

    def add_fills(self, callback: FillCallback) -> None:
        """Tell ``callback`` of fills; once, however often it subscribes."""
        self._fills = _with(self._fills, callback)

    def add_orders(self, callback: OrderCallback) -> None:
        """Tell ``callback`` of orders that ended; once, however often it subscribes."""
        self._orders = _with(self._orders, callback)

    def add_connection(self, callback: ConnectionCallback) -> None:
        """Tell ``callback`` of the connection; once, however often it subscribes."""
        self._connection = _with(self._connection, callback)

    def tell(self, news: Iterable[News]) -> None:
        """Hand each piece of news to everybody it concerns."""
        for piece in news:
            if isinstance(piece, OrderFill):
                for fill_callback in self._fills:
                    try:
                        fill_callback(piece)
                    except Exception:
                        logger.exception(_FAILED, fill_callback, piece.fill_id)
            else:
                for order_callback in self._orders:
                    try:
                        order_callback(piece)
                    except Exception:
                        logger.exception(_FAILED, order_callback, piece.broker_order_id)

    def tell_connection(self, up: bool, why: str) -> None:  # noqa: FBT001 - the port's own signature
        """Report the connection lost or back."""
        for callback in self._connection:
            try:
                callback(up, why)
            except Exception:
                logger.exception(_FAILED, callback, why)


def _with(callbacks: tuple[C, ...], callback: C) -> tuple[C, ...]:
    return callbacks if callback in callbacks else (*callbacks, callback)


_FAILED: Final = "paper broker: subscriber %r failed on %s; it is told of the next one all the same"

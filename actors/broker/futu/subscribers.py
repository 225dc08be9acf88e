"""Who wants to hear of fills, orders and the connection."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from actors.broker.base import ConnectionCallback, FillCallback, OrderCallback, OrderReport
from actors.model import OrderFill

log = logging.getLogger(__name__)

T = TypeVar("T")


class Subscribers:
    """Callbacks, each told once however often it subscribed; one that raises is logged and stops nothing."""

    def __init__(self) -> None:
        self._fills: tuple[FillCallback, ...] = ()
        self._orders: tuple[OrderCallback, ...] = ()
        self._connection: tuple[ConnectionCallback, ...] = ()

    def add_fills(self, callback: FillCallback) -> None:
        """Tell ``callback`` of fills."""
        self._fills = _with(self._fills, callback)

    def add_orders(self, callback: OrderCallback) -> None:
        """Tell ``callback`` of orders."""
        self._orders = _with(self._orders, callback)

    def add_connection(self, callback: ConnectionCallback) -> None:
        """Tell ``callback`` of the connection."""
        self._connection = _with(self._connection, callback)

    def tell_fill(self, fill: OrderFill) -> None:
        """Tell of a fill."""
        for callback in self._fills:
            _call(callback, fill)

    def tell_order(self, report: OrderReport) -> None:
        """Tell of an order."""
        for callback in self._orders:
            _call(callback, report)

    def tell_connection(self, *, up: bool, why: str) -> None:
        """Tell that the connection is lost or back."""
        for callback in self._connection:
            _call(partial(callback, up), why)


def _call(callback: Callable[[T], None], value: T) -> None:
    try:
        callback(value)
    except Exception:
        log.exception("futu: subscriber %r failed on %s; it is told of the next one all the same", callback, value)


def _with(callbacks: tuple[T, ...], callback: T) -> tuple[T, ...]:
    return callbacks if callback in callbacks else (*callbacks, callback)

"""Fills out of what Futu shows: deals of a real account, cumulative figures of a paper account.

Both give each fill an id that is the same however often, and in whatever order, the same facts are shown.
"""

import logging
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from actors.broker.futu.rows import Deal, Picture
from actors.model import OrderFill
from actors.model.fields import PRICE_SCALE

log = logging.getLogger(__name__)


class DealBook:
    """The deals of a real account, keyed by (account, deal id).

    A deal that is cancelled is taken back whole. One that is changed is taken back and booked again with what it says
    now, under an id of its own; the same content is booked once, whether it is shown as OK or as CHANGED.
    """

    def __init__(self, acc_id: int) -> None:
        self._acc_id = acc_id
        self._told: dict[str, list[OrderFill]] = {}  # of each deal, in order

    def take(self, fills: Iterable[OrderFill]) -> None:
        """Remember fills as told."""
        for fill in fills:
            self._told.setdefault(_deal_key(fill.fill_id), []).append(fill)

    def forget(self, fills: Iterable[OrderFill]) -> None:
        """Take fills to be not told after all."""
        for fill in fills:
            self._told[_deal_key(fill.fill_id)].remove(fill)

    def told(self, deal: Deal) -> Sequence[OrderFill]:
        """Return what was told of a deal so far."""
        return self._told.get(self._key(deal), ())

    def news(self, deal: Deal) -> Sequence[OrderFill]:
        """Return the fills that a deal adds to what was told of it."""
        if deal.quantity < 1:
            log.warning("futu: deal %d is of less than one share, which no order of ours can have", deal.deal_id)
            return ()
        told = self._told.get(self._key(deal), [])
        standing = _standing(told)
        fills: list[OrderFill] = []
        if deal.status == "CANCELLED":
            if standing is None and not told:
                standing = self._booked(deal, 0)
                fills.append(standing)  # its order is to show both, as Futu does
            if standing is not None:
                fills.append(_reversal(standing, deal))
        elif deal.status == "CHANGED":
            if standing is None or not _same(standing, deal):
                if standing is not None:
                    fills.append(_reversal(standing, deal))
                fills.append(self._booked(deal, sum(fill.reverses is None for fill in told)))
        elif deal.status not in _BOOKED:
            log.error(
                "futu: deal %d of order %s is %r, which is no known status", deal.deal_id, deal.order_id, deal.status
            )
        elif not told:
            fills.append(self._booked(deal, 0))
        elif standing is not None and not _same(standing, deal) and len(told) == 1:
            log.error("futu: deal %d came again with other content and status OK: %s", deal.deal_id, deal)
        return fills

    def _booked(self, deal: Deal, version: int) -> OrderFill:
        key = self._key(deal)
        return OrderFill(
            fill_id=f"{key}.{version}" if version else key,
            order_id=deal.order_id,
            symbol=deal.symbol,
            side=deal.side,
            quantity=deal.quantity,
            price=deal.price,
            timestamp=deal.at,
        )

    def _key(self, deal: Deal) -> str:
        return f"{self._acc_id}:{deal.deal_id}"


class Growth:
    """The fills of a paper account, out of the growth of each order's filled quantity and average price.

    A fill's id is made of the order and the quantity filled with it. Its price is what makes the sum of all that was
    told equal to what Futu shows, to the last decimal that a price may have.
    """

    def __init__(self, acc_id: int) -> None:
        self._acc_id = acc_id
        self._told: dict[str, list[OrderFill]] = {}

    def take(self, fills: Iterable[OrderFill]) -> None:
        """Remember fills as told."""
        for fill in fills:
            self._told.setdefault(fill.order_id, []).append(fill)

    def forget(self, fills: Iterable[OrderFill]) -> None:
        """Take fills to be not told after all."""
        for fill in fills:
            self._told[fill.order_id].remove(fill)

    def told(self, order: Picture) -> Sequence[OrderFill]:
        """Return what was told of an order so far."""
        return self._told.get(order.order_id, ())

    def news(self, order: Picture) -> Sequence[OrderFill]:
        """Return the fill that a picture of an order adds to what was told of it; none if it is old."""
        told = self._told.get(order.order_id, [])
        known = sum(fill.quantity for fill in told)
        grown = order.filled_qty - known
        if grown <= 0 or order.average is None:
            return ()
        value = order.average * order.filled_qty - sum((fill.price * fill.quantity for fill in told), Decimal(0))
        price = _plain(value / grown)
        if price <= 0:
            log.warning(
                "futu: order %s shows %s, which does not fit its fills; its average is taken", order.order_id, order
            )
            price = _plain(order.average)
        fill = OrderFill(
            fill_id=f"{self._acc_id}:{order.order_id}:{order.filled_qty}",
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=grown,
            price=price,
            timestamp=order.at,
        )
        return (fill,)


def _plain(price: Decimal) -> Decimal:
    """Return a price with the decimals it has, at most as many as a price may have."""
    return Decimal(f"{price.quantize(_FINEST):f}".rstrip("0").rstrip("."))


def _standing(told: Sequence[OrderFill]) -> OrderFill | None:
    """Return the fill of a deal that was told and not taken back."""
    reversed_ids = {fill.reverses for fill in told}
    return next((fill for fill in told if fill.reverses is None and fill.fill_id not in reversed_ids), None)


def _reversal(fill: OrderFill, deal: Deal) -> OrderFill:
    return OrderFill(
        fill_id=f"{fill.fill_id}:x",
        order_id=fill.order_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=-fill.quantity,
        price=fill.price,
        timestamp=deal.at,
        fee=-fill.fee,
        reverses=fill.fill_id,
    )


def _same(fill: OrderFill, deal: Deal) -> bool:
    return (fill.quantity, fill.price) == (deal.quantity, deal.price)


def _deal_key(fill_id: str) -> str:
    """Return account and deal of a fill's id (``281:77``, ``281:77.1``, ``281:77:x``)."""
    account, _, rest = fill_id.partition(":")
    return f"{account}:{rest.partition(':')[0].partition('.')[0]}"


_BOOKED: Final = frozenset({"OK", "N/A"})
"""A deal whose status is not told is one that stands."""

_FINEST: Final = Decimal(1).scaleb(-PRICE_SCALE)

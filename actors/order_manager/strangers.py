"""Orders at the broker that our books do not know: kept as they are seen, cancelled by nobody here (I26)."""

from datetime import datetime
from hashlib import blake2b
from typing import Final

from actors.broker.base import OrderReport
from actors.model import Order, OrderFill, OrderStatus
from actors.model.fields import EXTERNAL
from actors.model.order import ORDER_ID_PREFIX


def stranger(
    seen: OrderReport | OrderFill, broker_order_id: str, at: datetime, quantity: int, account_id: str, name: str | None
) -> Order:
    """Return the order under which something unknown at the broker is kept.

    Args:
        seen: A report or a fill of it.
        broker_order_id: Its id there.
        at: Since when it is there (UTC).
        quantity: Its total, as far as it is known.
        account_id: The account.
        name: The id of ours that it carries, of an order that our books do not hold, as after their loss. It is kept
            under that id, so that its signal finds it when it comes again; see :func:`already_there`.
    """
    return Order(
        order_id=name if name is not None and _is_of_ours(name) else _name_for(broker_order_id),
        broker_order_id=broker_order_id,
        strategy_id=EXTERNAL,
        symbol=seen.symbol,
        side=seen.side,
        quantity=abs(quantity),
        order_type="market",
        limit_price=None,
        status=OrderStatus.SUBMITTED,
        created_at=at,
        updated_at=at,
        account_id=account_id,
        sent_at=at,
    )


def ids_of_ours(order_id: str) -> frozenset[str]:
    """Return what a stranger's id proves to be at the broker: an order of ours, and the signal's that it goes back to.

    An exit (``….tp``) or an order that continues another (``….r1``) was made for an entry that was sent before.
    """
    if not order_id.startswith(ORDER_ID_PREFIX):
        return frozenset()
    start, dash, end = order_id.rpartition("-")
    return frozenset((order_id, f"{start}{dash}{end.partition('.')[0]}"))


def already_there(order_id: str) -> str:
    """Return why a signal is refused whose order the broker has, and our books only as a stranger's."""
    return (
        f"signal_id: the broker has its order {order_id} already, which was not in our books and is kept under "
        f"{EXTERNAL}; it is not sent again: to trade once more, send another signal_id"
    )


def _is_of_ours(name: str) -> bool:
    """Anybody can write an id that begins like ours: one that we never make is no name for the books."""
    return name.startswith(ORDER_ID_PREFIX) and name.isascii() and name.isprintable() and len(name) <= _LONGEST


def _name_for(broker_order_id: str) -> str:
    return f"ext-{blake2b(broker_order_id.encode(), digest_size=12).hexdigest()}"


_LONGEST: Final = 64

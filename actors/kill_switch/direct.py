"""Cancels that leave without the order manager: when a halt is tripped and the store or an actor does not work."""

import logging
from typing import Final

from actors.broker.session import BrokerSession
from actors.errors import StoreError
from actors.messages import CancelAtBroker
from actors.model.fields import EXTERNAL
from actors.runtime.behavior import Unavailable
from actors.store.store import Store

log = logging.getLogger(__name__)

AGAIN: Final = 100
"""After so many rounds, which is half a minute, an order that works still is asked for once more."""


class DirectCancels:
    """Asks the broker to cancel every order that is known to work, again after a while: nobody else repeats them.

    Known are the live orders of the store, if it can be read, and what the session had the broker take lately, whether
    or not that could be written. Asking for the cancel of an order that has ended is harmless; what the broker answers
    is told to the order manager as ever, which applies it when it can.
    """

    def __init__(self, store: Store, session: BrokerSession) -> None:
        self._store = store
        self._session = session
        self._asked: dict[str, int] = {}  # in which round
        self._round = 0

    def __call__(self) -> None:
        """Ask for the cancels of all that was not asked for lately."""
        self._round += 1
        known = dict(self._session.recently_taken())
        try:
            # Never by the connection that writes: a write that hangs is why nobody else asks.
            live = {order.order_id: order for order in self._store.live_orders()}
        except (StoreError, Unavailable) as error:
            log.critical("kill switch: the store cannot be read, so what it alone knows is not cancelled: %s", error)
        else:
            # Every order was written before it was sent, so one that is not live has ended.
            known = {order_id: of for order_id, of in known.items() if order_id in live}
            for order in live.values():
                if order.broker_order_id is not None and order.strategy_id != EXTERNAL:
                    known[order.order_id] = order.broker_order_id
        self._asked = {order_id: asked for order_id, asked in self._asked.items() if self._round - asked < AGAIN}
        fresh = {order_id: of for order_id, of in known.items() if order_id not in self._asked}
        self._asked |= dict.fromkeys(fresh, self._round)
        if fresh:
            log.critical("kill switch: nothing confirms the halt; asking for %d cancels directly", len(fresh))
        self._session.cancels.tell(
            *(CancelAtBroker(order_id=order_id, broker_order_id=of) for order_id, of in fresh.items())
        )

"""The simulated exchange: orders, what becomes of them, deals. One thread at a time; time is handed in."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

import msgspec

from actors.broker.paper.prices import PriceSource
from actors.errors import StoreError
from actors.testing.opend.accounts import Account
from actors.testing.opend.books import Books
from actors.testing.opend.instruments import ZONES, of_symbol
from actors.testing.opend.ledger import Ledger
from actors.testing.opend.matching import TRIGGERED, see, trades_at
from actors.testing.opend.orders import Change, Deal, Order, Refused, Terms
from actors.testing.opend.protocol import DealStatus, OrderStatus, OrderType, TimeInForce, TrdMarket

Listener = Callable[[Change], None]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How the exchange trades.

    Attributes:
        matching: Whether orders trade by themselves at the simulated prices; False leaves it to ``fill``.
        accept_delay: Seconds from a placement to ``SUBMITTED``.
        fill_delay: Seconds from there to the first deal, and from each deal to the next.
        cancel_delay: Seconds from ``CANCELLING`` to ``CANCELLED``; deals go on meanwhile.
        partial_fills: An order is filled in at most so many parts; how large each is, is drawn.
        fee_rate: What a deal costs, as a part of its value.
    """

    matching: bool = True
    accept_delay: float = 0.0
    fill_delay: float = 0.0
    cancel_delay: float = 0.0
    partial_fills: int = 1
    fee_rate: Decimal = Decimal("0.0003")


class Exchange:
    """Every order and deal of every account, at one price for each symbol.

    Args:
        accounts: Who may trade.
        prices: What orders trade at.
        rules: How they trade.
        random: Where its chance comes from.
        books: Where all of it is kept.

    Raises:
        StoreError: The books cannot be read, or hold an account that is not there.
    """

    def __init__(
        self, accounts: Iterable[Account], prices: PriceSource, rules: Rules, random: Random, books: Books
    ) -> None:
        self.accounts = {account.acc_id: account for account in accounts}
        self.prices = prices
        self._rules = rules
        self._random = random
        self._books = books
        self._listeners: list[Listener] = []
        self.ledger = Ledger(list(self.accounts.values()), rules.fee_rate)
        self._orders: dict[tuple[int, str], Order] = {}
        self._working: dict[tuple[int, str], None] = {}
        self._deals: dict[tuple[int, int], Deal] = {}
        self._next_deal: dict[int, int] = {}
        orders, deals = books.load()
        strange = {order.acc_id for order in orders} - self.accounts.keys()
        if strange:
            raise StoreError(f"the books hold account {min(strange)}, which is not there; begin with it or other books")
        self._next_number = max((order.number for order in orders), default=_FIRST_ORDER - 1) + 1
        for order in orders:
            self._keep(order)
        for deal in deals:
            self._keep_deal(deal)

    def subscribe(self, listener: Listener) -> None:
        """Have a function called for each change, after it is in the books."""
        self._listeners.append(listener)

    # ------------------------------------------------------------ questions

    def orders(self, acc_id: int) -> list[Order]:
        """Return an account's orders, oldest first."""
        return [order for order in self._orders.values() if order.acc_id == acc_id]

    def open_orders(self, acc_id: int) -> list[Order]:
        """Return an account's orders that something may still become of."""
        return [self._orders[key] for key in self._working if key[0] == acc_id]

    def deals(self, acc_id: int) -> list[Deal]:
        """Return an account's deals, oldest first, undone ones too."""
        return [deal for deal in self._deals.values() if deal.acc_id == acc_id]

    def order(self, acc_id: int, order_id: str) -> Order:
        """Return an order.

        Raises:
            Refused: The account has none of this id.
        """
        found = self._orders.get((acc_id, order_id))
        if found is None:
            raise Refused(f"order {order_id} does not exist")
        return found

    def next_due(self, now: datetime) -> datetime | None:
        """Return when something becomes of an order next, or prices change; None is not before something is asked."""
        due: datetime | None = None
        waits = False
        for key in self._working:
            order = self._orders[key]
            waits = waits or (order.due <= now and self._rules.matching)
            for moment in (order.due, order.cancel_due):
                if moment is not None and moment > now:
                    due = moment if due is None else min(due, moment)
        change = self.prices.next_change(now) if waits else None
        return min((moment for moment in (due, change) if moment is not None), default=None)

    # ------------------------------------------------------------ what clients ask for

    def place(
        self, acc_id: int, terms: Terms, now: datetime, *, doom: str | None = None, doom_pushed: bool = True
    ) -> Order:
        """Take an order that was checked."""
        number = self._next_number
        self._next_number += 1
        order = Order(
            acc_id=acc_id,
            order_id=f"FT{number:X}" if self.accounts[acc_id].is_real else str(number),
            number=number,
            terms=terms,
            status=OrderStatus.SUBMITTING,
            created=now,
            updated=now,
            due=now + timedelta(seconds=self._rules.accept_delay),
            triggered=terms.order_type not in TRIGGERED,
            doom=doom,
            doom_pushed=doom_pushed,
        )
        self._record(order)
        return order

    def replace(self, order: Order, terms: Terms, now: datetime) -> Order:
        """Give an order terms that were checked; it keeps its id."""
        return self._change(order, now, terms=terms, due=self._later(now, self._rules.fill_delay))

    def cancel(self, order: Order, now: datetime) -> Order:
        """Take the cancel of an order; it ends after the cancel delay."""
        if order.cancel_due is not None:
            return order
        status = OrderStatus.CANCELLING_PART if order.dealt else OrderStatus.CANCELLING_ALL
        return self._change(order, now, status=status, cancel_due=self._later(now, self._rules.cancel_delay))

    def set_status(self, order: Order, status: OrderStatus, now: datetime) -> Order:
        """Put an order where a client asked to: disabled, enabled again, deleted."""
        return self._change(order, now, status=status, due=now)

    # ------------------------------------------------------------ time

    def advance(self, now: datetime) -> None:
        """Do all that is due."""
        for key in list(self._working):
            while key in self._working and self._step(self._orders[key], now):
                pass

    def end_day(self, market: TrdMarket, now: datetime) -> None:
        """End a market's day: what stands for the day, or until a date that is over, is cancelled."""
        today = now.astimezone(ZONES[market]).date().isoformat()
        for key in list(self._working):
            order = self._orders[key]
            tif, last = order.terms.time_in_force, order.terms.expire_time
            over = tif is TimeInForce.DAY or (tif is TimeInForce.GTD and (last is None or last <= today))
            if over and of_symbol(order.symbol).market is market:
                self._change(order, now, status=_cancelled(order))

    def fill(self, order: Order, quantity: int, price: Decimal, now: datetime) -> Deal:
        """Fill a part of an order.

        Raises:
            Refused: So much of it is not open.
        """
        if not 0 < quantity <= order.open_quantity:
            raise Refused(f"order {order.order_id}: {quantity} cannot be filled, {order.open_quantity} are open")
        deal_id = self._next_deal.get(order.acc_id, _FIRST_DEAL)
        deal = Deal(
            acc_id=order.acc_id,
            deal_id=deal_id,
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.terms.side,
            quantity=quantity,
            price=price,
            created=now,
            updated=now,
        )
        order = msgspec.structs.replace(order, dealt=order.dealt + quantity, value=order.value + quantity * price)
        status = _working_status(order)
        if order.cancel_due is not None and status is not OrderStatus.FILLED_ALL:
            status = OrderStatus.CANCELLING_PART
        due = self._later(now, self._rules.fill_delay)
        self._record(msgspec.structs.replace(order, status=status, updated=now, due=due), deal)
        return deal

    def revise(self, deal: Deal, now: datetime, quantity: int, price: Decimal) -> Deal:
        """Change a deal that was made; 0 shares undo it.

        Raises:
            Refused: The order was not for so many.
        """
        order = self.order(deal.acc_id, deal.order_id)
        before = deal.quantity if deal.status is not DealStatus.CANCELLED else 0
        if not 0 <= quantity <= order.terms.quantity - order.dealt + before:
            raise Refused(f"deal {deal.deal_id}: order {order.order_id} was not for so many as {quantity} more")
        revised = msgspec.structs.replace(
            deal,
            status=DealStatus.CHANGED if quantity else DealStatus.CANCELLED,
            quantity=quantity or deal.quantity,
            price=price,
            updated=now,
        )
        order = msgspec.structs.replace(
            order,
            dealt=order.dealt - before + quantity,
            value=order.value - before * deal.price + quantity * price,
            updated=now,
        )
        status = order.status
        if status is OrderStatus.FILLED_ALL and order.dealt < order.terms.quantity:
            status = OrderStatus.FILL_CANCELLED
        elif status is OrderStatus.FILLED_PART:
            status = _working_status(order)
        elif status is OrderStatus.CANCELLING_PART and order.dealt == 0:
            status = OrderStatus.CANCELLING_ALL
        self._record(msgspec.structs.replace(order, status=status), revised)
        return revised

    # ------------------------------------------------------------ matching

    def _step(self, order: Order, now: datetime) -> bool:
        """Do the next thing that is due for an order; return whether there was one."""
        if order.cancel_due is not None and order.cancel_due <= now:
            self._change(order, now, status=_cancelled(order))
        elif order.due > now or order.status is OrderStatus.DISABLED:
            return False
        elif order.doom is not None:
            failed = msgspec.structs.replace(order, status=OrderStatus.FAILED, error=order.doom, updated=now)
            self._record(failed, pushed=order.doom_pushed)
        elif order.status is OrderStatus.SUBMITTING:
            self._change(order, now, status=_working_status(order), due=self._later(now, self._rules.fill_delay))
        else:
            return self._rules.matching and self._match(order, now)
        return True

    def _match(self, order: Order, now: datetime) -> bool:
        price = self.prices.price(order.symbol, now)
        if price is None:
            return False
        price = of_symbol(order.symbol).nearest(price)
        seen = see(order, price)
        if seen != order:
            self._record(seen, pushed=seen.triggered)
            order = seen
        if trades_at(order, price):
            self.fill(order, self._draw(order), price, now)
        elif order.terms.time_in_force is TimeInForce.IOC and order.triggered:
            self._change(order, now, status=_cancelled(order))
        else:
            return False
        return True

    def _draw(self, order: Order) -> int:
        lot = of_symbol(order.symbol).lot_size
        lots, rest = divmod(order.open_quantity, lot)
        parts = self._rules.partial_fills - sum(deal.order_id == order.order_id for deal in self.deals(order.acc_id))
        whole = order.terms.order_type is OrderType.SPECIAL_LIMIT_ALL
        if whole or parts <= 1 or lots <= 1:
            return order.open_quantity
        drawn = self._random.randint(1, lots)
        return drawn * lot + (rest if drawn == lots else 0)

    # ------------------------------------------------------------ recording

    def _later(self, now: datetime, seconds: float) -> datetime:
        return now + timedelta(seconds=seconds)

    def _change(self, order: Order, now: datetime, **changes: object) -> Order:
        changed = msgspec.structs.replace(order, updated=now, **changes)
        self._record(changed)
        return changed

    def _record(self, order: Order, deal: Deal | None = None, *, pushed: bool = True) -> None:
        self._books.write(order, () if deal is None else (deal,))
        self._keep(order)
        if deal is not None:
            self._keep_deal(deal)
        for listener in self._listeners:
            listener(Change(order=order, deal=deal, pushed=pushed))

    def _keep(self, order: Order) -> None:
        key = (order.acc_id, order.order_id)
        self._orders[key] = order
        if order.status.final:
            self._working.pop(key, None)
        else:
            self._working[key] = None

    def _keep_deal(self, deal: Deal) -> None:
        self._deals[deal.acc_id, deal.deal_id] = deal
        self._next_deal[deal.acc_id] = max(self._next_deal.get(deal.acc_id, _FIRST_DEAL), deal.deal_id + 1)
        self.ledger.book(deal)


def _working_status(order: Order) -> OrderStatus:
    if order.dealt == order.terms.quantity:
        return OrderStatus.FILLED_ALL
    return OrderStatus.FILLED_PART if order.dealt else OrderStatus.SUBMITTED


def _cancelled(order: Order) -> OrderStatus:
    return OrderStatus.CANCELLED_PART if order.dealt else OrderStatus.CANCELLED_ALL


_FIRST_ORDER: Final = 0x5C0A_0000_0000_0001
_FIRST_DEAL: Final = 7_102_405_130_000_000_001
"""Above 2**53 both, so that an id which passes through a float is lost; every account's deals begin at the same number,
for nothing says that a deal's id is unique beyond its account."""

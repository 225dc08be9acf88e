"""Reading what there is of one order: events have no index by order, so they are scanned from its beginning on."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_, select

from actors.model import Event, Order
from actors.store.reading.base import Asking
from actors.store.rows import dead_letter_from, event_from, micros, order_from, signal_from
from actors.store.schema import dead_letters, events, orders, signals
from actors.store.statements import is_sqlite
from actors.store.unit import DeadLetter, SignalRecord

_PAGE = 50_000
_EVENT = [column for column in events.c if column.name != "hash"]
_ORDER = [column for column in orders.c if column.name != "order_no"]


class StoryReads(Asking):
    """What there is of one order."""

    def first_event_from(self, moment: datetime) -> int:
        """Return the number of the first event written at or after a time; found by halving, a dozen look-ups.

        Where a clock was set back in between, it may be a later one.
        """
        wanted = micros(moment)
        low, high = self._all(select(func.min(events.c.seq), func.max(events.c.seq)))[0]
        if low is None:
            return 1
        high += 1
        while low < high:
            middle = (low + high) // 2
            at, seq = self._all(
                select(events.c.at, events.c.seq).where(events.c.seq >= middle).order_by(events.c.seq).limit(1)
            )[0]
            low, high = (seq + 1, high) if at < wanted else (low, middle)
        return int(low)

    def events_naming(self, words: Collection[str], kinds: Collection[str] = (), *, first: int = 1) -> list[Event]:
        """Return events from a number on whose body holds one of the words, or whose type begins like one of the kinds.

        Args:
            words: Pieces of the body's JSON, to the letter.
            kinds: Beginnings of types.
            first: The first event that is looked at; each later one is.
        """
        place = func.instr if is_sqlite(self._engine.dialect) else func.strpos
        wanted = or_(
            *(place(events.c.body, word) > 0 for word in words),
            *(events.c.type.startswith(kind, autoescape=True) for kind in kinds),
        )
        last = self._all(select(func.coalesce(func.max(events.c.seq), 0)))[0][0]
        found: list[Event] = []
        for start in range(first, last + 1, _PAGE):
            page = select(*_EVENT).where(events.c.seq >= start, events.c.seq < start + _PAGE, wanted)
            found += [event_from(row) for row in self._all(page.order_by(events.c.seq))]
        return found

    def linked_orders(self, order: Order) -> list[Order]:
        """Return the order that one continues, those of its bracket and those of its group, in order of creation."""
        bracket = order.bracket_id if order.bracket_id is not None else order.order_id
        linked = [
            orders.c.order_id.in_([name for name in (order.parent_id, order.bracket_id) if name is not None]),
            orders.c.bracket_id == bracket,
        ]
        if order.oco_group is not None:
            linked.append((orders.c.oco_group == order.oco_group) & (orders.c.strategy_id == order.strategy_id))
        query = select(*_ORDER).where(or_(*linked), orders.c.order_id != order.order_id)
        return [order_from(row) for row in self._all(query.order_by(orders.c.order_no))]

    def signal_records(self, signal_id: str) -> list[SignalRecord]:
        """Return every record of a signal, duplicates and dead letters included, the oldest first."""
        query = select(signals).where(signals.c.signal_id == signal_id).order_by(signals.c.seq)
        return [signal_from(row) for row in self._all(query)]

    def dead_letters_of(self, signal_id: str) -> list[DeadLetter]:
        """Return the dead letters of a signal, the oldest first."""
        query = select(dead_letters).where(dead_letters.c.signal_id == signal_id).order_by(dead_letters.c.id)
        return [dead_letter_from(row) for row in self._all(query)]

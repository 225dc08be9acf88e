"""The rival of ``pipeline.py``: the same job as a plain asyncio program that keeps nothing.

Four actors, each a task with a queue of its own: BRPOP a signal, make an order, submit it to a broker that simulates
each fill in a task, book the fill once by its id, keep positions with their average price, publish the fill. No commit,
no acknowledgement, no restart, no check of the input beyond what the code trips over; a crash loses everything. It
stands for the quick program most people write first, and says what durability costs. ``pipeline.py --rival`` runs it.
"""

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import redis.asyncio


@dataclass
class PlainSignal:
    """What a strategy wants."""

    strategy_id: str
    symbol: str
    action: str
    quantity: int
    order_type: str
    limit_price: Decimal | None
    timestamp: datetime

    @classmethod
    def from_json(cls, text: str) -> "PlainSignal":
        """Read one."""
        said = json.loads(text)
        limit = said.get("limit_price")
        return cls(
            said["strategy_id"],
            said["symbol"],
            said["action"],
            int(said["quantity"]),
            said.get("order_type", "market"),
            None if limit is None else Decimal(limit),
            datetime.fromisoformat(said["timestamp"]),
        )


@dataclass
class PlainOrder:
    """A mutable order."""

    order_id: str
    strategy_id: str
    symbol: str
    side: str
    quantity: int
    limit_price: Decimal | None
    status: str = "pending"
    broker_order_id: str | None = None
    filled_qty: int = 0
    avg_fill_price: Decimal | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class PlainFill:
    """A fill."""

    fill_id: str
    order_id: str
    symbol: str
    side: str
    quantity: int
    price: Decimal
    timestamp: datetime

    def to_json(self) -> str:
        """Write it."""
        return json.dumps({**asdict(self), "price": str(self.price), "timestamp": self.timestamp.isoformat()})


class Actor:
    """A task that handles the messages of its queue one by one."""

    def __init__(self, handle: Callable[[Any], Awaitable[None]]) -> None:
        self._handle = handle
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()

    async def tell(self, message: object) -> None:
        """Queue a message."""
        await self._inbox.put(message)

    async def run(self) -> None:
        """Handle messages for ever."""
        while True:
            await self._handle(await self._inbox.get())


class Plan:
    """The actors and what they share."""

    def __init__(self, url: str) -> None:
        self.redis = redis.asyncio.Redis.from_url(url, decode_responses=True)
        self.manager = Actor(self.manage)
        self.broker = Actor(self.trade)
        self.booker = Actor(self.book)
        self.portfolio = Actor(self.hold)
        self.orders: dict[str, PlainOrder] = {}
        self.by_broker_id: dict[str, PlainOrder] = {}
        self.seen: set[str] = set()
        self.positions: dict[tuple[str, str], tuple[int, Decimal]] = {}
        self.fills: set[asyncio.Task[None]] = set()

    async def consume(self) -> None:
        """Read signals one by one."""
        while True:
            _, text = await self.redis.brpop(["approved_signals"])
            await self.manager.tell(PlainSignal.from_json(text))

    async def manage(self, signal: PlainSignal) -> None:
        """Make an order of a signal."""
        order = PlainOrder(
            str(uuid.uuid4()), signal.strategy_id, signal.symbol, signal.action, signal.quantity, signal.limit_price
        )
        self.orders[order.order_id] = order
        await self.broker.tell(order)

    async def trade(self, order: PlainOrder) -> None:
        """Take an order; its fill comes from a task of its own."""
        order.broker_order_id = f"PAPER-{uuid.uuid4()}"
        order.status, order.updated_at = "submitted", datetime.now(UTC)
        self.by_broker_id[order.broker_order_id] = order
        task = asyncio.create_task(self.fill(order))
        self.fills.add(task)
        task.add_done_callback(self.fills.discard)

    async def fill(self, order: PlainOrder) -> None:
        """Fill an order at once."""
        await asyncio.sleep(0)
        price = order.limit_price or Decimal(100)
        now, broker_order_id = datetime.now(UTC), str(order.broker_order_id)
        await self.booker.tell(
            PlainFill(str(uuid.uuid4()), broker_order_id, order.symbol, order.side, order.quantity, price, now)
        )

    async def book(self, fill: PlainFill) -> None:
        """Book a fill once and publish it."""
        if fill.fill_id in self.seen:
            return
        self.seen.add(fill.fill_id)
        order = self.by_broker_id[fill.order_id]
        cost = (order.avg_fill_price or Decimal(0)) * order.filled_qty + fill.price * fill.quantity
        order.filled_qty += fill.quantity
        order.avg_fill_price = cost / order.filled_qty
        order.status = "filled" if order.filled_qty >= order.quantity else "partial"
        order.updated_at = datetime.now(UTC)
        await self.portfolio.tell((order.strategy_id, fill))
        await self.redis.publish("fills", fill.to_json())

    async def hold(self, message: tuple[str, PlainFill]) -> None:
        """Keep positions."""
        strategy_id, fill = message
        quantity, average = self.positions.get((strategy_id, fill.symbol), (0, Decimal(0)))
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        total = quantity + signed
        if total and (quantity >= 0) == (signed >= 0):
            average = (average * quantity + fill.price * signed) / total
        self.positions[strategy_id, fill.symbol] = (total, average)

    async def run(self) -> None:
        """Run until a line arrives on stdin."""
        actors = (self.manager, self.broker, self.booker, self.portfolio)
        tasks = [asyncio.create_task(self.consume()), *(asyncio.create_task(actor.run()) for actor in actors)]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for task in tasks:
            task.cancel()
        print(json.dumps({"fills": len(self.seen), "ages": []}), flush=True)


if __name__ == "__main__":
    asyncio.run(Plan(sys.argv[1]).run())

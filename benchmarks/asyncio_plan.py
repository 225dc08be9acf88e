"""The rival of ``pipeline.py``: the same job as a plain asyncio program that keeps nothing.

Four tasks joined by queues: BRPOP a signal, make an order, fill it at once, add up the position, publish the fill. No
commit, no acknowledgement, no restart, no check of the input beyond what the code trips over; a crash loses everything.
It stands for what a quick script does, and says what durability costs. Started by ``pipeline.py --rival``.
"""

import asyncio
import json
import sys
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import redis.asyncio


@dataclass
class PlainOrder:
    """A mutable order."""

    order_id: str
    strategy_id: str
    symbol: str
    side: str
    quantity: int
    status: str = "pending"
    filled_qty: int = 0
    avg_fill_price: Decimal | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


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


class Plan:
    """The tasks and what they share."""

    def __init__(self, url: str) -> None:
        self.redis = redis.asyncio.Redis.from_url(url, decode_responses=True)
        self.to_manager: asyncio.Queue[PlainOrder] = asyncio.Queue()
        self.to_broker: asyncio.Queue[PlainOrder] = asyncio.Queue()
        self.fills: asyncio.Queue[PlainFill] = asyncio.Queue()
        self.orders: dict[str, PlainOrder] = {}
        self.seen: set[str] = set()
        self.positions: defaultdict[tuple[str, str], int] = defaultdict(int)

    async def consume(self) -> None:
        """Read signals one by one."""
        while True:
            _, text = await self.redis.brpop(["approved_signals"])
            said = json.loads(text)
            await self.to_manager.put(
                PlainOrder(
                    str(uuid.uuid4()), said["strategy_id"], said["symbol"], said["action"], int(said["quantity"])
                )
            )

    async def manage(self) -> None:
        """Keep orders and hand them to the broker."""
        while True:
            order = await self.to_manager.get()
            self.orders[order.order_id] = order
            await self.to_broker.put(order)

    async def trade(self) -> None:
        """Fill each order at once."""
        while True:
            order = await self.to_broker.get()
            order.status = "submitted"
            fill_id, now = str(uuid.uuid4()), datetime.now(UTC)
            await self.fills.put(
                PlainFill(fill_id, order.order_id, order.symbol, order.side, order.quantity, Decimal(100), now)
            )

    async def book(self) -> None:
        """Book fills and publish them."""
        while True:
            fill = await self.fills.get()
            if fill.fill_id in self.seen:
                continue
            self.seen.add(fill.fill_id)
            order = self.orders[fill.order_id]
            order.filled_qty, order.avg_fill_price, order.status = fill.quantity, fill.price, "filled"
            signed = fill.quantity if fill.side == "buy" else -fill.quantity
            self.positions[order.strategy_id, fill.symbol] += signed
            text = json.dumps({**fill.__dict__, "price": str(fill.price), "timestamp": fill.timestamp.isoformat()})
            await self.redis.publish("fills", text)

    async def run(self) -> None:
        """Run until a line arrives on stdin."""
        tasks = [asyncio.create_task(job()) for job in (self.consume, self.manage, self.trade, self.book)]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for task in tasks:
            task.cancel()
        print(json.dumps({"fills": len(self.seen), "ages": []}), flush=True)


if __name__ == "__main__":
    asyncio.run(Plan(sys.argv[1]).run())

"""An exchange in a process of its own, whose books outlive every kill of the system that trades there.

    python -m tests.process.exchange SOCKET BOOKS --seed 7

It takes every order that arrives as another one, whatever its client order id, and trades while the system is down. By
its seed it accepts late, loses and delays replies, drops, doubles and reorders pushes, refuses, fails queries and cuts
lines; until it is told to be calm. One thread: whatever comes in together is written together, and answered after that.
"""

import argparse
import heapq
import itertools
import random
import selectors
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.process.books import WORKING, Books, Row
from tests.process.wire import Message, Unpacker, pack

AT_ONCE = 0.0
LATE = (0.3, 1.5, 3.0, 9.0)
"""How long an order may be on its way, in seconds; the longest beyond the settle window of a campaign."""


class Mischief:
    """How often what goes wrong: drawn by seed, and a third of it not at all."""

    def __init__(self, chance: random.Random, always: Sequence[str] = ()) -> None:
        self._chance = chance
        self.rates = {name: chance.choice([0.0, 0.5, 1.0]) * rate for name, rate in RATES.items()}
        if always:
            self.rates = {name: float(name in always) for name in RATES}

    def strikes(self, name: str) -> bool:
        """Tell whether it goes wrong this time."""
        return self._chance.random() < self.rates[name]

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        self.rates = dict.fromkeys(self.rates, 0.0)


class Line:
    """One connection: what came half, what is to be sent, and whether a system is behind it."""

    def __init__(self, number: int, connection: socket.socket) -> None:
        self.number = number
        self.connection = connection
        self.unpacker = Unpacker()
        self.outgoing = bytearray()
        self.trades = False


class Exchange:
    """The loop: requests and timers in, books on the disk, then replies and pushes out.

    Args:
        address: Where it listens.
        books: Its books; what is open there goes on trading.
        seed: Draws what goes wrong, and how orders trade.
        always: What goes wrong every time, and nothing else; by default what the seed draws.
    """

    def __init__(self, address: Path, books: Books, seed: int, always: Sequence[str] = ()) -> None:
        self._chance = random.Random(seed)
        self._mischief = Mischief(self._chance, always)
        self._books = books
        self._numbers = itertools.count(books.last_line() + 1)
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._lines: dict[int, Line] = {}
        self._unsent: list[tuple[Line, Message]] = []
        self._is_calm = False
        self._on_the_way = 0  # orders that arrived and are not taken yet
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        address.unlink(missing_ok=True)
        self._listener.bind(str(address))
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        for order in books.working():
            self._trade_later(order)

    def run(self) -> None:
        """Trade until stdin ends: whoever opened it is gone."""
        while True:
            for key, events in self._selector.select(self._patience()):
                line: Line | None = key.data
                if key.fileobj is sys.stdin:
                    return
                if line is None:
                    self._accept()
                elif events & selectors.EVENT_READ:
                    self._receive(line)
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()
            self._books.keep()
            self._send()

    # ------------------------------------------------------------ lines

    def _patience(self) -> float | None:
        return max(self._timers[0][0] - time.monotonic(), 0.0) if self._timers else None

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        line = Line(next(self._numbers), connection)
        self._lines[line.number] = line
        self._selector.register(connection, selectors.EVENT_READ, line)

    def _receive(self, line: Line) -> None:
        try:
            data = line.connection.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(line)
            return
        for message in line.unpacker.feed(data):
            self._books.begin()
            self._asked(line, message)

    def _drop(self, line: Line) -> None:
        if self._lines.pop(line.number, None) is not None:
            self._selector.unregister(line.connection)
            line.connection.close()

    def _send(self) -> None:
        for line, message in self._unsent:
            line.outgoing += pack(message)
        self._unsent.clear()
        for line in list(self._lines.values()):
            try:
                while line.outgoing:
                    del line.outgoing[: line.connection.send(line.outgoing[: 1 << 18])]
            except BlockingIOError:
                pass  # whoever is behind it does not read; what waits goes out when he does
            except OSError:
                self._drop(line)
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.outgoing else 0)
            self._selector.modify(line.connection, wanted, line)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), action))

    # ------------------------------------------------------------ requests

    def _asked(self, line: Line, message: Message) -> None:
        do, name = message["do"], message.get("name")
        self._books.arrive(line.number, do, name)
        match do:
            case "hello":
                line.trades = True
                self._answer(line, message, {"ok": True})
            case "calm":
                self._calm()
                self._unsent.append((line, {"ok": True}))
            case "mark" | "working":
                working, on_the_way = len(self._books.working()), self._on_the_way
                self._unsent.append((line, {"ok": True, "working": working, "on_the_way": on_the_way}))
            case "snapshot" if self._mischief.strikes("failed query"):
                self._answer(line, message, {"failed": "the exchange cannot answer now"})
            case "snapshot":
                self._books.arrive(line.number, "served", None)
                self._answer(line, message, {"ok": self._books.snapshot(message["since"])})
            case "submit" if self._mischief.strikes("late order"):
                self._on_the_way += 1
                self._later(self._chance.choice(LATE), lambda: self._take_late(line, message))
            case "submit":
                self._take(line, message)
            case _:
                self._change(line, message)
        if line.trades and self._mischief.strikes("cut line"):
            self._later(self._chance.uniform(0.0, 0.01), lambda: self._drop(line))

    def _take_late(self, line: Line, message: Message) -> None:
        self._on_the_way -= 1
        self._take(line, message)

    def _take(self, line: Line, message: Message) -> None:
        self._books.begin()
        if self._mischief.strikes("refusal"):
            self._answer(line, message, {"refused": "the exchange does not want it"})
        elif self._mischief.strikes("listed refusal"):
            order = self._books.take(message["order"], "rejected", "the exchange does not want it")
            self._push(order, "report")
            self._answer(line, message, {"refused": order["reason"]})
        else:
            order = self._books.take(message["order"])
            self._trade_later(order)
            if self._chance.random() < 0.3:
                self._push(order, "report")
            self._answer(line, message, {"ok": order["broker_order_id"]})

    def _change(self, line: Line, message: Message) -> None:
        try:
            order = self._books.order(message["name"])
        except LookupError as error:
            self._answer(line, message, {"refused": str(error)})
            return
        match message["do"]:
            case "status":
                self._answer(line, message, {"ok": order["status"]})
            case _ if order["status"] != WORKING:
                self._answer(line, message, {"refused": f"order {message['name']} is {order['status']}"})
            case "cancel":
                delay = self._chance.choice([AT_ONCE, 0.02, 0.2])
                self._later(delay, lambda: self._end(order["broker_order_id"], "cancelled"))
                self._answer(line, message, {"ok": True})
            case "replace" if message["quantity"] <= order["filled_qty"]:
                self._answer(line, message, {"refused": f"{order['filled_qty']} are filled"})
            case "replace":
                changed = self._books.replace(message["name"], message["quantity"], message["limit_price"])
                self._push(changed, "report")
                self._answer(line, message, {"ok": True})
            case unknown:
                raise ValueError(f"line {line.number} asks the exchange to {unknown}, which it cannot")

    def _answer(self, line: Line, message: Message, answer: Message) -> None:
        if self._mischief.strikes("lost reply"):
            return
        reply = {"id": message["id"], **answer}
        if self._mischief.strikes("slow reply"):
            self._later(self._chance.choice([0.05, 0.3, 1.2]), lambda: self._unsent.append((line, reply)))
        else:
            self._unsent.append((line, reply))

    # ------------------------------------------------------------ the market

    def _trade_later(self, order: Row) -> None:
        if self._is_calm:
            delay = self._chance.uniform(0.0, 0.1)
        elif order["order_type"] == "market":
            delay = self._chance.expovariate(1 / 0.08)
        else:
            delay = self._chance.expovariate(1 / self._chance.choice([0.05, 0.5, 3.0]))
        self._later(delay, lambda: self._trade(order["broker_order_id"]))

    def _trade(self, broker_order_id: str) -> None:
        self._books.begin()
        order = self._books.order(broker_order_id)
        if order["status"] != WORKING:
            return
        if order["order_type"] == "limit" and self._chance.random() < 0.05:
            self._end(broker_order_id, "expired")
            return
        left = order["quantity"] - order["filled_qty"]
        part = left if self._chance.random() < 0.5 else self._chance.randint(1, left)
        price = order["limit_price"] or f"{100 + self._chance.randrange(-50, 50) / 100:.2f}"
        fill, order = self._books.trade(order, part, price)
        self._push(fill, "fill")
        if order["status"] == WORKING:
            self._trade_later(order)
        elif self._chance.random() < 0.5:
            self._push(order, "report")

    def _end(self, broker_order_id: str, status: str) -> None:
        self._books.begin()
        if self._books.order(broker_order_id)["status"] == WORKING:
            self._push(self._books.end(broker_order_id, status), "report")

    def _push(self, what: Row, kind: str) -> None:
        if self._mischief.strikes("dropped push"):
            return
        for _ in range(2 if self._mischief.strikes("doubled push") else 1):
            if self._mischief.strikes("delayed push"):
                self._later(self._chance.uniform(0.0, 0.4), lambda: self._push_now({"push": kind, kind: what}))
            else:
                self._push_now({"push": kind, kind: what})

    def _push_now(self, message: Message) -> None:
        self._unsent += [(line, message) for line in self._lines.values() if line.trades]

    def _calm(self) -> None:
        """Play no more tricks, and let every open order trade soon."""
        self._is_calm = True
        self._mischief.calm()
        for order in self._books.working():
            self._trade_later(order)


RATES = {
    "late order": 0.02,
    "lost reply": 0.02,
    "slow reply": 0.1,
    "refusal": 0.03,
    "listed refusal": 0.03,
    "dropped push": 0.15,
    "doubled push": 0.15,
    "delayed push": 0.2,
    "failed query": 0.1,
    "cut line": 0.01,
}
"""How often at most each thing goes wrong."""


def main() -> None:
    """Run an exchange until it is killed, or left alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", type=Path)
    parser.add_argument("books", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--always", action="append", default=[], choices=list(RATES), help="goes wrong every time")
    options = parser.parse_args()
    exchange = Exchange(options.address, Books(options.books), options.seed, options.always)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    exchange.run()


if __name__ == "__main__":
    main()

"""An exchange in a process of its own, as a broker's is: a paper broker behind a socket, and the port to reach it.

A simulated exchange remembers every order for good, and inside the system's process its books would be counted as the
system's. Here they are not: what is measured holds what a real broker's client would hold, and no more.

    python -m benchmarks.soak_exchange exchange SOCKET BOOK DELAY   the exchange, until it is terminated
    python -m benchmarks.soak_exchange run SOCKET -c CONFIG         `order-actors run` with that exchange as its broker
"""

import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any
from unittest import mock

from actors import Order, OrderStatus, PaperBroker
from actors.broker.base import Capabilities, ConnectionCallback, FillCallback, OrderCallback, Quote, VenueSnapshot
from actors.broker.paper.terms import CAPABILITIES
from actors.cli.main import main as order_actors
from actors.errors import BrokerUnclear

_NEWS = "news"


class DistantExchange:
    """The broker port of an exchange in another process; each of the caller's threads has a connection of its own."""

    absence_proves_unsent = False

    def __init__(self, address: str) -> None:
        self._address = address
        self._own = threading.local()
        self._fill: FillCallback = lambda _fill: None
        self._report: OrderCallback = lambda _report: None
        self._news: Connection | None = None

    def connect(self) -> None:
        if self._news is None:
            self._news = Client(self._address)
            self._news.send((_NEWS, ()))
            threading.Thread(target=self._listen, args=(self._news,), name="exchange-news", daemon=True).start()

    def submit_order(self, order: Order) -> str:
        return str(self._call("submit_order", order))

    def cancel_order(self, broker_order_id: str) -> bool:
        return bool(self._call("cancel_order", broker_order_id))

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        return bool(self._call("replace_order", broker_order_id, quantity, limit_price, stop_price))

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        return OrderStatus(self._call("get_order_status", broker_order_id))

    def snapshot(self, since: datetime) -> VenueSnapshot:
        found: VenueSnapshot = self._call("snapshot", since)
        return found

    def quotes(self) -> Sequence[Quote]:
        found: Sequence[Quote] = self._call("quotes")
        return found

    def capabilities(self, symbol: str) -> Capabilities:
        return CAPABILITIES

    def subscribe_fills(self, callback: FillCallback) -> None:
        self._fill = callback

    def subscribe_orders(self, callback: OrderCallback) -> None:
        self._report = callback

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        """Take no note: the exchange outlives the system."""

    def close(self) -> None:
        if self._news is not None:
            self._news.close()

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - each method knows what it gets
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = Client(self._address)
        connection.send((method, arguments))
        said, value = connection.recv()
        if said == "error":
            raise BrokerUnclear(value)
        return value

    def _listen(self, news: Connection) -> None:
        while True:
            try:
                kind, value = news.recv()
            except (EOFError, OSError):
                return
            (self._fill if kind == "fill" else self._report)(value)


def serve(address: str, book: Path, fill_delay: float) -> None:
    """Run the exchange; whoever asks for the news gets all that happens from then on."""
    exchange = PaperBroker(fill_delay, book=book)
    with Listener(address, backlog=16) as listener:
        print("ready", flush=True)
        while True:
            connection = listener.accept()
            threading.Thread(target=_answer, args=(exchange, connection), daemon=True).start()


def _answer(exchange: PaperBroker, connection: Connection) -> None:
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            return
        if method == _NEWS:
            exchange.subscribe_fills(lambda fill: connection.send(("fill", fill)))
            exchange.subscribe_orders(lambda report: connection.send(("report", report)))
            return
        try:
            answer = "done", getattr(exchange, method)(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            answer = "error", repr(error)
        connection.send(answer)


if __name__ == "__main__":
    role, place, *rest = sys.argv[1:]
    if role == "exchange":
        serve(place, Path(rest[0]), float(rest[1]))
    with mock.patch("actors.system.build_broker", return_value=DistantExchange(place)):
        sys.argv = ["order-actors", "run", *rest]
        order_actors()

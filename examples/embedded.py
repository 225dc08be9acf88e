"""The trading system inside a program of your own: submit, follow, cancel, halt, read the books.

    .venv/bin/python examples/embedded.py [DIRECTORY]

Trades on paper and keeps its books in DIRECTORY (``embedded-data`` by default); run it twice and it goes on with them.
"""

import logging
import sys
from decimal import Decimal
from queue import SimpleQueue

from actors import BrokerSettings, OrderStatus, PaperSettings, RequestRefused, Settings, Signal, TradingSystem
from actors.publisher.subscribers import EventView


def main(directory: str = "embedded-data") -> None:
    """Trade a little."""
    logging.basicConfig(level=logging.WARNING)
    # market_mode: limit orders rest until the price reaches them, as they would on an exchange.
    paper = PaperSettings(fill_delay=0.05, default_price=Decimal(100), market_mode=True)
    settings = Settings(account_id="EXAMPLE", data_dir=directory, broker=BrokerSettings(paper=paper))

    with TradingSystem(settings) as system:
        # Called in a thread of its own with every event committed from now on.
        events: SimpleQueue[EventView] = SimpleQueue()
        subscription = system.subscribe(events.put)

        bought = system.submit(Signal("example", "AAPL", "buy", 100)).result(timeout=10)
        print(f"order {bought.order_id} is {bought.status.value} as {bought.broker_order_id}")
        while (event := events.get(timeout=10)).type != "fill.booked":
            print(f"  event {event.seq}: {event.type}")

        # Far from the market: it rests until it is cancelled.
        cheap = Signal("example", "AAPL", "buy", 50, order_type="limit", limit_price=Decimal("80.00"))
        resting = system.submit(cheap).result(timeout=10)
        same = system.submit(cheap).result(timeout=10)  # the same signal_id again: the order that is there
        print(f"resting {resting.order_id}; asked again: {same.order_id}")
        system.cancel(resting.order_id)

        # A refused order is a result, not an exception.
        system.halt("show what a halt does")
        denied = system.submit(Signal("example", "AAPL", "buy", 1)).result(timeout=10)
        print(f"while halted: {denied.status.value}, {denied.error_message}")
        system.resume()

        try:
            system.cancel(denied.order_id)
        except RequestRefused as error:
            print(f"refused: {error}")

        subscription.unsubscribe()
        for fill in system.fills(strategy_id="example"):
            print(f"fill {fill.fill_id}: {fill.side} {fill.quantity} {fill.symbol} at {fill.price}")
        for position in system.positions():
            print(f"position {position.strategy_id} {position.symbol}: {position.quantity} at {position.avg_price}")
        unclear = [o for o in system.active_orders().values() if o.status is OrderStatus.UNKNOWN]
        print(f"{len(unclear)} orders need a look")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A trading system on Futu that is there to be killed: takes its signals, says ready, trades; at last tells its books.

python -m tests.broker.futu.trader PORT ENVIRONMENT DIRECTORY SIGNALS [finish]
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from actors import Settings, Signal, TradingSystem
from actors.broker.futu.broker import FutuBroker
from actors.settings import RecoverySettings
from tests.broker.futu.making import ACCOUNTS_OF, arm_account, settings

_MADE = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def main(port: str, environment: str, directory: str, signals: str, finish: str = "") -> None:
    """Trade until it is killed; with ``finish`` until every order is filled, and tell what was booked."""
    chosen = settings(int(port), trade_env=environment, acc_id=ACCOUNTS_OF[environment])
    broker = FutuBroker(chosen, Path(directory))
    for budget in vars(broker.budgets).values():
        budget._spacing = 0.0
        budget._limit = 1_000
    recovery = RecoverySettings(settle_window=3.0)
    arm_account(Path(directory))
    with TradingSystem(Settings(account_id="A", data_dir=directory, recovery=recovery), broker) as system:
        made = min([_MADE, *(order.signal_at or _MADE for order in system.get_orders_by_strategy("s"))])
        for number in range(int(signals)):
            system.submit(
                Signal(
                    "s",
                    "US.AAPL",
                    "buy",
                    100,
                    order_type="limit",
                    limit_price=Decimal(90),
                    signal_id=f"S{number}",
                    timestamp=made,
                )
            )
        print("ready", flush=True)  # noqa: T201 - it is how it tells
        if not finish:
            threading.Event().wait()
        deadline = time.monotonic() + 50
        while system.active_orders() or len(system.get_orders_by_strategy("s")) < int(signals):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        time.sleep(0.2)
        fills = [(fill.order_id, fill.quantity, str(fill.price)) for fill in system.fills()]
        orders = {order.order_id: order.status.value for order in system.get_orders_by_strategy("s")}
        positions = {position.symbol: 0 for position in system.positions()}
        for position in system.positions():
            positions[position.symbol] += position.quantity
        print(json.dumps({"orders": orders, "fills": fills, "positions": positions}), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main(*sys.argv[1:])

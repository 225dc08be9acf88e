"""How fast the kill switch stops trading under load: time to the last new order, and to every cancel asked for.

    python benchmarks/kill_switch.py --trips 1000

Signals are submitted all the time, most as limit orders that rest at the paper broker. At random moments trading is
halted, in turn by the call and by the file; then everything is awaited, the broker's confirmation included, and trading
is resumed. A send counts from the moment the broker is called.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from actors import Order, PaperBroker, Settings, Signal, TradingSystem
from actors.errors import OrderActorsError

LIMIT_MS = 250.0


class Watched(PaperBroker):
    """A paper broker where limit orders rest, that notes when it was called."""

    def __init__(self) -> None:
        super().__init__(fill_delay=0.001, market_mode=True)
        self.submits: list[float] = []
        self.cancels: list[float] = []

    def submit_order(self, order: Order) -> str:
        self.submits.append(time.monotonic())
        return super().submit_order(order)

    def cancel_order(self, broker_order_id: str) -> bool:
        self.cancels.append(time.monotonic())
        return super().cancel_order(broker_order_id)


class Feeder(threading.Thread):
    """Submits signals at a rate, until it is stopped; those of a halted system are rejected, which costs the same."""

    def __init__(self, system: TradingSystem, rate: float) -> None:
        super().__init__(daemon=True)
        self._system = system
        self._pause = 1 / rate
        self._ended = threading.Event()
        self.count = 0

    def run(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            self.count += 1
            rests = self.count % 4 != 0
            self._system.submit(
                Signal(
                    "bench",
                    "US.AAPL",
                    "buy",
                    1,
                    order_type="limit" if rests else "market",
                    limit_price=Decimal(50) if rests else None,
                )
            )
            due = max(due + self._pause, time.monotonic() - 0.1)
            time.sleep(max(due - time.monotonic(), 0))

    def stop(self) -> None:
        self._ended.set()
        self.join()


class Trip:
    """What one halt took, in milliseconds from the moment it was asked for."""

    def __init__(self, began: float, broker: Watched, *, durable: float, confirmed: float) -> None:
        late = [moment for moment in broker.submits if moment > began]
        cancels = [moment for moment in broker.cancels if moment > began]
        self.last_send = (max(late, default=began) - began) * 1000
        self.last_cancel = (max(cancels, default=began) - began) * 1000
        self.cancels = len(cancels)
        self.durable = (durable - began) * 1000
        self.confirmed = (confirmed - began) * 1000


def trip(system: TradingSystem, broker: Watched, file: Path, *, by_file: bool) -> Trip:
    """Halt, wait for the broker's confirmation, and resume."""
    broker.submits.clear()
    broker.cancels.clear()
    began = time.monotonic()
    if by_file:
        file.touch()
        while system.health()["control"]["state"] != "halted":
            time.sleep(0.002)
    else:
        system.halt("benchmark")
    durable = time.monotonic()
    while system.health()["control"].get("done_at") is None:
        if time.monotonic() - began > 30:
            raise OrderActorsError(f"not confirmed within 30 s: {system.health()}")
        time.sleep(0.005)
    done = Trip(began, broker, durable=durable, confirmed=time.monotonic())
    file.unlink(missing_ok=True)
    system.resume("benchmark")
    while system.halted() is not None:
        time.sleep(0.001)
    return done


def figures(name: str, values: Sequence[float]) -> str:
    ordered = sorted(values)
    last = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    return f"{name:<42} median {statistics.median(ordered):8.2f}   p99 {last:8.2f}   max {ordered[-1]:8.2f} ms"


def main() -> int:
    """Run the trips and print the figures; exit code 1 when anything was sent later than promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=100, help="how many halts (default 100)")
    parser.add_argument("--rate", type=float, default=500.0, help="signals per second (default 500)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default 1)")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    trips: list[Trip] = []
    with tempfile.TemporaryDirectory() as directory:
        broker = Watched()
        settings = Settings(account_id="BENCH", data_dir=directory)
        with TradingSystem(settings, broker=broker) as system:
            feeder = Feeder(system, options.rate)
            feeder.start()
            for number in range(options.trips):
                time.sleep(chance.uniform(0.01, 0.1))
                trips.append(trip(system, broker, Path(directory) / "HALT", by_file=number % 2 == 1))
            feeder.stop()
    print(f"{len(trips)} trips under {options.rate:g} signals/s, {feeder.count:,} signals, half of the trips by file")
    print(figures("from the call to the last order sent", [t.last_send for t in trips[::2]]))
    print(figures("from the file to the last order sent", [t.last_send for t in trips[1::2]] or [0.0]))
    print(figures("to the last cancel asked for", [t.last_cancel for t in trips]))
    print(figures("to the halt being durable", [t.durable for t in trips]))
    print(figures("to the broker's confirmation", [t.confirmed for t in trips]))
    print(f"cancels asked for: {sum(t.cancels for t in trips):,}, at most {max(t.cancels for t in trips)} in one trip")
    late = sum(t.last_send > LIMIT_MS for t in trips)
    print(f"trips with an order sent after {LIMIT_MS:g} ms: {late}")
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Kills ``opend-sim`` while clients trade, and compares what they were told with what its books hold.

    python -m tests.opend.campaign --rounds 200 --seed 1

Each round starts the program on the books of the one before, has two clients place, cancel and listen, kills it with
SIGKILL after a while that is drawn, and asks the next one. What was acknowledged or pushed must be there, and nothing
may be there twice.
"""

import argparse
import signal
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from actors.testing.opend import frames, messages, order_messages
from actors.testing.opend.codec import Malformed, decode, embedded
from actors.testing.opend.protocol import OrderStatus, Proto
from tests.opend.client import REAL
from tests.opend.program import Program
from tests.opend.wire import Wire

HEADER = messages.TrdHeader(trd_env=1, acc_id=REAL, trd_market=2)
ENDED = (OSError, EOFError)


class Told:
    """What clients were told, of all rounds."""

    def __init__(self) -> None:
        self.orders: dict[str, str] = {}  # by remark: the order id
        self.deals: dict[int, float] = {}
        self.cancelled: set[str] = set()


def trade(program: Program, told: Told, draw: Random, name: str) -> None:
    """Place and cancel until the connection ends."""
    with suppress(*ENDED), Wire(program) as wire:
        for number in range(100_000):
            remark = f"{name}-{number}"
            packet = order_messages.PacketID(conn_id=draw.getrandbits(60), serial_no=number)
            order = order_messages.PlaceOrder(
                packet_id=packet,
                header=HEADER,
                trd_side=draw.choice((1, 2)),
                order_type=draw.choice((1, 2)),
                code="AAPL",
                qty=float(draw.randint(1, 30)),
                price=100.0,
                sec_market=2,
                remark=remark,
            )
            taken = decode(order_messages.OrderTaken, embedded(wire.ask(Proto.PLACE_ORDER, order), 4))
            told.orders[remark] = taken.order_id_ex
            if draw.random() < 0.3:
                cancel = order_messages.ModifyOrder(
                    packet_id=order_messages.PacketID(conn_id=draw.getrandbits(60), serial_no=number),
                    header=HEADER,
                    modify_order_op=2,
                    order_id_ex=taken.order_id_ex,
                )
                with suppress(Malformed):  # it was filled before
                    embedded(wire.ask(Proto.MODIFY_ORDER, cancel), 4)
                    told.cancelled.add(taken.order_id_ex)


def listen(program: Program, told: Told) -> None:
    """Note every deal that is pushed until the connection ends."""
    with suppress(*ENDED), Wire(program) as wire:
        wire.ask(Proto.SUB_ACC_PUSH, messages.SubAccPush(acc_id_list=(REAL,)))
        while True:
            frame: frames.Frame = wire.receive()
            if frame.proto == Proto.UPDATE_ORDER_FILL:
                deal = decode(order_messages.OrderFillUpdate, embedded(frame.body, 4)).order_fill
                told.deals[deal.fill_id] = deal.qty


def compare(program: Program, told: Told) -> tuple[int, int]:
    """Check the books against what was told, and return how many orders and deals they hold."""
    with Wire(program) as wire:
        reply = wire.ask(Proto.GET_ORDER_LIST, order_messages.GetOrderList(header=HEADER, refresh_cache=True))
        orders = decode(order_messages.OrderList, embedded(reply, 4)).order_list
        asked = order_messages.GetHistoryOrderFillList(header=HEADER, filter=messages.Filter())
        reply = wire.ask(Proto.GET_HISTORY_ORDER_FILL_LIST, asked)
        deals = decode(order_messages.OrderFillList, embedded(reply, 4)).order_fill_list
    found = {order.remark: order.order_id_ex for order in orders}
    assert len(found) == len(orders), "an order is there twice"
    missing = {remark for remark, order_id in told.orders.items() if found.get(remark) != order_id}
    assert not missing, f"acknowledged and gone: {sorted(missing)}"
    made = {deal.fill_id: deal.qty for deal in deals}
    assert len(made) == len(deals), "a deal is there twice"
    assert told.deals.items() <= made.items(), "a deal was pushed and is gone"
    for order in orders:
        filled = sum(deal.qty for deal in deals if deal.order_id_ex == order.order_id_ex)
        final = OrderStatus(order.order_status).final
        assert order.fill_qty == filled or (not final and order.fill_qty < filled), order  # it went on trading
    working = {order.order_id_ex for order in orders if order.order_status in (1, 2, 5, 10)}
    assert not told.cancelled & working, "a cancel was taken and the order works"
    return len(orders), len(deals)


def run(rounds: int, seed: int, directory: Path) -> tuple[int, int]:
    """Run the campaign and return how many orders and deals there are in the end."""
    draw, told = Random(seed), Told()
    options = ("--unlocked", "--no-limits", "--fill-delay", "0.002", "--cancel-delay", "0.05", "--seed", str(seed))
    for number in range(rounds):
        with Program(directory, *options) as program:
            compare(program, told)
            traders = [
                threading.Thread(target=trade, args=(program, told, Random(f"{seed}-{number}"), f"r{number}")),
                threading.Thread(target=listen, args=(program, told)),
            ]
            for trader in traders:
                trader.start()
            time.sleep(draw.uniform(0.05, 0.4))
            program.end(signal.SIGKILL)
            for trader in traders:
                trader.join()
    with Program(directory, *options) as program:
        return compare(program, told)


def main() -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        orders, deals = run(arguments.rounds, arguments.seed, Path(directory))
    print(f"{arguments.rounds} kills: {orders} orders and {deals} deals, all as they were told")  # noqa: T201


if __name__ == "__main__":
    main()

"""The promises as comparisons of books. ``always`` holds at every moment, ``settled`` once everything has ended.

Each function tells what is wrong, one line each, that begins with the promise's id. Standard library only.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from tests.process.evidence import Evidence, Row

ACCEPTED = {"order", "rejected", "expired", "command"}
FINAL = {"filled", "cancelled", "rejected", "expired"}


def always(seen: Evidence) -> Iterator[str]:
    """Tell what must never be so, however much is still under way."""
    yield from _requests(seen)
    yield from _first_a_query(seen)
    yield from _halts(seen)
    yield from _sources(seen)
    yield from _ledger(seen)
    yield from _sums(seen)
    yield from _outcomes(seen)
    yield from _ends(seen)
    yield from _checkpoint(seen)


def settled(seen: Evidence) -> Iterator[str]:
    """Tell what must not be left once the queue is worked off and no order works any more."""
    yield from always(seen)
    yield from _all_fills(seen)
    yield from _same_ends(seen)
    yield from _all_entries(seen)
    yield from _same_positions(seen)
    for place, count in seen.left_in_queue.items():
        if count:
            yield f"I6: {count} entries are left in the queue ({place})"


# ---------------------------------------------------------------- at every moment


def _requests(seen: Evidence) -> Iterator[str]:
    submits = Counter(row["name"] for row in seen.arrivals if row["kind"] == "submit")
    for name, count in submits.items():
        if count > 1:
            yield f"I2: order {name} arrived {count} times"
        order = seen.orders.get(name)
        if order is None:
            yield f"I1: order {name} arrived and the store does not know it"
        elif order["sent_at"] is None:
            yield f"I1: order {name} arrived and the store calls it unsent ({order['status']})"
    known = [(seen.orders[name]["order_no"], name) for name in submits if name in seen.orders]
    for (before, first), (after, second) in pairwise(known):
        if after < before:
            yield f"I11: order {second} was taken in before {first} and arrived after it"


def _first_a_query(seen: Evidence) -> Iterator[str]:
    queried: set[int] = set()
    venues: set[int] = set()
    for row in seen.arrivals:
        match row["kind"]:
            case "hello" if row["name"] == "venue":
                venues.add(row["line"])
            case "served":
                queried.add(row["line"])
            case "submit" if row["line"] in venues and row["line"] not in queried:
                yield f"I14: order {row['name']} came over line {row['line']} before a query was answered there"


def _halts(seen: Evidence) -> Iterator[str]:
    halted = False
    for row in seen.arrivals:
        if row["kind"] == "mark":
            halted = row["name"] == "halted"
        elif halted and row["kind"] == "submit":
            yield f"I13: order {row['name']} was sent by a system that started halted"


def _sources(seen: Evidence) -> Iterator[str]:
    wanted = {row["name"]: json.loads(row["payload"]) for row in seen.pushed if row["kind"] == "signal"}
    rows = {row["order_id"]: row for row in seen.signals if row["outcome"] in ACCEPTED and row["outcome"] != "command"}
    signals = Counter(order["signal_id"] for order in seen.orders.values())
    for order_id, order in seen.orders.items():
        first = _continued(seen, order)
        said = wanted.get(first["signal_id"])
        if order["strategy_id"] == "EXTERNAL":
            yield f"I26: order {order_id} (broker's {order['broker_order_id']}) is called not ours; nobody else trades"
        elif said is None or first["order_id"] not in rows:
            yield f"I7: order {order_id} has no signal on record"
        elif (said["symbol"], said["action"]) != (order["symbol"], order["side"]):
            yield f"I7: order {order_id} is not what its signal says"
        elif first is order and signals[order["signal_id"]] > 1:
            yield f"I2: signal {order['signal_id']} has {signals[order['signal_id']]} orders"


def _continued(seen: Evidence, order: Row) -> Row:
    """Return the order with which a chain of orders began: where a broker replaces none, another one goes on (.r1)."""
    while order["parent_id"] is not None and order["order_id"].startswith(f"{order['parent_id']}.r"):
        order = seen.orders[order["parent_id"]]
    return order


def _ledger(seen: Evidence) -> Iterator[str]:
    for fill_id, count in Counter(fill["fill_id"] for fill in seen.fills).items():
        if count > 1:
            yield f"I3: fill {fill_id} is booked {count} times"
    by_broker_id = {order["broker_order_id"]: order for order in seen.true_orders}
    for place, fill in enumerate(seen.fills, 1):
        true = seen.true_fills.get(fill["fill_id"])
        if fill["seq"] != place:
            yield f"I3: fill {fill['fill_id']} has number {fill['seq']} and stands at place {place}"
        if true is None:
            yield f"I3: fill {fill['fill_id']} is booked and the exchange does not know it"
        elif _deal(true, true["broker_order_id"]) != _deal(fill, fill["order_id"]):
            yield f"I3: fill {fill['fill_id']} is not booked as the exchange has it"
        elif by_broker_id[true["broker_order_id"]]["client_order_id"] != fill["client_order_id"]:
            yield f"I3: fill {fill['fill_id']} is booked to order {fill['client_order_id']}, which it is not of"


def _deal(fill: Row, broker_order_id: str) -> tuple[object, ...]:
    return (broker_order_id, fill["symbol"], fill["side"], fill["quantity"], Decimal(fill["price"]))


def _sums(seen: Evidence) -> Iterator[str]:
    booked: defaultdict[str, int] = defaultdict(int)
    for fill in seen.fills:
        booked[fill["client_order_id"]] += fill["quantity"]
    for order_id, order in seen.orders.items():
        if order["filled_qty"] != booked[order_id]:
            yield f"I5: order {order_id} keeps {order['filled_qty']} filled, its fills are {booked[order_id]}"
        if order["filled_qty"] > order["quantity"]:
            yield f"I5: order {order_id} is filled {order['filled_qty']} of {order['quantity']}"


def _outcomes(seen: Evidence) -> Iterator[str]:
    attempts: Counter[str | None] = Counter()
    for row in seen.pushed:
        attempts[row["name"]] += row["attempts"]
    for place, row in enumerate(seen.signals, 1):
        if row["seq"] != place:
            yield f"I6: signal row {row['seq']} stands at place {place}"
    for name, count in Counter(row["signal_id"] for row in seen.signals).items():
        if count > attempts[name]:
            yield f"I6: {name} was pushed {attempts[name]} times and has {count} rows"
    taken = Counter(row["signal_id"] for row in seen.signals if row["outcome"] in ACCEPTED)
    for name, count in taken.items():
        if count > 1:
            yield f"I6: {name} was taken {count} times"


def _ends(seen: Evidence) -> Iterator[str]:
    """An end that the broker alone can bring is never in our books before it is in the broker's."""
    true = {order["broker_order_id"]: order for order in seen.true_orders}
    for order_id, order in seen.orders.items():
        if order["broker_order_id"] is None or order["status"] not in FINAL:
            continue
        there = true.get(order["broker_order_id"])
        if there is None:
            yield f"I8: order {order_id} has broker id {order['broker_order_id']}, which the exchange never gave"
        elif there["status"] != order["status"]:
            yield f"I8: order {order_id} is {order['status']}; at the exchange it is {there['status']}"


def _checkpoint(seen: Evidence) -> Iterator[str]:
    held: defaultdict[tuple[str, str], int] = defaultdict(int)
    for fill in seen.fills:
        if fill["seq"] <= seen.portfolio:
            held[fill["strategy_id"], fill["symbol"]] += _signed(fill)
    kept = {(row["strategy_id"], row["symbol"]): row["quantity"] for row in seen.positions}
    for key in held.keys() | kept.keys():
        if held[key] != kept.get(key, 0):
            yield f"I4: the checkpoint holds {kept.get(key, 0)} of {key}, its fills are {held[key]}"


def _signed(fill: Row) -> int:
    return int(fill["quantity"]) if fill["side"] == "buy" else -int(fill["quantity"])


# ---------------------------------------------------------------- in the end


def _all_fills(seen: Evidence) -> Iterator[str]:
    for fill_id in seen.true_fills.keys() - {fill["fill_id"] for fill in seen.fills}:
        yield f"I3: fill {fill_id} is not booked"


def _same_ends(seen: Evidence) -> Iterator[str]:
    true = {order["client_order_id"]: order for order in seen.true_orders}
    for order_id, order in seen.orders.items():
        there = true.get(order_id)
        if order["status"] not in FINAL:
            yield f"I9: order {order_id} is still {order['status']}"
        elif there is None and order["broker_order_id"] is None:
            if order["sent_at"] is not None and order["status"] != "rejected":
                yield f"I9: order {order_id} was sent, the exchange has none, and it is {order['status']}"
        elif there is None:
            yield f"I8: order {order_id} has a broker id and the exchange has no such order"
        elif (there["status"], there["quantity"]) != (order["status"], order["quantity"]):
            yield (
                f"I8: order {order_id} is {order['status']} of {order['quantity']}; "
                f"at the exchange it is {there['status']} of {there['quantity']}"
            )


def _all_entries(seen: Evidence) -> Iterator[str]:
    rows: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for row in seen.signals:
        rows[row["signal_id"]][row["outcome"]] += 1
    bounds: defaultdict[tuple[str | None, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in seen.pushed:
        sort = "bad" if row["kind"] in ("conflict", "rubbish") else "good"
        bounds[row["name"], sort][0] += row["acknowledged"]
        bounds[row["name"], sort][1] += row["attempts"]
    for (name, sort), (least, most) in bounds.items():
        found = rows[name]
        good = sum(found[outcome] for outcome in (*ACCEPTED, "duplicate"))
        count = found["dead_letter"] if sort == "bad" else good
        if not least <= count <= most:
            yield f"I6: {name} was acknowledged {least} times of {most} and has {count} rows of the {sort} sort"
        if sort == "good" and least and sum(found[outcome] for outcome in ACCEPTED) != 1:
            yield f"I6: {name} was not taken exactly once: {dict(found)}"
    letters = Counter(seen.dead_letters)
    for row in seen.pushed:
        if row["kind"] == "rubbish" and letters[row["payload"]] < row["acknowledged"]:
            yield f"I19: the rubbish of row {row['number']} is no dead letter"


def _same_positions(seen: Evidence) -> Iterator[str]:
    ours: defaultdict[str, int] = defaultdict(int)
    theirs: defaultdict[str, int] = defaultdict(int)
    for fill in seen.fills:
        ours[fill["symbol"]] += _signed(fill)
    for fill in seen.true_fills.values():
        theirs[fill["symbol"]] += _signed(fill)
    for symbol in ours.keys() | theirs.keys():
        if ours[symbol] != theirs[symbol]:
            yield f"I4: we hold {ours[symbol]} of {symbol}; at the exchange it is {theirs[symbol]}"
    if seen.parked:
        yield f"I3: {seen.parked} fills are still parked"

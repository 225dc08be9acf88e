"""``why``: the story of one order, from the event log."""

from collections.abc import Sequence

import click
import msgspec

from actors.cli.columns import DEAD_LETTERS, SIGNALS
from actors.cli.output import Column, console, moment, print_json, table_of
from actors.cli.program import Failure, config_option, json_option
from actors.cli.stored import reading
from actors.cli.text import clean
from actors.model import Order, order_id_for
from actors.model.control import TradingControl
from actors.model.reconciliation import RECONCILIATION
from actors.order_manager.working_set import CONTROL
from actors.settings import Settings
from actors.store.reader import StoreReads
from actors.story import CONTEXT, Linked, Standing, StoryLine, begins, linked, standing, tell, words_of


@click.command()
@config_option
@json_option
@click.argument("name", metavar="ORDER_ID")
def why(settings: Settings, *, as_json: bool, name: str) -> None:
    """Tell an order's story: what happened, who asked, what the broker answered, and where it stands now.

    ORDER_ID is our order id, the broker's, or the id of the order's signal.
    """
    with reading(settings) as store:
        order = None if store is None else _find(store, settings.account_id, name)
        signal_id = name if order is None else order.signal_id
        records = [] if store is None or signal_id is None else store.signal_records(signal_id)
        letters = [] if store is None or signal_id is None else store.dead_letters_of(signal_id)
        if store is None or (order is None and not records and not letters):
            raise Failure(f"no order and no signal is known as {name}; `order-actors orders` lists orders")
        lines = [] if order is None else _story(store, order)
        others = [] if order is None else linked(store.linked_orders(order), lines, order)
        now = None if order is None else standing(order, lines, _halted(store))
    if as_json:
        print_json([*lines, *_parts("signal", records), *_parts("dead_letter", letters), *others, *filter(None, [now])])
        return
    out = console()
    if order is not None:
        out.print(f"{order.order_id}  {order.side} {order.quantity:,} {clean(order.symbol)} {order.order_type}")
        out.print()
        for line in lines:
            _print(line)
    for title, table in (
        ("Its signal", table_of(records, SIGNALS, width=out.width) if records else None),
        ("Dead letters", table_of(letters, DEAD_LETTERS, width=out.width) if letters else None),
        ("Linked orders", table_of(others, _LINKED, width=out.width) if others else None),
    ):
        if table is not None:
            out.print(f"\n{title}", style="bold")
            out.print(table)
    if now is not None:
        _print_standing(now)


def _find(store: StoreReads, account_id: str, name: str) -> Order | None:
    order = store.order(name)
    if order is None:
        order = store.orders_by_broker_id([name]).get(name)
    return order if order is not None else store.order(order_id_for(account_id, name))


def _story(store: StoreReads, order: Order) -> list[StoryLine]:
    words = words_of(order)
    lines = tell(store.events_naming(words, CONTEXT, first=store.first_event_from(order.created_at)), order)
    # A clock that was set back hides the beginning from the search by time.
    return lines if begins(lines) else tell(store.events_naming(words, CONTEXT), order)


def _halted(store: StoreReads) -> str | None:
    text = store.controls().get(CONTROL)
    if not text:
        return None
    return msgspec.json.decode(text, type=TradingControl).told


def _parts(part: str, rows: Sequence[msgspec.Struct]) -> list[dict[str, object]]:
    return [{"part": part, **msgspec.structs.asdict(row)} for row in rows]


def _print(line: StoryLine) -> None:
    out = console()
    way = {"sent": "→ ", "answered": "← "}.get(line.broker or "", "  ")
    text = f"{moment(line.at):23}  {line.seq:>9}  {way}{line.what}"
    if line.order_id:
        text += f"  [{line.order_id}]"
    if line.by is not None:
        text += ", found by reconciliation" if line.by == RECONCILIATION else f", asked by {line.by}"
    if line.cause is not None and line.cause not in line.what and line.order_id is None:
        text += f" ({line.cause})"
    style = "bold red" if line.alert else "dim" if line.order_id is not None else None
    out.print(clean(text), style=style, soft_wrap=True)
    changes = [f"{change.name} {change.before or 'none'} → {change.after}" for change in line.changes]
    told = [f"{name} {value}" for name, value in line.details.items()]
    for more in (line.reason, "; ".join(changes), "; ".join(told)):
        if more:
            out.print(f"{'':38}{clean(more)}", style="dim" if more != line.reason else None, soft_wrap=True)


def _print_standing(now: Standing) -> None:
    out = console()
    out.print(f"\nNow {now.status.value}", style="bold")
    for text in now.why:
        out.print(f"  {clean(text)}", soft_wrap=True)


_LINKED: list[Column[Linked]] = [
    Column("order", lambda one: one.order_id),
    Column("status", lambda one: one.status.value),
    Column("what it is", lambda one: one.relation, cut=True),
]

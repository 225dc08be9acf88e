"""``orders``, ``fills``, ``positions``: what the store knows."""

from typing import TypeVar

import click

from actors.cli.columns import FILLS, ORDERS, POSITIONS
from actors.cli.output import print_rows
from actors.cli.program import config_option, json_option
from actors.cli.stored import reading
from actors.model import OrderStatus
from actors.portfolio.view import committed_positions
from actors.settings import Settings

T = TypeVar("T")

_LIMIT = click.IntRange(min=1)


def _newest(rows: list[T], limit: int | None) -> list[T]:
    return rows if limit is None else rows[-limit:]


@click.command()
@config_option
@json_option
@click.option("--strategy", metavar="ID", help="Only this strategy's.")
@click.option("--status", type=click.Choice([status.value for status in OrderStatus]), help="Only those with it.")
@click.option("--live", is_flag=True, help="Only those that may still trade.")
@click.option("--limit", type=_LIMIT, metavar="N", help="Only the newest N.")
def orders(
    settings: Settings, *, as_json: bool, strategy: str | None, status: str | None, live: bool, limit: int | None
) -> None:
    """List orders, oldest first."""
    with reading(settings) as store:
        wanted = None if status is None else OrderStatus(status)
        found = [] if store is None else store.find_orders(strategy, wanted, None if live else limit)
    if live:
        found = _newest([order for order in found if order.is_live], limit)
    print_rows(found, ORDERS, as_json=as_json, title="Orders", none="No orders.")


@click.command()
@config_option
@json_option
@click.option("--order", metavar="ID", help="Only those of this order of ours.")
@click.option("--strategy", metavar="ID", help="Only this strategy's.")
@click.option("--limit", type=_LIMIT, metavar="N", help="Only the newest N.")
def fills(settings: Settings, *, as_json: bool, order: str | None, strategy: str | None, limit: int | None) -> None:
    """List booked fills in the order of the ledger."""
    with reading(settings) as store:
        found = [] if store is None else store.fills(order, strategy)
    print_rows(_newest(found, limit), FILLS, as_json=as_json, title="Fills", none="No fills.")


@click.command()
@config_option
@json_option
@click.option("--strategy", metavar="ID", help="Only this strategy's.")
def positions(settings: Settings, *, as_json: bool, strategy: str | None) -> None:
    """List what each strategy holds and earned; flat ones too."""
    with reading(settings) as store:
        found = [] if store is None else committed_positions(store)
    found = [position for position in found if strategy in (None, position.strategy_id)]
    print_rows(found, POSITIONS, as_json=as_json, title="Positions", none="No positions.")

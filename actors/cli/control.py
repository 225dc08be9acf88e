"""``cancel``, ``replace``, ``cancel-all``, ``halt``, ``resume``, ``reconcile``, ``status``: ask the running system."""

import json
import time
from typing import Any, Final

import click

from actors.cli.output import print_json
from actors.cli.program import Failure, Misuse, config_option, json_option
from actors.cli.running import ask, send
from actors.cli.text import clean
from actors.errors import StoreError
from actors.kill_switch.latch import latch, refuse_while_latched, set_control, whoami
from actors.model import fields
from actors.model.control import TradingControl, TradingState
from actors.runtime.behavior import Unavailable
from actors.runtime.clock import utc_now
from actors.settings import Settings
from actors.store.lock import holder_of


@click.command()
@config_option
@click.argument("order_id")
def cancel(settings: Settings, order_id: str) -> None:
    """Ask for the cancel of an order; done means that the request was taken."""
    click.echo(clean(ask(settings, "cancel", order_id=order_id, by=whoami()).text))


@click.command()
@config_option
@click.argument("order_id")
@click.option("--quantity", type=int, help="The new total, what is filled included.")
@click.option("--limit", metavar="PRICE", help="The new limit price.")
@click.option("--stop", metavar="PRICE", help="The new trigger.")
def replace(settings: Settings, order_id: str, quantity: int | None, limit: str | None, stop: str | None) -> None:
    """Ask for new terms of an order; done means that the request was taken."""
    if quantity is None and limit is None and stop is None:
        raise Misuse("replace: give at least one of --quantity, --limit, --stop")
    for option, text in (("--limit", limit), ("--stop", stop)):
        if text is not None:
            fields.check_price(option, fields.parse_price(option, text))
    if quantity is not None:
        fields.check_quantity("--quantity", quantity)
    answer = ask(
        settings, "replace", order_id=order_id, quantity=quantity, limit_price=limit, stop_price=stop, by=whoami()
    )
    click.echo(clean(answer.text))


@click.command("cancel-all")
@config_option
@click.option("--strategy", metavar="ID", help="Only this strategy's orders.")
@click.option("--symbol", help="Only orders of this symbol.")
def cancel_all(settings: Settings, strategy: str | None, symbol: str | None) -> None:
    """Ask for the cancel of every live order of ours."""
    click.echo(clean(ask(settings, "cancel-all", strategy=strategy, symbol=symbol, by=whoami()).text))


@click.command()
@config_option
@click.option("--reason", default="halted by hand", show_default=True, help="Why, for people.")
@click.option("--keep-orders", is_flag=True, help="Leave the orders at the broker, and those that wait, alone.")
@click.option("--reduce-only", is_flag=True, help="Go on sending orders that shrink a position.")
@click.option("--wait", "patience", type=click.FloatRange(0, 3600), default=5.0, show_default=True, metavar="SECONDS")
def halt(settings: Settings, reason: str, patience: float, *, keep_orders: bool, reduce_only: bool) -> None:
    """Stop new orders and cancel the others, durably; also while no system runs.

    Waits for the broker to confirm that nothing works any more, and says so, or what still does.
    """
    fields.check_text("--reason", reason)
    if holder_of(settings.directory) is None:
        state = TradingState.REDUCING if reduce_only else TradingState.HALTED
        control = TradingControl(reason=reason, by=whoami(), at=utc_now(), state=state, keep_orders=keep_orders)
        try:
            set_control(settings, control, whoami())
        except (StoreError, Unavailable) as error:
            if reduce_only:
                raise
            raise _latched(settings, reason, str(error)) from error
        click.echo(clean(f"trading {state}: {reason} (no system runs; its cancels are asked for at the next start)"))
        return
    answer = send(
        settings, "halt", _HALT_WITHIN, reason=reason, by=whoami(), keep_orders=keep_orders, reduce_only=reduce_only
    )
    if not answer.ok and not reduce_only:
        raise _latched(settings, reason, answer.text)
    if not answer.ok:
        raise Failure(answer.text)
    click.echo(clean(answer.text))
    if not keep_orders and not reduce_only:
        click.echo(clean(_await_stop(settings, patience)))


def _latched(settings: Settings, reason: str, why: str) -> Failure:
    """Halt by the file where nothing else would take it, and return what to tell of that."""
    file = latch(settings, reason)
    return Failure(f"{why}; the file {file} was made, which stops every new order of the system at once")


def _await_stop(settings: Settings, patience: float) -> str:
    """Wait until nothing works any more, and say how that stands."""
    end = time.monotonic() + patience
    while True:
        data = ask(settings, "status").data
        control, live = data["control"], data["live_orders"]
        if control.get("done_at") is not None:
            return f"nothing works any more: confirmed by the broker at {control['done_at']}"
        if time.monotonic() >= end:
            return f"{live} orders still count as live; `order-actors status` tells when all have ended"
        time.sleep(_POLL)


@click.command()
@config_option
@click.option("--by", metavar="NAME", help="The person who takes it on; by default the user at the keyboard.")
@click.option("--reduce-only", is_flag=True, help="Allow orders alone that shrink a position.")
def resume(settings: Settings, by: str | None, *, reduce_only: bool) -> None:
    """Allow new orders again; also while no system runs."""
    name = whoami() if by is None else by
    fields.check_text("--by", name)
    if not name.strip():
        raise Misuse("--by: expected a person's name")
    if holder_of(settings.directory) is not None:
        click.echo(clean(ask(settings, "resume", by=name, reduce_only=reduce_only).text))
        return
    control = None
    if reduce_only:
        control = TradingControl(
            reason="resumed to reduce positions only", by=name, at=utc_now(), state=TradingState.REDUCING
        )
        refuse_while_latched(settings)
    set_control(settings, control, name, resumes=True)
    click.echo("trading resumed (no system runs; it takes effect at the next start)")


@click.command()
@config_option
@click.option("--dry-run", is_flag=True, help="Only tell what mending would change; write and send nothing.")
@json_option
def reconcile(settings: Settings, *, dry_run: bool, as_json: bool) -> None:
    """Compare our books with the broker's now and mend the differences."""
    answer = ask(settings, "reconcile", dry_run=dry_run)
    if as_json:
        print_json([*answer.data["differences"], *answer.data["positions"]])
        return
    click.echo(clean(answer.text))
    for difference in answer.data["differences"]:
        click.echo(clean(f"  {_difference(difference)}"))
    if answer.data["more"]:
        click.echo(f"  and {answer.data['more']} more; the event log tells of each that was mended")
    for position in answer.data["positions"]:
        held = f"{position['symbol']}: the broker holds {position['difference']:+,} beyond our books"
        click.echo(clean(f"  {held}, since {position['since']}: {position['cause']}"))


def _difference(event: dict[str, Any]) -> str:
    """Return an event of a difference in one line."""
    what = f"{event['type']}  {event.get('order_id') or event.get('symbol') or ''}"
    if "fill" in event:
        fill = event["fill"]
        return f"{what}  fill {fill['fill_id']}: {fill['side']} {fill['quantity']} at {fill['price']}"
    if "quantity" in event:
        what += f"  {event['filled_qty']} of {event['quantity']} filled"
    return what + "".join(f"; {event[name]}" for name in ("cause", "reason") if event.get(name))


@click.command()
@config_option
@json_option
def status(settings: Settings, *, as_json: bool) -> None:
    """Show how every part of the running system does."""
    data = ask(settings, "status").data
    if as_json:
        print_json([data])
    else:
        click.echo(json.dumps(data, indent=2))


_POLL: Final = 0.1
_HALT_WITHIN: Final = 8.0
"""Seconds a system has to answer that it is halted, before the file is made; longer than it waits for its store."""

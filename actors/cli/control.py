"""``cancel``, ``cancel-all``, ``halt``, ``resume``, ``reconcile``, ``status``: reach the system that runs."""

import json

import click

from actors.cli.output import print_json
from actors.cli.program import config_option, json_option
from actors.cli.running import ask, whoami
from actors.cli.text import clean
from actors.settings import Settings
from actors.store.lock import holder_of
from actors.system import set_halt


@click.command()
@config_option
@click.argument("order_id")
def cancel(settings: Settings, order_id: str) -> None:
    """Ask for the cancel of an order; done means that the request was taken."""
    click.echo(clean(ask(settings, "cancel", order_id=order_id).text))


@click.command("cancel-all")
@config_option
def cancel_all(settings: Settings) -> None:
    """Ask for the cancel of every live order of ours."""
    click.echo(clean(ask(settings, "cancel-all").text))


@click.command()
@config_option
@click.option("--reason", default="halted by hand", show_default=True, help="Why, for people.")
def halt(settings: Settings, reason: str) -> None:
    """Stop new orders, durably; also while no system runs."""
    _switch(settings, "halt", reason)


@click.command()
@config_option
def resume(settings: Settings) -> None:
    """Allow new orders again; also while no system runs."""
    _switch(settings, "resume", "")


@click.command()
@config_option
def reconcile(settings: Settings) -> None:
    """Compare our books with the broker's now and mend the differences."""
    click.echo(clean(ask(settings, "reconcile").text))


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


def _switch(settings: Settings, verb: str, reason: str) -> None:
    if holder_of(settings.directory) is None:
        set_halt(settings, halted=verb == "halt", reason=reason, by=whoami())
        text = f"trading halted: {reason}" if verb == "halt" else "trading resumed"
        click.echo(clean(f"{text} (no system runs; it takes effect at the next start)"))
        return
    arguments = {"by": whoami()} if verb == "resume" else {"by": whoami(), "reason": reason}
    click.echo(clean(ask(settings, verb, **arguments).text))

"""``dead-letters``: what could not be worked, and putting it back."""

from contextlib import closing

import click

from actors.cli.columns import DEAD_LETTERS
from actors.cli.output import console, moment, print_json, print_rows
from actors.cli.program import Failure, config_option, debug_option, json_option, load_settings
from actors.cli.running import ask
from actors.cli.signals import open_queue
from actors.cli.stored import reading
from actors.cli.text import clean, readable
from actors.opening import open_store
from actors.order_manager.intake import HOST
from actors.runtime.clock import utc_now
from actors.settings import Settings
from actors.store.lock import DataDirLock, holder_of
from actors.store.unit import DeadLetter


@click.group("dead-letters", invoke_without_command=True)
@click.option("-c", "--config", metavar="FILE", help="The configuration, a YAML file.")
@json_option
@debug_option
@click.pass_context
def dead_letters(context: click.Context, *, config: str | None, as_json: bool) -> None:
    """List what could not be worked, oldest first; or show one, or put it back into the queue."""
    if context.invoked_subcommand is not None:
        if config is not None:
            context.default_map = {name: {"settings": config} for name in dead_letters.commands}
        return
    if config is None:
        raise click.UsageError("Missing option '-c' / '--config'.", context)
    with reading(load_settings(config)) as store:
        found = [] if store is None else store.dead_letters()
    print_rows(found, DEAD_LETTERS, as_json=as_json, title="Dead letters", none="No dead letters.")


@dead_letters.command()
@config_option
@json_option
@click.argument("letter_id", metavar="ID", type=click.IntRange(min=1))
def show(settings: Settings, *, as_json: bool, letter_id: int) -> None:
    """Show one dead letter in full."""
    letter = _find(settings, letter_id)
    if as_json:
        print_json([letter])
        return
    facts = {
        "id": str(letter.id),
        "received": f"{moment(letter.received_at)} UTC",
        "source": letter.source,
        "signal": letter.signal_id or "",
        "reason": letter.reason,
        "requeued": f"{moment(letter.requeued_at)} UTC" if letter.requeued_at is not None else "",
        "payload": f"{letter.size:,} bytes" + _cut(letter),
    }
    out = console()
    for name, value in facts.items():
        if value:
            out.print(f"{name:>9}  {clean(value)}", soft_wrap=True)
    for line in readable(letter.payload).split("\n"):
        out.print(f"{'':>9}  {clean(line)}", soft_wrap=True)


@dead_letters.command()
@config_option
@click.option("--again", is_flag=True, help="Even if it was put back before.")
@click.argument("letter_id", metavar="ID", type=click.IntRange(min=1))
def requeue(settings: Settings, *, again: bool, letter_id: int) -> None:
    """Put a dead letter back into the queue, its bytes unchanged."""
    letter = _find(settings, letter_id)
    if letter.source not in {settings.signals.key, "embedded", HOST}:
        raise Failure(
            f"dead letter {letter_id} is a message of actor {letter.source}, no signal; it cannot be requeued"
        )
    if letter.size > len(letter.payload):
        raise Failure(f"dead letter {letter_id}: only {len(letter.payload)} of its {letter.size} bytes were kept")
    if letter.requeued_at is not None and not again:
        raise Failure(f"dead letter {letter_id} was put back at {moment(letter.requeued_at)} UTC; --again repeats it")
    with closing(open_queue(settings)) as queue:
        queue.push([letter.payload])
    # Marked last: after a crash in between it can be put back again, and the intake takes a signal only once.
    if holder_of(settings.directory) is not None:
        ask(settings, "requeued", letter_id=letter_id)
    else:
        with DataDirLock(settings.directory) as lock, closing(open_store(settings, lock.holder)) as store:
            store.mark_requeued(letter_id, utc_now())
    click.echo(f"dead letter {letter_id} is back in the queue")


def _find(settings: Settings, letter_id: int) -> DeadLetter:
    with reading(settings) as store:
        letter = None if store is None else store.dead_letter(letter_id)
    if letter is None:
        raise Failure(f"there is no dead letter {letter_id}; `order-actors dead-letters` lists them")
    return letter


def _cut(letter: DeadLetter) -> str:
    return "" if letter.size == len(letter.payload) else f", the first {len(letter.payload):,} were kept"

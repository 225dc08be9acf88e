"""``run``: a trading system in the foreground."""

import signal
import sys
import threading
import time
from types import FrameType
from typing import Final

import click

from actors.cli.program import config_option, log_to_stderr
from actors.settings import Settings
from actors.system import TradingSystem

_POLL: Final = 0.05
_LEAST: Final = 1.0
"""``--until-idle`` never ends sooner than this, in seconds: a producer started together with us gets its chance."""


@click.command()
@config_option
@click.option("--until-idle", is_flag=True, help="End when the queue is empty and no order is live.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What to log on stderr.",
)
def run(settings: Settings, *, until_idle: bool, log_level: str) -> None:
    """Run a trading system until TERM or INT; the first line on stdout is `ready` once recovery is done."""
    log_to_stderr(log_level)
    stop = stop_on_signals()
    system = TradingSystem(settings)
    system.start()
    try:
        click.echo("ready")
        sys.stdout.flush()
        began = time.monotonic()
        while not stop.wait(_POLL):
            if until_idle and time.monotonic() - began >= _LEAST and system.is_idle():
                break
    finally:
        system.stop()


def stop_on_signals() -> threading.Event:
    """Return an event that TERM and INT set; a second one of them ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return stop

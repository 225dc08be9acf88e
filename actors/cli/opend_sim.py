"""``opend-sim``: a simulated OpenD for Futu's SDK to connect to."""

import sys
from decimal import Decimal
from pathlib import Path

import click

from actors.broker.paper import RandomWalk, read_prices
from actors.cli.program import debug_option, log_to_stderr
from actors.cli.run import stop_on_signals
from actors.runtime.clock import system_random
from actors.testing.opend.exchange import Rules
from actors.testing.opend.simulated import SimulatedOpenD

_SECONDS = click.FloatRange(0, 3600)


@click.command()
@debug_option
@click.option("--port", type=click.IntRange(0, 65535), default=11111, show_default=True, help="0 takes a free one.")
@click.option(
    "--expose",
    metavar="ADDRESS",
    help="Listen there, not on loopback: whoever reaches it trades on these accounts, unencrypted and without login.",
)
@click.option("--data-dir", metavar="DIR", type=click.Path(path_type=Path), help="Keep the books there.")
@click.option(
    "--prices",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Replay a CSV file with time, symbol and price instead of a random walk.",
)
@click.option("--speed", type=click.FloatRange(0, min_open=True), default=1.0, help="Replay so many times as fast.")
@click.option("--start-price", type=click.FloatRange(0, min_open=True), default=100.0, help="Where a walk begins.")
@click.option("--seed", type=click.IntRange(min=0), help="Makes prices, parts of fills and faults repeatable.")
@click.option("--fill-delay", type=_SECONDS, default=0.2, show_default=True, help="Seconds to each deal.")
@click.option("--cancel-delay", type=_SECONDS, default=0.1, show_default=True, help="Seconds a cancel takes.")
@click.option(
    "--partial-fills", type=click.IntRange(1, 100), default=3, show_default=True, help="Most parts of an order."
)
@click.option("--password", metavar="TEXT", help="What unlocks trading with real money; without it any password does.")
@click.option("--unlocked", is_flag=True, help="Begin with trading with real money unlocked.")
@click.option("--no-limits", is_flag=True, help="Refuse no request for coming too often.")
@click.option(
    "--fault-rate", type=click.FloatRange(0, 1), default=0.0, help="How likely each request and push goes wrong."
)
@click.option("--upset-every", type=_SECONDS, default=0.0, help="Seconds from one larger fault to the next.")
def opend_sim(  # noqa: PLR0913 - each is one option
    *,
    port: int,
    expose: str | None,
    data_dir: Path | None,
    prices: Path | None,
    speed: float,
    start_price: float,
    seed: int | None,
    fill_delay: float,
    cancel_delay: float,
    partial_fills: int,
    password: str | None,
    unlocked: bool,
    no_limits: bool,
    fault_rate: float,
    upset_every: float,
) -> None:
    """Be an OpenD with simulated accounts, until TERM or INT; stdout says `ready HOST:PORT` once it listens."""
    log_to_stderr("warning")
    stop = stop_on_signals()
    drawn = system_random().getrandbits(32) if seed is None else seed
    walk = RandomWalk(Decimal(repr(start_price)), seed=drawn, interval=0.5)
    opend = SimulatedOpenD(
        port,
        data_dir,
        prices=walk if prices is None else read_prices(prices, speed=speed),
        rules=Rules(fill_delay=fill_delay, cancel_delay=cancel_delay, partial_fills=partial_fills),
        seed=drawn,
        password=password,
        unlocked=unlocked,
        limits=not no_limits,
        host="127.0.0.1" if expose is None else expose,
    )
    opend.faults.by_chance(drawn, fault_rate)
    with opend:
        opend.faults.upset(drawn, upset_every)
        click.echo(f"ready {opend.host}:{opend.port}")
        sys.stdout.flush()
        stop.wait()

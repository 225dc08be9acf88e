"""``demo``: paper trading with generated prices and signals, to see the system at work."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import click

from actors.broker.paper import PaperBroker, RandomWalk
from actors.cli.demo_desk import STARTS, Desk
from actors.cli.demo_picture import Picture, Watcher
from actors.cli.demo_view import PlainLines, screen, summary
from actors.cli.output import console
from actors.cli.program import debug_option, log_to_stderr
from actors.cli.run import stop_on_signals
from actors.cli.stored import reading
from actors.runtime.clock import system_random
from actors.settings import Settings
from actors.signal_consumer.load import make_source
from actors.system import TradingSystem
from actors.verify import verify

_FRAME: Final = 0.12
_POSITIONS_EVERY: Final = 2.0
_ACCOUNT: Final = "DEMO"


@click.command()
@debug_option
@click.option("--seconds", type=click.FloatRange(1, 86_400), default=20.0, show_default=True, help="How long it runs.")
@click.option("--data-dir", metavar="DIR", help="Keep the books there, with a configuration to look at them.")
@click.option("--seed", type=click.IntRange(min=0), help="Makes prices and signals repeatable.")
def demo(*, seconds: float, data_dir: str | None, seed: int | None) -> None:
    """Watch three strategies trade on paper, with generated prices; needs no server and no configuration."""
    log_to_stderr("critical")
    stop = stop_on_signals()
    drawn = system_random().getrandbits(32) if seed is None else seed
    with _directory(data_dir) as directory:
        settings = Settings(account_id=_ACCOUNT, data_dir=str(directory))
        picture = _trade(settings, drawn, seconds, stop)
        with reading(settings) as store:
            promises = [] if store is None else verify(store)
        summary(picture, promises, _write_config(settings) if data_dir is not None else None)


def _trade(settings: Settings, seed: int, seconds: float, stop: threading.Event) -> Picture:
    prices = RandomWalk(seed=seed, volatility=0.0004, interval=0.2, starts=STARTS)
    broker = PaperBroker(
        0.25,
        seed=seed,
        partial_fills=3,
        reject_probability=0.02,
        slippage_bps=2.0,
        commission_per_share=Decimal("0.005"),
        commission_minimum=Decimal(1),
        market_mode=True,
        prices=prices,
        book=settings.directory / "paper-book.jsonl",
    )
    with TradingSystem(settings, broker) as system:
        watcher = Watcher(system, time.monotonic())
        system.subscribe(watcher)
        desk = Desk(system, make_source(settings), lambda: {q.symbol: q.price for q in broker.quotes()}, seed)
        desk.start()
        try:
            _show(system, watcher, seconds, stop)
        finally:
            desk.close()
        return watcher.picture(time.monotonic())


def _show(system: TradingSystem, watcher: Watcher, seconds: float, stop: threading.Event) -> None:
    from rich.live import Live

    out = console()
    end = time.monotonic() + seconds
    if not out.is_terminal:
        lines = PlainLines()
        system.subscribe(lines)
        while time.monotonic() < end and not stop.wait(min(_POSITIONS_EVERY, max(end - time.monotonic(), 0))):
            lines.positions(watcher.picture(time.monotonic()))
        return
    with ExitStack() as stack:
        live = stack.enter_context(Live(console=out, screen=True, auto_refresh=False))
        while time.monotonic() < end and not stop.wait(_FRAME):
            live.update(screen(watcher.picture(time.monotonic()), out.width, out.height), refresh=True)


@contextmanager
def _directory(kept: str | None) -> Iterator[Path]:
    if kept is not None:
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="order-actors-demo-") as name:
        yield Path(name)


def _write_config(settings: Settings) -> str:
    path = settings.directory / "demo.yaml"
    path.write_text(f"account_id: {settings.account_id}\ndata_dir: '{settings.directory}'\n", encoding="utf-8")
    return str(path)

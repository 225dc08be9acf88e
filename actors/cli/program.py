"""What every command shares: its options, its exit codes, and what becomes of an error."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from typing_extensions import override

from actors.cli.text import one_line
from actors.errors import OrderActorsError, SettingsError, SignalError
from actors.runtime.behavior import Unavailable
from actors.settings import Settings, mask
from actors.signal_consumer.base import SourceAway

F = TypeVar("F", bound=Callable[..., Any])

_DEBUG = "order-actors.debug"


class Failure(click.ClickException):
    """Ends the program with exit code 1 and one line on stderr."""

    def __init__(self, message: str) -> None:
        super().__init__(mask(one_line(message)))

    @override
    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"order-actors: {self.message}", err=True)


class Misuse(Failure):
    """Ends the program with exit code 2 and one line on stderr: bad usage or configuration."""

    exit_code = 2


class Program(click.Group):
    """The group of all commands; no error of ours leaves it as a trace."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and turn its errors into exit codes."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except BaseException as error:  # the last frame of the program
            if ctx.meta.get(_DEBUG) or isinstance(error, SystemExit):
                raise
            raise _end(error) from error


def _end(error: BaseException) -> Failure:
    match error:
        case SettingsError() | SignalError():
            return Misuse(str(error))
        case OrderActorsError() | Unavailable() | SourceAway():
            return Failure(str(error))
        case KeyboardInterrupt():
            return Failure("interrupted")
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return Failure(f"{where}{error.strerror or error}")
        case _:
            return Failure(f"internal error: {type(error).__name__}: {error}; --debug shows where")


def config_option(function: F) -> F:
    """Add ``-c FILE``; the command gets ``settings``, read from it."""
    return click.option(
        "-c",
        "--config",
        "settings",
        required=True,
        metavar="FILE",
        callback=lambda _ctx, _param, value: load_settings(value),
        help="The configuration, a YAML file.",
    )(debug_option(function))


def load_settings(path: str) -> Settings:
    """Read a configuration."""
    try:
        return Settings.from_yaml(Path(path))
    except FileNotFoundError as error:
        raise SettingsError(str(error)) from error


def json_option(function: F) -> F:
    """Add ``--json``; the command gets ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON array instead of a table.")(function)


def debug_option(function: F) -> F:
    """Add ``--debug``, which lets traces through."""

    def note(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
        if value:
            ctx.meta[_DEBUG] = True

    return click.option(
        "--debug", is_flag=True, expose_value=False, is_eager=True, callback=note, help="Show traces of errors."
    )(function)


def is_debug() -> bool:
    """Tell whether traces may be shown."""
    return bool(click.get_current_context().meta.get(_DEBUG))


class _OneLine(logging.Formatter):
    """One printable line for each record, without passwords; a trace only when it is asked for."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, *, traces: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(name)s: %(message)s")
        self._traces = traces

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if self._traces:
            return mask(super().format(record))
        text = f"{self.formatTime(record)} {record.levelname:<8} {record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        return mask(one_line(text))


def log_to_stderr(level: str) -> None:
    """Send logs to stderr, one line each, and errors of threads among them."""
    traces = is_debug()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(traces=traces))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("alembic", "pykka"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))

    def report(fault: threading.ExceptHookArgs) -> None:
        name = fault.thread.name if fault.thread is not None else "unknown"
        error = fault.exc_value if fault.exc_value is not None else fault.exc_type()
        logging.getLogger("actors").critical("thread ended thread=%s", name, exc_info=error)

    threading.excepthook = report

"""The command ``order-actors`` and the commands within it."""

import importlib
from collections.abc import Mapping
from typing import Final

import click
from typing_extensions import override

from actors.cli.program import Program, debug_option

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("run", "run"),
    "demo": ("demo", "demo"),
    "signal": ("signals", "signal"),
    "signals": ("signals", "signals"),
    "keys": ("keys", "keys"),
    "orders": ("reading", "orders"),
    "fills": ("reading", "fills"),
    "positions": ("reading", "positions"),
    "dead-letters": ("dead_letters", "dead_letters"),
    "cancel": ("control", "cancel"),
    "replace": ("control", "replace"),
    "cancel-all": ("control", "cancel_all"),
    "arm": ("arming", "arm"),
    "disarm": ("arming", "disarm"),
    "halt": ("control", "halt"),
    "resume": ("control", "resume"),
    "reconcile": ("control", "reconcile"),
    "status": ("control", "status"),
    "check": ("check", "check"),
    "verify": ("verifying", "verify_store"),
    "why": ("why", "why"),
    "opend-sim": ("opend_sim", "opend_sim"),
}


class _Lazy(Program):
    """Imports a command when it is used, so that each starts as fast as it can."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of use."""
        return list(_COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"actors.cli.{module}"), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="order-actors", prog_name="order-actors")
@debug_option
def cli() -> None:
    """Order management on supervised actors: signals in, each order placed once, each fill booked once."""

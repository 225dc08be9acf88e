"""Where the program starts; whatever takes long is imported within the guard against Ctrl-C."""

import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        from actors.cli.commands import cli

        cli(prog_name="order-actors")
    except KeyboardInterrupt:
        sys.exit("order-actors: interrupted")

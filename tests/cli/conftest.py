"""The fixtures of the command line's tests."""

from tests.cli.workspace import workspace

__all__ = ["workspace"]

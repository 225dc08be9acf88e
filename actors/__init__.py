"""order-actors: an order-management system of supervised actors, for people who trade from Python.

It trades on paper, and through a broker of your own that implements the port :class:`Broker`. Everything a host needs
is importable from here.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from actors.exports import *  # noqa: F403 - its __all__ says what

_LOWER: typing.Final = {"__all__", "load_broker", "sign_signal"}
"""The public names that are no classes; every other name in lower case is a module of ours."""


def __getattr__(name: str) -> typing.Any:  # noqa: ANN401 - any of the names
    """Import the public names when the first is used, so that a program of ours can guard all that takes long."""
    if name in _LOWER or name[0].isupper():
        value = getattr(importlib.import_module("actors.exports"), name, None)
        if value is not None:
            return globals().setdefault(name, value)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""How to reach the system that runs on a data directory."""

from typing import Final

from actors.cli.program import Failure
from actors.commands import FILE_NAME, Answer, CommandClient
from actors.settings import Settings
from actors.store.lock import holder_of

TIMEOUT: Final = 35.0
"""Seconds to wait for an answer; longer than the system waits for its own actors."""


def ask(settings: Settings, verb: str, **arguments: str | int | None) -> Answer:
    """Send a command to the running system; ends the program with exit code 1 where there is none, or it refuses."""
    answer = send(settings, verb, TIMEOUT, **arguments)
    if not answer.ok:
        raise Failure(answer.text)
    return answer


def send(settings: Settings, verb: str, timeout: float, /, **arguments: str | int | None) -> Answer:
    """Send a command to the running system; ends the program with exit code 1 where there is none."""
    if holder_of(settings.directory) is None:
        raise Failure(f"{verb}: no system runs on {settings.directory}; start one with `order-actors run`")
    return CommandClient(settings.directory / FILE_NAME).send(verb, arguments, timeout)

"""The channel by which the command line reaches a running system."""

from actors.commands.channel import FILE_NAME, Answer
from actors.commands.verbs import CommandHandler, Controls
from actors.commands.worker import CommandClient, CommandServer

__all__ = ["FILE_NAME", "Answer", "CommandClient", "CommandHandler", "CommandServer", "Controls"]

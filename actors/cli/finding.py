"""What one look of ``check`` found."""

from typing import Literal, TypeAlias

import msgspec

State: TypeAlias = Literal["ok", "warning", "failed"]


class Finding(msgspec.Struct, frozen=True):
    """What one look found.

    Attributes:
        part: What was looked at.
        state: How it is.
        text: What was seen; for a failure, what is wrong.
        advice: What to do about it.
    """

    part: str
    state: State
    text: str
    advice: str = ""

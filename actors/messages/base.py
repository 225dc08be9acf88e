"""What every message is."""

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base class; values are in no reference cycles, so ``gc`` is for what holds somebody else's objects."""

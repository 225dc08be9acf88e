"""What a person was told once and is not told again, over restarts too: a broker says the same at every query."""

from typing import Final

import msgspec

from actors.order_manager.working_set import WorkingSet


class ToldOnce:
    """Remembers what was told of one kind; the newest of it is kept in the store.

    Args:
        control: The name under which it is kept.
    """

    def __init__(self, working_set: WorkingSet, control: str) -> None:
        self._set = working_set
        self._control = control
        text = working_set.read_control(control)
        self._told = dict.fromkeys(msgspec.json.decode(text, type=list[str]) if text else [])

    def is_new(self, what: str) -> bool:
        """Return whether this was not told yet; from now on it was."""
        if what in self._told:
            return False
        self._told[what] = None
        for oldest in list(self._told)[:-_KEPT]:
            del self._told[oldest]
        self._set.keep_control(self._control, msgspec.json.encode(list(self._told)).decode())
        return True


_KEPT: Final = 200
"""How much of it is kept; what is older is told again if it is said again."""

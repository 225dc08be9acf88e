"""Each verb of the command line reaches the call of the system it stands for."""

import pytest

from actors.commands import Answer, CommandHandler
from actors.errors import RequestRefused


class Recorder:
    """Stands at the place of a trading system and notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def cancel(self, order_id: str) -> bool:
        if order_id == "gone":
            raise RequestRefused("order gone is not known")
        self.asked.append(("cancel", order_id))
        return True

    def cancel_all(self) -> tuple[str, ...]:
        return ("a", "b")

    def halt(self, reason: str, by: str = "") -> None:
        self.asked.append(("halt", reason, by))

    def resume(self, by: str = "") -> None:
        self.asked.append(("resume", by))

    def reconcile(self, timeout: float = 0.0) -> int:
        return 3

    def mark_requeued(self, letter_id: int) -> None:
        self.asked.append(("requeued", str(letter_id)))

    def health(self) -> dict[str, str]:
        return {"state": "ready"}


def test_verbs_reach_the_system() -> None:
    system = Recorder()
    handler = CommandHandler(system)
    assert handler("cancel", {"order_id": "x"}) == Answer(ok=True, text="cancel requested: x", data={"order_id": "x"})
    assert handler("cancel-all", {}) == Answer(ok=True, text="cancel requested for 2 orders", data=["a", "b"])
    assert handler("halt", {"reason": "lunch", "by": "ann"}) == Answer(ok=True, text="trading halted: lunch")
    assert handler("resume", {"by": "ann"}) == Answer(ok=True, text="trading resumed")
    assert handler("reconcile", {}) == Answer(ok=True, text="reconciled: mending took 3 events", data=3)
    assert handler("requeued", {"letter_id": 7}) == Answer(ok=True)
    assert handler("status", {}) == Answer(ok=True, data={"state": "ready"})
    assert system.asked == [("cancel", "x"), ("halt", "lunch", "ann"), ("resume", "ann"), ("requeued", "7")]


@pytest.mark.parametrize(
    ("verb", "arguments", "reason"),
    [
        ("cancel", {}, "order_id: missing"),
        ("cancel", {"order_id": 5}, "order_id: missing"),
        ("requeued", {"letter_id": True}, "letter_id: missing"),
        ("cancel", {"order_id": "gone"}, "order gone is not known"),
        ("format-disk", {}, "format-disk: this version knows no such command"),
    ],
)
def test_what_cannot_be_done_is_refused(verb: str, arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(RequestRefused, match=reason):
        CommandHandler(Recorder())(verb, arguments)

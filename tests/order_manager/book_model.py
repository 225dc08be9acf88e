"""An order in sixty lines, written from FIX 4.4 appendix D and the prose of the table, not from the book."""

from typing import Final, TypeAlias

Terms: TypeAlias = tuple[int, int]  # total, price in cents

WORKING: Final = {"submitted", "partial", "cancel_req", "replace_req"}
FINAL: Final = {"filled", "cancelled", "rejected", "expired"}
EARLY: Final = {"cancelled", "expired"}
KEPT: Final = EARLY | {"cancel_req", "replace_req"}
ASKED: Final = {False: "replace_req", True: "cancel_req"}
IN_DOUBT: Final = {"pending", "unknown"}
ENDED_IN: Final = {
    "refused": WORKING | IN_DOUBT,
    "cancelled": WORKING | IN_DOUBT | {"rejected"},
    "closed": WORKING | {"rejected"},
}
ENDS: Final = {"refused": "rejected", "cancelled": "cancelled", "closed": "expired"}


class OrderModel:
    """What an order was told; where it stands follows from that."""

    def __init__(self, terms: Terms) -> None:
        self.status, self.sent, self.terms = "pending", False, terms
        self.continues = False  # it is cancelled so that another order gets the terms asked for
        self.fills: list[Terms] = []  # quantity and price; what is taken back is negative
        self.asked: Terms | None = None  # under way
        self.end: str | None = None  # as the broker told it first

    @property
    def cum(self) -> int:
        return sum(quantity for quantity, _ in self.fills)

    @property
    def works(self) -> str:
        return "filled" if self.cum >= self.terms[0] else "partial" if self.cum > 0 else "submitted"

    def tell(self, event: str, terms: Terms = (0, 0), *, by_cancel: bool = False) -> None:  # noqa: C901 - a case for each row
        was, asked, kept = self.status, self.asked, None if self.continues else self.asked
        unsent, doubtful = was == "pending" and not self.sent, self.sent and was in IN_DOUBT
        match event:
            case "send_started" if unsent:
                self.sent = True
            case "denied" | "too_old" | "closed" | "cancel_asked" if unsent:
                self.status = {"denied": "rejected", "cancel_asked": "cancelled"}.get(event, "expired")
            case "accepted" | "working" if doubtful or was == "rejected":
                self.status = self.works
            case "unclear" | "restarted" | "never_sent" if doubtful:
                self.status, self.sent = ("pending", False) if event == "never_sent" else ("unknown", True)
            case "absent" if was == "unknown":
                self.status = "rejected"
            case "refused" | "cancelled" | "closed" if was in ENDED_IN[event] and not unsent:
                self.status = "cancelled" if event == "refused" and self.cum else ENDS[event]
            case "cancel_asked" if was in WORKING:  # a cancel outranks new terms, which may be granted all the same
                self.status, self.asked, self.continues = "cancel_req", kept, False
            case "cancel_refused_live" if was == "cancel_req":
                self.status, self.asked, self.continues = self.works if kept is None else "replace_req", kept, False
            case "replace_asked" if unsent:
                self.terms = terms
            case "replace_asked" if was in ("submitted", "partial") and terms[0] <= self.cum:
                self.status = "cancel_req"  # nothing would be left of it
            case "replace_asked" if was in ("submitted", "partial"):
                self.status, self.asked, self.continues = ASKED[by_cancel], terms, by_cancel
            case "replaced" if asked is not None:
                self.terms, self.asked, self.continues = (max(asked[0], self.cum), asked[1]), None, False
                self.status = was if was == "cancel_req" and self.works != "filled" else self.works
            case "replace_refused_live" if kept is not None and was in ASKED.values():
                self.status, self.asked = self.works if was == "replace_req" or self.works == "filled" else was, None
            case "fill" if was in ASKED.values() and kept is not None and kept[0] >= max(self.cum, self.terms[0] + 1):
                pass  # a larger total under way covers it
            case "fill":
                self.status = self.works if self.works == "filled" or was not in KEPT else was
            case "bust" if was in ("submitted", "partial", "filled"):
                end = "cancelled" if self.end == "rejected" and self.cum else self.end
                self.status = end or self.works if was == "filled" else self.works
        if was == "rejected" and self.status not in ("rejected", "cancelled", "expired"):
            self.end = None  # the broker has it after all
        elif event in ENDS and self.sent and self.end is None:
            self.end = ENDS[event]
        if kept is not None and self.status in EARLY and self.terms[0] <= self.cum <= kept[0] != self.terms[0]:
            self.terms, self.status = kept, "filled" if self.cum == kept[0] else self.status  # it had the new ones
        if self.status in FINAL:
            self.asked, self.continues = None, False

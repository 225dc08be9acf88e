"""An order in sixty lines, written from FIX 4.4 appendix D and the prose of the table, not from the book."""

from typing import Final, TypeAlias

Terms: TypeAlias = tuple[int, int]  # total, price in cents

WORKING: Final = {"submitted", "partial", "cancel_req", "replace_req"}
FINAL: Final = {"filled", "cancelled", "rejected", "expired"}
ENDS: Final = {"refused": "rejected", "cancelled": "cancelled", "closed": "expired"}


class OrderModel:
    """What an order was told; where it stands follows from that."""

    def __init__(self, terms: Terms) -> None:
        self.status, self.sent, self.terms = "pending", False, terms
        self.fills: list[Terms] = []  # quantity and price; what is taken back is negative
        self.asked: Terms | None = None  # under way
        self.continues = False  # it is cancelled so that another order gets those terms
        self.end: str | None = None  # as the broker told it first

    @property
    def cum(self) -> int:
        return sum(quantity for quantity, _ in self.fills)

    @property
    def works(self) -> str:
        return "filled" if self.cum >= self.terms[0] else "partial" if self.cum > 0 else "submitted"

    def tell(self, event: str, terms: Terms = (0, 0), *, by_cancel: bool = False) -> None:  # noqa: C901 - a case for each row
        was, full, asked = self.status, self.cum >= self.terms[0], self.asked
        unsent, doubtful = was == "pending" and not self.sent, self.sent and was in ("pending", "unknown")
        match event:
            case "send_started" if unsent:
                self.sent = True
            case "denied" | "too_old" | "closed" | "cancel_asked" if unsent:
                self.status = {"denied": "rejected", "cancel_asked": "cancelled"}.get(event, "expired")
            case "accepted" | "working" if doubtful or was == "rejected":
                self.status = self.works
            case "unclear" | "restarted" if doubtful:
                self.status = "unknown"
            case "never_sent" if doubtful:
                self.status, self.sent = "pending", False
            case "absent" if was == "unknown":
                self.status = "rejected"
            case "refused" if doubtful or was in WORKING:
                self.status = "cancelled" if self.cum else "rejected"
            case "cancelled" if doubtful or was in WORKING or was == "rejected":
                self.status = "cancelled"
            case "closed" if was in WORKING:
                self.status = "expired"
            case "cancel_asked" if was in WORKING:  # a cancel outranks new terms, which may be granted all the same
                self.status, self.asked, self.continues = "cancel_req", None if self.continues else asked, False
            case "cancel_refused_live" if was == "cancel_req":
                self.asked, self.continues = None if self.continues else asked, False
                self.status = self.works if self.asked is None else "replace_req"
            case "replace_asked" if unsent:
                self.terms = terms
            case "replace_asked" if was in ("submitted", "partial"):
                nothing_left = terms[0] <= self.cum
                self.status = "cancel_req" if nothing_left or by_cancel else "replace_req"
                self.asked, self.continues = None if nothing_left else terms, by_cancel and not nothing_left
            case "replaced" if asked is not None:
                self.terms, self.asked, self.continues = (max(asked[0], self.cum), asked[1]), None, False
                self.status = was if was == "cancel_req" and self.works != "filled" else self.works
            case "replace_refused_live" if was == "replace_req":
                self.status, self.asked = self.works, None
            case "fill" if was in ("cancelled", "expired", "cancel_req", "replace_req"):
                raised = was == "replace_req" and asked is not None and asked[0] >= max(self.cum, self.terms[0] + 1)
                self.status = "filled" if full and not raised else was
            case "fill":
                self.status = self.works
            case "bust" if was in ("submitted", "partial", "filled"):
                end = "cancelled" if self.end == "rejected" and self.cum else self.end
                self.status = end if end is not None and was == "filled" else self.works
        if was == "rejected" and self.status not in ("rejected", "cancelled"):
            self.end = None  # the broker has it after all
        elif event in ENDS and self.sent and self.end is None:
            self.end = ENDS[event]
        if self.status in FINAL:
            self.asked, self.continues = None, False

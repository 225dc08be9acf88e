"""Two hundred thousand steps of everything that can happen to an order, against a model of its own."""

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Final

import pytest

from actors.model import Order, OrderFill, OrderFlag
from actors.model.terms import NewTerms
from actors.order_manager.book import Step, apply_fill, ask_replace, step, terms_asked, terms_of
from actors.order_manager.transitions import OrderEvent
from tests.order_manager.book_model import FINAL, OrderModel
from tests.order_manager.table import CELLS
from tests.support.builders import bust, fill, later, order

SEEDS: Final = tuple(range(1, 11))
ORDERS: Final = 700
STEPS: Final = 30
PROMISED: Final = 200_000
assert len(SEEDS) * ORDERS * STEPS >= PROMISED

TOLD: Final = {
    OrderEvent.SEND_STARTED: 10,
    OrderEvent.DENIED: 1,
    OrderEvent.TOO_OLD: 1,
    OrderEvent.ACCEPTED: 10,
    OrderEvent.REFUSED: 1,
    OrderEvent.UNCLEAR: 2,
    OrderEvent.WORKING: 8,
    OrderEvent.CANCEL_ASKED: 5,
    OrderEvent.CANCELLED: 2,
    OrderEvent.CANCEL_REFUSED: 2,
    OrderEvent.CANCEL_REFUSED_LIVE: 5,
    OrderEvent.CANCEL_UNCLEAR: 2,
    OrderEvent.REPLACED: 5,
    OrderEvent.REPLACE_REFUSED: 2,
    OrderEvent.REPLACE_REFUSED_LIVE: 3,
    OrderEvent.REPLACE_UNCLEAR: 2,
    OrderEvent.CLOSED: 1,
    OrderEvent.ABSENT: 1,
    OrderEvent.NEVER_SENT: 1,
    OrderEvent.RESTARTED: 2,
    OrderEvent.DUPLICATE_FILL: 2,
}
"""What the book is told as it is, and how often."""

MADE: Final = {"replace": 12, "part": 14, "rest": 2, "over": 1, "bust": 4}
ACTIONS: Final = (*TOLD, *MADE)
WEIGHTS: Final = (*TOLD.values(), *MADE.values())

ROWS: Final = {
    OrderEvent.SEND_STARTED: 1,
    OrderEvent.DENIED: 2,
    OrderEvent.TOO_OLD: 3,
    OrderEvent.ACCEPTED: 4,
    OrderEvent.REFUSED: 5,
    OrderEvent.UNCLEAR: 6,
    OrderEvent.WORKING: 7,
    OrderEvent.CANCELLED: 14,
    OrderEvent.CANCEL_REFUSED: 15,
    OrderEvent.CANCEL_UNCLEAR: 16,
    OrderEvent.REPLACED: 18,
    OrderEvent.REPLACE_REFUSED: 19,
    OrderEvent.REPLACE_UNCLEAR: 20,
    OrderEvent.ABSENT: 22,
}
"""The rows of the table as it was specified, of those events that can have a cell `-`."""

COLUMNS: Final = {
    "unknown": "UN",
    "submitted": "SU",
    "partial": "PF",
    "cancel_req": "CR",
    "replace_req": "RR",
    "filled": "FI",
    "cancelled": "CA",
    "rejected": "RJ",
    "expired": "EX",
}
LEAVES: Final = {
    "filled": {"bust"},
    "cancelled": {"fill"},
    "rejected": {"fill", OrderEvent.ACCEPTED, OrderEvent.WORKING, OrderEvent.CANCELLED, OrderEvent.CLOSED},
    "expired": {"fill"},
}
"""What alone takes an order out of its end: late fills, busts, and the broker's own word that it was wrong."""


class Life:
    """One order's random life, in the book and in the model."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.order: Order = order(order_type="limit", limit_price=Decimal(1))
        self.model = OrderModel((10, 100))
        self.standing: list[OrderFill] = []
        self.numbers = 0

    def go_on(self, moment: int) -> None:
        before = self.order
        result, what = self._act(self.random.choices(ACTIONS, WEIGHTS)[0], moment)
        self.order = result.order
        self._check_step(before, result, what)
        self._check_sums()

    def _act(self, action: str, moment: int) -> tuple[Step, object]:
        now, model, random = later(moment), self.model, self.random
        if isinstance(action, OrderEvent):
            model.tell(action.name.lower())
            return step(self.order, action, now, broker_order_id="B1", reason="why"), action
        if action == "replace":
            terms = (random.choice((self.model.terms[0], random.randint(1, 20))), random.randint(50, 150))
            by_cancel = random.random() < 0.3
            model.tell("replace_asked", terms, by_cancel=by_cancel)
            wanted = NewTerms(terms[0], _price(terms[1]), None)
            return ask_replace(self.order, wanted, now, by_cancel=by_cancel), action
        self.numbers += 1
        if action == "bust":
            return self._take_back(now) if self.standing else (Step(self.order), None)
        left = max(self.order.leaves_qty, 1)
        quantity = {"part": random.randint(1, left), "rest": left, "over": left + random.randint(1, 5)}[action]
        price = random.randint(50, 150)
        done = fill(self.numbers, quantity, str(_price(price)))
        self.standing.append(done)
        model.fills.append((quantity, price))
        model.tell("fill")
        return apply_fill(self.order, done, now), "fill"

    def _take_back(self, now: object) -> tuple[Step, object]:
        gone = self.standing.pop(self.random.randrange(len(self.standing)))
        self.model.fills.append((-gone.quantity, int(gone.price * 100)))
        self.model.tell("bust")
        return apply_fill(self.order, bust(self.numbers, gone), now), "bust"  # type: ignore[arg-type]

    def _check_step(self, before: Order, result: Step, what: object) -> None:
        after = result.order
        if result.impossible or result.refused:
            assert after is before, f"{what}: an impossible step changed something"
        row = ROWS.get(what) if isinstance(what, OrderEvent) else None
        if row is not None and CELLS[row, column(before)].startswith("-"):
            assert after is before, f"{what} cannot happen in {column(before)}, and it changed something"
        if before.status.is_final and after.status is not before.status:
            assert what in LEAVES[before.status], f"{what} led from {before.status} to {after.status}"
        assert after.status == self.model.status, f"{what} in {before.status}: not as in the model"
        assert (after.sent_at is not None) is self.model.sent, f"{what}: send mark"

    def _check_sums(self) -> None:
        after, model = self.order, self.model
        assert after.filled_qty == model.cum, "filled is not the sum of the ledger"
        assert after.fill_value * 100 == sum(quantity * price for quantity, price in model.fills), "value is not exact"
        assert after.leaves_qty == max(model.terms[0] - model.cum, 0), "leaves"
        assert after.overfill_qty == max(model.cum - model.terms[0], 0), "overfill"
        assert (OrderFlag.OVERFILL in after.flags) is (after.overfill_qty > 0), "overfill flag"
        assert terms_of(after) == NewTerms(model.terms[0], _price(model.terms[1]), None), "terms"
        asked = terms_asked(after)
        assert asked == (None if model.asked is None else NewTerms(model.asked[0], _price(model.asked[1]), None))
        assert (OrderFlag.CONTINUE_WANTED in after.flags) is model.continues, "wish to continue"
        if asked is not None:
            assert after.status in ("cancel_req", "replace_req"), "terms in flight of an order that is asked nothing"
        elif after.status == "replace_req":
            pytest.fail("a replace in flight asks for nothing")
        if after.status in FINAL:
            assert asked is None


def column(of: Order) -> str:
    if of.status == "pending":
        return "P0" if of.sent_at is None else "P1"
    return COLUMNS[of.status]


def _price(cents: int) -> Decimal:
    return Decimal(cents) / 100


def test_two_hundred_thousand_random_steps_are_those_of_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    steps = 0
    ways: Counter[tuple[str, str]] = Counter()
    for seed in SEEDS:
        random = Random(seed)
        for number in range(ORDERS):
            life = Life(random)
            for moment in range(1, STEPS + 1):
                before = column(life.order)
                try:
                    life.go_on(moment)
                except AssertionError as error:
                    error.add_note(f"seed {seed}, order {number}, step {moment}: {life.order}")
                    raise
                ways[before, column(life.order)] += 1
                steps += 1
    with capsys.disabled():
        print(f"\n{steps} steps, {len(ways)} different ways from state to state")  # noqa: T201
    assert steps >= PROMISED
    assert {way[1] for way in ways} == {"P0", "P1", *COLUMNS.values()}

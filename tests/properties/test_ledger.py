"""The ledger: each fill is booked once, to whom it belongs, and positions are the fold of it (I3, I4, I5)."""

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from actors import messages as m
from actors.broker.base import OrderReport
from actors.model import OrderFill
from actors.model.fields import EXTERNAL
from actors.order_manager.execution import Execution
from actors.order_manager.working_set import WorkingSet
from actors.portfolio.actor import Portfolio, PositionBoard
from actors.verify import verify
from tests.order_manager.desk import Desk
from tests.properties.machine import PATIENT, StoreMachine, assert_found, play
from tests.support.builders import bust, fill, order_id, queued, report
from tests.support.intake_line import Inbox
from tests.support.stage import Stage

pytestmark = PATIENT

ORDERS: Final = 4
NUMBERS: Final = st.integers(1, ORDERS)
STRANGERS: Final = ("X1", "X2")
PRICES: Final = st.sampled_from(["0.01", "10", "99.999999999", "101.25"])
STRATEGIES: Final = {1: "alpha", 2: "alpha", 3: "beta", 4: "beta"}
SIDES: Final[dict[str, Any]] = {"B1": "buy", "B2": "sell", "B3": "buy", "B4": "sell", "X1": "buy", "X2": "sell"}


class LedgerMachine(StoreMachine):
    """An order manager that is told fills in every order there is, and a portfolio that follows it."""

    @initialize()
    def begin(self) -> None:
        self.desk = desk = Desk(self.folder)
        self.told: dict[str, OrderFill] = {}
        self.accepted: set[int] = set()
        self._follow()
        desk.open()
        desk.tell(*(queued(n, f"E{n}", action=SIDES[f"B{n}"], strategy_id=STRATEGIES[n]) for n in range(1, ORDERS + 1)))

    def teardown(self) -> None:
        try:
            if hasattr(self, "stage"):
                self._come_to_rest()
                self.desk.store.close()
        finally:
            super().teardown()

    def _follow(self) -> None:
        """Start the portfolio of this process."""
        self.board, self.inbox = board, inbox = PositionBoard(), Inbox()
        self.desk.portfolio.on_tell = inbox.tell
        store = self.desk.store
        self.stage: Stage[Any] = Stage(lambda context: Portfolio(context, store, board, checkpoint_fills=3))

    # ------------------------------------------------------------ what the broker says

    @rule(number=NUMBERS)
    def accept(self, number: int) -> None:
        if number not in self.accepted:
            self.accepted.add(number)
            self.desk.accept(number)

    @rule(
        of=st.sampled_from(sorted(SIDES)),
        quantity=st.integers(1, 12),
        price=PRICES,
        fee=st.sampled_from(["0", "1.005"]),
    )
    def trade(self, of: str, quantity: int, price: str, fee: str) -> None:
        """A fill of any order, ours or not, known or not yet, also one beyond its total."""
        self._tell(fill(len(self.told) + 1, quantity, price, of=of, side=SIDES[of], fee=Decimal(fee)))

    @precondition(lambda self: self._standing())
    @rule(place=st.integers(0, 9), whole=st.booleans())
    def take_back(self, place: int, *, whole: bool) -> None:
        original = self._standing()[place % len(self._standing())]
        made = bust(len(self.told) + 1, original, None if whole else 1)
        self._tell(msgspec.structs.replace(made, side=original.side, symbol=original.symbol))

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), changed=st.booleans())
    def tell_again(self, place: int, *, changed: bool) -> None:
        """The same fill comes again, as it was or with another quantity: its id tells that it is none other."""
        made = list(self.told.values())[place % len(self.told)]
        other = made.quantity + (1 if made.quantity > 0 else -1)
        told = msgspec.structs.replace(made, quantity=other if changed else made.quantity)
        self.desk.tell(m.FillReported(fill=told))

    def _answer(self) -> None:
        """Answer the newest query with all the broker knows: orders of ours, and every fill."""
        fills = tuple(self.told.values())
        known = self.accepted | {int(made.order_id[1:]) for made in fills if made.order_id not in STRANGERS}
        self.desk.answer(*(self._report(number) for number in sorted(known)), fills=fills)

    def _report(self, number: int) -> OrderReport:
        name = f"B{number}"
        filled = sum(made.quantity for made in self.told.values() if made.order_id == name)
        return report(name, client_order_id=order_id(number), filled_qty=filled, side=SIDES[name])

    def _standing(self) -> list[OrderFill]:
        if not hasattr(self, "told"):
            return []
        reversed_ids = {made.reverses for made in self.told.values()}
        return [made for made in self.told.values() if made.reverses is None and made.fill_id not in reversed_ids]

    def _tell(self, made: OrderFill) -> None:
        self.told[made.fill_id] = made
        self.desk.tell(m.FillReported(fill=made))

    # ------------------------------------------------------------ what moves on, what goes wrong

    @rule(seconds=st.sampled_from([0.5, 2.5, 40.0]))
    def time_passes(self, seconds: float) -> None:
        """Strangers are given an order of their own once the broker was asked and did not name one of ours."""
        self.desk.wait(seconds)
        self._answer()
        self.desk.wait(1.1)
        self.stage.advance(seconds)

    @rule(count=st.integers(1, 4))
    def portfolio_works(self, count: int) -> None:
        told = self.inbox.take(count)
        if told:
            self.stage.batch(*told)

    @precondition(lambda self: self.inbox.messages)
    @rule(place=st.integers(0, 5), how=st.sampled_from(["lost", "doubled", "late"]))
    def news_goes_astray(self, place: int, how: str) -> None:
        mail = self.inbox.messages
        chosen = mail[place % len(mail)]
        if how != "doubled":
            mail.remove(chosen)
        if how != "lost":
            mail.append(chosen)

    @rule()
    def portfolio_restarts(self) -> None:
        self.stage.restart()

    @rule()
    def kill(self) -> None:
        self.desk.kill()
        self._follow()
        self.desk.tell(m.BrokerConnected())
        self._answer()

    # ------------------------------------------------------------ promises

    @invariant()
    def each_fill_is_booked_or_parked_once_and_as_it_was(self) -> None:
        if not hasattr(self, "stage"):
            return
        store = self.desk.store
        booked, parked = store.fills(), [made for made, _ in store.parked_fills()]
        names = [made.fill_id for made in booked] + [made.fill_id for made in parked]
        assert Counter(names) == Counter(list(self.told)), f"told {list(self.told)}, kept {names}"
        for made in (*booked, *parked):
            assert _facts(made) == _facts(self.told[made.fill_id])

    @invariant()
    def each_order_is_the_sum_of_its_fills(self) -> None:
        if not hasattr(self, "stage"):
            return
        for order in self.desk.store.find_orders():
            mine = [made for made in self.desk.store.fills() if made.client_order_id == order.order_id]
            filled = sum(made.quantity for made in mine)
            assert (order.filled_qty, order.fill_value) == (filled, sum(made.quantity * made.price for made in mine))
            assert order.overfill_qty == max(filled - order.quantity, 0)
            if order.strategy_id != EXTERNAL:
                assert {made.order_id for made in mine} <= {order.broker_order_id}

    def _come_to_rest(self) -> None:
        for number in range(1, ORDERS + 1):
            self.accept(number)
        for _ in range(3):
            self.time_passes(40.0)
        self.portfolio_works(1_000)
        self.stage.advance(5.0)
        self.each_fill_is_booked_or_parked_once_and_as_it_was()
        self.each_order_is_the_sum_of_its_fills()
        assert self.desk.store.parked_fills() == []
        self._compare_positions()
        for promise in verify(self.desk.store):
            assert promise.violations == ()

    def _compare_positions(self) -> None:
        """Fold what the broker told, and nothing of what we keep, into positions and cash."""
        quantities: defaultdict[tuple[str, str], int] = defaultdict(int)
        cash: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        fees: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        gone = {made.reverses for made in self.told.values() if made.reverses and self._is_whole(made)}
        for made in self.told.values():
            strategy = EXTERNAL if made.order_id in STRANGERS else STRATEGIES[int(made.order_id[1:])]
            key, sign = (strategy, made.symbol), 1 if made.side == "buy" else -1
            quantities[key] += sign * made.quantity
            cash[key] -= sign * made.quantity * made.price
            if made.reverses is None and made.fill_id not in gone:
                fees[key] += made.fee
        shown = {(row.strategy_id, row.symbol): row for row in self.board.snapshot.positions}
        assert shown.keys() == quantities.keys()
        for key, row in shown.items():
            assert (row.quantity, row.realized_pnl - row.cost, row.fees) == (quantities[key], cash[key], fees[key])

    def _is_whole(self, made: OrderFill) -> bool:
        return made.reverses is not None and self.told[made.reverses].quantity == -made.quantity


def _facts(made: OrderFill) -> tuple[object, ...]:
    return made.fill_id, made.order_id, made.symbol, made.side, made.quantity, made.price, made.fee, made.reverses


def test_each_fill_is_booked_once_and_positions_are_their_sum() -> None:
    play(LedgerMachine)


# ------------------------------------------------------------ the machine is not blind


def _books_a_fill_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Callable[..., Any] = WorkingSet.booked

    def booked(self: WorkingSet, fill_id: str) -> object:
        found = kept(self, fill_id)
        return None if found is not None and found.quantity == 1 else found

    monkeypatch.setattr(WorkingSet, "booked", booked)


def _forgets_what_is_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Execution, "park_early", lambda self: self._early.clear())


def _skips_what_was_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Portfolio, "_book_fills", lambda self, fills: self._fold(fills))


def _clamps_what_is_filled_beyond_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Callable[..., Any] = WorkingSet.book

    def book(self: WorkingSet, order: Any, made: OrderFill) -> Any:
        if made.quantity > max(order.leaves_qty, 0) > 0:
            made = msgspec.structs.replace(made, quantity=order.leaves_qty)
        return kept(self, order, made)

    monkeypatch.setattr(WorkingSet, "book", book)


@pytest.mark.parametrize(
    "defect",
    [
        _books_a_fill_again,
        _forgets_what_is_parked,
        _skips_what_was_not_told,
        _clamps_what_is_filled_beyond_the_total,
    ],
)
def test_a_planted_defect_is_found(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    assert_found(LedgerMachine)

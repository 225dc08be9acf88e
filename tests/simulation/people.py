"""People in a simulated run: hosts that cancel, replace, halt and resume, and producers that do it by the queue."""

from concurrent.futures import Future
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from actors import messages as m
from actors.errors import OrderSubmissionError
from actors.model import OrderStatus
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand
from actors.model.command_wire import encode_command
from actors.model.terms import LIMITED, TRIGGERED
from tests.simulation.exchange import Terms
from tests.simulation.line import SimulatedVenue
from tests.simulation.signals import STRATEGIES, SYMBOLS

if TYPE_CHECKING:
    from tests.simulation.life import Life
    from tests.simulation.world import World

FIRST_PRICE: Final = 20_000
"""In hundredths: no signal asks for so much, and each request for another."""


class People:
    """Act by chance, and know what they were promised.

    Attributes:
        halted: A halt was called in the process that runs, or confirmed in any, and nobody has resumed since.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._chance = world.runtime.random
        self._strikes = world.faults.strikes
        self._calls: list[Future[bool]] = []
        self._halts_here = False
        self._confirmed = False
        self._requests = 0
        self._commands: list[bytes] = []
        self._ended: set[str] = set()

    @property
    def halted(self) -> bool:
        self._confirmed = self._confirmed or any(_is_true(call) for call in self._calls)
        return self._halts_here or self._confirmed

    def forget_process(self) -> None:
        """Take it that the process died: a halt it did not confirm may be lost with it."""
        self._confirmed = self._confirmed or any(_is_true(call) for call in self._calls)
        self._halts_here = False
        self._calls = []

    # ------------------------------------------------------------ at random

    def act(self, life: "Life") -> None:
        """Do a few things, or none, in any order."""
        deeds = [
            self._cancel,
            self._cancel_all,
            self._replace,
            self._halt,
            self._resume,
            self._command,
            self._elsewhere,
        ]
        self._chance.shuffle(deeds)
        for deed in deeds:
            deed(life)

    def _cancel(self, life: "Life") -> None:
        if self._strikes("cancel") and (name := self._some_order()) is not None:
            life.tell(m.CancelOrder(order_id=name, reply=Future()))

    def _cancel_all(self, life: "Life") -> None:
        if self._strikes("cancel all"):
            life.tell(m.CancelAll(reply=Future(), **self._scope()))

    def _replace(self, life: "Life") -> None:
        for _ in range(5 if self._world.scale.dense else 1):
            if self._strikes("replace") and (name := self._some_order()) is not None:
                life.tell(m.ReplaceOrder(order_id=name, reply=Future(), **self._terms(name)))

    def _halt(self, life: "Life") -> None:
        for name in ("halt", "halt, orders kept"):
            if self._strikes(name):
                self.halt(life, keep_orders=name != "halt")

    def _resume(self, life: "Life") -> None:
        if self._strikes("resume"):
            self.resume(life)
        if self._strikes("resume, and halt"):
            self.resume(life)
            self.halt(life, keep_orders=True)

    def _command(self, _life: "Life") -> None:
        if self._strikes("command"):
            payload = encode_command(self._some_command())
            self._commands.append(payload)
            self._world.queue.push(payload)
        if self._commands and self._strikes("command repeated"):
            self._world.queue.push(self._chance.choice(self._commands))

    def _elsewhere(self, life: "Life") -> None:
        chance = self._chance
        if self._strikes("cut off") and isinstance(life.broker, SimulatedVenue):
            life.broker.cut_off()
        if self._strikes("stranger"):
            try:
                self._world.exchange.accept(None, chance.choice(SYMBOLS), "buy", Terms(chance.randint(1, 9)))
            except OrderSubmissionError:
                return

    def halt(self, life: "Life", *, keep_orders: bool = False) -> None:
        """Do what :meth:`TradingSystem.halt` does."""
        self._halts_here = True
        self._calls.append(life.kill_switch.trip("a person", "test", keep_orders=keep_orders))

    def resume(self, life: "Life") -> None:
        """Do what :meth:`TradingSystem.resume` does; whatever is sent from now on is their own wish."""
        self._halts_here = self._confirmed = False
        self._calls = []
        self._ended.clear()
        life.resume()

    def cancel_what_rests(self, life: "Life") -> None:
        """Ask once for the cancel of every live order of which none is on its way; an exit may come meanwhile."""
        for order in life.store.live_orders():
            if order.status is not OrderStatus.CANCEL_REQUESTED and order.order_id not in self._ended:
                self._ended.add(order.order_id)
                life.tell(m.CancelOrder(order_id=order.order_id, reply=Future()))

    # ------------------------------------------------------------ what they ask for

    def _some_order(self) -> str | None:
        books = list(self._world.exchange.books.values())
        working = [book for book in books if book.works]
        if not books:
            return None
        book = self._chance.choice(working if working and self._chance.random() < 0.8 else books)
        return book.coid or "no-such-order"

    def _scope(self) -> dict[str, str]:
        which = self._chance.random()
        if which < 0.45:
            return {"strategy_id": self._chance.choice(STRATEGIES)}
        return {"symbol": self._chance.choice(SYMBOLS)} if which < 0.9 else {}

    def _terms(self, name: str) -> dict[str, Any]:
        """Return new terms for an order: more, fewer, or another price that nobody else asks for."""
        order = self._world.store.order(name)
        self._requests += 1
        price = Decimal(FIRST_PRICE + self._requests) / 100
        if order is not None and self._chance.random() < 0.5:
            if order.order_type in LIMITED:
                return {"limit_price": price}
            if order.order_type in TRIGGERED:
                return {"stop_price": price}
        most = 120 if order is None else max(2 * order.quantity, 1)
        return {"quantity": self._chance.randint(1, most)}

    def _some_command(self) -> Command:
        self._requests += 1
        named: dict[str, Any] = {"command_id": f"command-{self._requests}", "reason": f"reason-{self._requests}"}
        kind = self._chance.random()
        if kind < 0.05:
            return HaltCommand(keep_orders=self._chance.random() < 0.5, **named)
        if kind < 0.1:
            return CancelAllCommand(**named, **self._scope())
        order_id = self._some_order() or "no-such-order"
        if kind < 0.7:
            return ReplaceCommand(order_id=order_id, **named, **self._terms(order_id))
        return CancelCommand(order_id=order_id, **named)


def _is_true(call: Future[bool]) -> bool:
    return call.done() and call.exception() is None and call.result() is True

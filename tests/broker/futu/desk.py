"""A broker that is connected to a simulated OpenD through the unmodified SDK."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.broker.base import VenueSnapshot
from actors.broker.futu.broker import FutuBroker
from actors.errors import BrokerUnclear
from actors.testing import SimulatedOpenD
from tests.broker.futu.making import PAPER, REAL, Heard, aapl, settings, since

D = Decimal
ENVIRONMENTS = {"SIMULATE": PAPER, "REAL": REAL}


class Desk:
    """A connected broker, what it told, and the exchange behind it."""

    def __init__(self, opend: SimulatedOpenD, environment: str, directory: Path | None = None, **changes: Any) -> None:
        self.opend = opend
        self.acc_id = ENVIRONMENTS[environment]
        chosen = settings(opend.port, trade_env=environment, acc_id=self.acc_id, **changes)
        self.broker = FutuBroker(chosen, directory)
        self.heard = Heard(self.broker)
        for budget in vars(self.broker.budgets).values():
            budget._spacing = 0.0
        self.broker.connect()

    def connect_again(self) -> None:
        """Connect as soon as that is possible."""

        def connected(_heard: Heard) -> bool:
            try:
                self.broker.connect()
            except BrokerUnclear:
                return False
            return True

        self.heard.wait_for(connected)

    def resting(self, number: int = 1, quantity: int = 100) -> str:
        """Place a buy order below the market."""
        order = aapl(order_id=f"oa-{number}", quantity=quantity, limit_price=D(90))
        return self.broker.submit_order(order)

    def fill(self, order_id: str, quantity: int, price: str = "90") -> int:
        return self.opend.exchange.fill(self.acc_id, order_id, quantity, D(price)).deal_id

    def snapshot(self) -> VenueSnapshot:
        return self.broker.snapshot(since(datetime.now(UTC)))

    def wait_for_filled(self, quantity: int) -> None:
        self.heard.wait_for(lambda heard: sum(fill.quantity for fill in heard.fills) == quantity)

    def check_all_is_told(self) -> None:
        """Fills told, by pushes and by the query, are those of the exchange, and so are positions."""
        snapshot = self.snapshot()
        deals = self.opend.exchange.deals(self.acc_id)
        told = {fill.fill_id: fill for fill in [*self.heard.fills, *snapshot.fills]}
        expected = sum(deal.signed_quantity for deal in deals)
        assert sum(f.quantity if f.side == "buy" else -f.quantity for f in told.values()) == expected
        assert {s: q for s, q in (snapshot.positions or {}).items() if q} == self.opend.exchange.positions(self.acc_id)

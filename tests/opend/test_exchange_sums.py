"""Whatever is asked of the exchange, its sums agree: deals, orders, positions, cash, books."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from actors.testing.opend.orders import Refused
from actors.testing.opend.protocol import Currency, DealStatus, OrderStatus, OrderType, TimeInForce, TrailType
from tests.opend.client import PAPER_US, REAL
from tests.opend.floor import BUY, SELL, Floor

SYMBOLS = ("US.AAPL", "US.MSFT")
ACCOUNTS = (REAL, PAPER_US)
S = OrderStatus


def step(floor: Floor, draw: Random) -> None:
    """Do something that may happen at an exchange."""
    acc_id, symbol = draw.choice(ACCOUNTS), draw.choice(SYMBOLS)
    working = floor.exchange.open_orders(acc_id)
    match draw.randrange(8):
        case 0 | 1:
            price = draw.choice((None, "99.5", "100", "100.5"))
            tif = draw.choice((TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC))
            floor.place(draw.choice((BUY, SELL)), draw.randint(1, 50), price, symbol, acc_id=acc_id, time_in_force=tif)
        case 2:
            trail = {"trail_type": TrailType.AMOUNT, "trail_value": Decimal("0.5")}
            floor.place(SELL, 10, None, symbol, OrderType.TRAILING_STOP, acc_id, **trail)
        case 3:
            floor.move(str(Decimal(draw.randint(9900, 10100)) / 100), symbol)
        case 4 if working:
            floor.exchange.cancel(draw.choice(working), floor.now)
        case 5 if working:
            with suppress(Refused):
                floor.exchange.fill(draw.choice(working), draw.randint(1, 20), Decimal(100), floor.now)
        case 6 if floor.deals(acc_id):
            deal = draw.choice(floor.deals(acc_id))
            if deal.status is not DealStatus.CANCELLED:
                quantity = draw.choice((0, deal.quantity))
                floor.exchange.revise(deal, floor.now, quantity, deal.price + Decimal("0.01"))
        case _:
            floor.advance(draw.choice((0.0, 0.3, 1.0)))


def check(floor: Floor) -> None:
    for acc_id in ACCOUNTS:
        standing = [deal for deal in floor.deals(acc_id) if deal.status is not DealStatus.CANCELLED]
        for order in floor.exchange.orders(acc_id):
            own = [deal for deal in standing if deal.order_id == order.order_id]
            assert order.dealt == sum(deal.quantity for deal in own)
            assert order.value == sum(deal.quantity * deal.price for deal in own)
            assert order.dealt <= order.terms.quantity
            if order.status in (S.SUBMITTED, S.CANCELLING_ALL):
                assert order.dealt == 0
            if order.status is S.FILLED_ALL:
                assert order.dealt == order.terms.quantity
        for symbol in SYMBOLS:
            held = sum(deal.signed_quantity for deal in standing if deal.symbol == symbol)
            assert floor.exchange.ledger.holding(acc_id, symbol).quantity == held
        paid = sum(deal.signed_quantity * deal.price + floor.exchange.ledger.fee(deal) for deal in standing)
        assert floor.exchange.ledger.cash(acc_id)[Currency.USD] == 100_000_000 - paid


def held(floor: Floor) -> list[object]:
    deals = [sorted(floor.deals(acc_id), key=lambda deal: deal.deal_id) for acc_id in ACCOUNTS]
    return [floor.exchange.orders(acc_id) for acc_id in ACCOUNTS] + deals


@pytest.mark.parametrize("seed", range(20))
def test_sums_agree_and_the_books_hold_them(seed: int, tmp_path: Path) -> None:
    floor = Floor(tmp_path, seed, partial_fills=3, fill_delay=0.2, accept_delay=0.1, cancel_delay=0.2)
    draw = Random(seed)
    for _ in range(200):
        step(floor, draw)
        check(floor)
    assert len(floor.deals(REAL)) > 10
    kept = held(floor)
    floor.books.close()
    again = Floor(tmp_path)
    assert held(again) == kept
    check(again)
    again.books.close()

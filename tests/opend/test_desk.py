"""What is done at the exchange behind the client's back, and what cannot be."""

from decimal import Decimal
from pathlib import Path

import pytest

from actors.errors import StoreError
from actors.testing import SimulatedOpenD
from actors.testing.opend.accounts import Account
from actors.testing.opend.orders import Refused
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import OrderStatus, TrdEnv, TrdMarket, TrdSide
from tests.opend.client import REAL, wait_until

S = OrderStatus


def test_a_person_cancels_and_a_status_is_set(opend: SimulatedOpenD) -> None:
    order_id = opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 10, Decimal(90)).order_id
    opend.exchange.set_status(REAL, order_id, S.TIMEOUT)
    assert opend.exchange.order(REAL, order_id).status is S.TIMEOUT
    opend.exchange.cancel(REAL, order_id)
    wait_until(lambda: opend.exchange.order(REAL, order_id).status is S.CANCELLED_ALL)


def test_a_price_that_moves_fills_what_rests(opend: SimulatedOpenD) -> None:
    order_id = opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 10, Decimal(90)).order_id
    opend.exchange.set_price("US.AAPL", Decimal("89.5"))
    assert opend.exchange.order(REAL, order_id).average_price == Decimal("89.5")


def test_what_does_not_exist_is_refused(opend: SimulatedOpenD) -> None:
    with pytest.raises(Refused, match="deal 5 does not exist"):
        opend.exchange.bust(REAL, 5)
    with pytest.raises(Refused, match="order nope does not exist"):
        opend.exchange.fill(REAL, "nope", 1, Decimal(1))
    opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 10)
    (deal,) = opend.exchange.deals(REAL)
    with pytest.raises(Refused, match="was not for so many"):
        opend.exchange.change_deal(REAL, deal.deal_id, 11, Decimal(100))
    with SimulatedOpenD() as walking, pytest.raises(Refused, match="prices move by themselves"):
        walking.exchange.set_price("US.AAPL", Decimal(1))


def test_it_can_be_looked_at_before_it_starts_and_after_it_ended(tmp_path: Path) -> None:
    opend = SimulatedOpenD(data_dir=tmp_path, prices=GivenPrices())
    opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 10, Decimal(90))
    opend.close()
    with SimulatedOpenD(data_dir=tmp_path) as again:
        assert [order.open_quantity for order in again.exchange.orders(REAL)] == [10]
    (order,) = again.exchange.orders(REAL)
    with pytest.raises(StoreError, match="the books are closed"):
        again.exchange.cancel(REAL, order.order_id)


def test_books_of_other_accounts_are_refused_and_left_free(tmp_path: Path) -> None:
    with SimulatedOpenD(data_dir=tmp_path, prices=GivenPrices()) as opend:
        opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 10)
    with pytest.raises(StoreError, match=f"hold account {REAL}, which is not there"):
        SimulatedOpenD(data_dir=tmp_path, accounts=[Account(acc_id=7, env=TrdEnv.REAL, markets=(TrdMarket.US,))])
    SimulatedOpenD(data_dir=tmp_path).close()


def test_trading_goes_on_once_the_books_can_be_written_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with SimulatedOpenD(data_dir=tmp_path, prices=GivenPrices()) as opend:
        books = opend._books._file
        assert books is not None
        opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 10, Decimal(90))
        opend._worker.call(lambda: books.execute("ALTER TABLE deals RENAME TO away"))
        opend.exchange.set_price("US.AAPL", Decimal(80))
        wait_until(lambda: "trading stands still" in caplog.text)
        assert opend.exchange.deals(REAL) == []
        opend._worker.call(lambda: books.execute("ALTER TABLE away RENAME TO deals"))
        wait_until(lambda: opend.exchange.deals(REAL))


def test_a_port_that_is_taken_leaves_the_books_free(opend: SimulatedOpenD, tmp_path: Path) -> None:
    taken = SimulatedOpenD(opend.port, tmp_path)
    with pytest.raises(OSError, match="address already in use"):
        taken.start()
    SimulatedOpenD(data_dir=tmp_path).close()

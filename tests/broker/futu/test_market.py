"""Lots and price steps are kept to where they are known, and nothing waits for them where they are not."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.broker.futu.broker import FutuBroker
from actors.broker.futu.market import Facts
from actors.errors import OrderSubmissionError
from actors.testing import SimulatedOpenD
from tests.broker.futu.making import PAPER, REAL, FakeSdk, Heard, aapl, listening, settings
from tests.support.builders import AT

D = Decimal


def facts(**changes: Any) -> Facts:
    values: dict[str, Any] = {"lot": 100, "price": D(300), "step": D("0.2"), "priced_at": AT, "asked_at": 0.0}
    return Facts(**(values | changes))


def tencent(**changes: Any) -> Any:
    return aapl(**({"symbol": "HK.00700", "quantity": 200, "limit_price": D("300.2")} | changes))


def test_what_fits_lot_and_step_may_trade() -> None:
    assert facts().fault(tencent()) is None
    assert facts(lot=0, step=None).fault(tencent(quantity=7)) is None  # not known


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantity": 150}, "its quantity 150 is no multiple of HK.00700's lot of 100"),
        ({"limit_price": D("300.1")}, "its limit price 300.1 is no multiple of HK.00700's price step 0.2"),
        ({"stop_price": D("299.9"), "order_type": "stop_limit"}, "its stop price 299.9 is no multiple"),
    ],
)
def test_what_does_not_fit_is_refused_with_why(changes: dict[str, Any], said: str) -> None:
    assert said in (facts().fault(tencent(**changes)) or "")


def test_a_price_where_steps_may_be_others_is_not_judged() -> None:
    assert facts().fault(tencent(limit_price=D("199.95"))) is None
    assert facts().fault(tencent(limit_price=D("500.5"))) is None


def test_lots_steps_and_prices_come_from_opend(opend: SimulatedOpenD, tmp_path: Path) -> None:
    chosen = settings(opend.port, trade_env="REAL", acc_id=REAL, market_data=True)
    broker = FutuBroker(chosen, tmp_path)
    heard = Heard(broker)
    broker.connect()
    heard.wait_for(lambda _: broker._market._line is not None)
    with pytest.raises(OrderSubmissionError, match=r"no multiple of HK\.00700's lot of 100"):
        broker.submit_order(tencent(quantity=150, limit_price=D(90)))
    assert opend.exchange.orders(REAL) == []
    (quote,) = broker.quotes()
    assert (quote.symbol, quote.price) == ("HK.00700", D(100))
    assert broker.submit_order(tencent(limit_price=D(90)))
    broker.close()


def test_without_rights_orders_go_out_unchecked_and_there_are_no_quotes(tmp_path: Path) -> None:
    with listening() as port:
        sdk = FakeSdk()
        sdk.context.answers["get_market_snapshot"] = "no right to market data"
        broker = FutuBroker(settings(port, acc_id=PAPER, market_data=True), tmp_path, sdk=sdk)
        heard = Heard(broker)
        broker.connect()
        heard.wait_for(lambda _: broker._market._line is not None)
        for _ in range(2):
            assert broker.submit_order(aapl()) == "F1"
        assert broker.quotes() == []
        assert len(sdk.context.calls("get_market_snapshot")) == 1  # not asked again for a while
        broker.close()

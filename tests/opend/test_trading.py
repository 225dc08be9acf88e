"""The unmodified SDK trades: what is asked, what is answered, what is pushed."""

from actors.testing import SimulatedOpenD
from actors.testing.opend.protocol import OrderStatus
from tests.opend.client import REAL, Client


def test_an_order_with_real_money_is_filled_pushed_and_listed(client: Client, opend: SimulatedOpenD) -> None:
    row = client.place(REAL, "US.AAPL", "BUY", 10, 101, remark="ours-1")
    push = client.pushed_order(row["order_id"], OrderStatus.FILLED_ALL)
    assert (push.header.accID, push.order.remark, push.order.fillQty) == (REAL, "ours-1", 10)
    deal = client.pushed_deal(row["order_id"])
    assert (deal.header.accID, deal.orderFill.qty, deal.orderFill.price) == (REAL, 10, 100)
    assert deal.orderFill.fillID > 2**53
    listed = client.call("order_list_query", REAL)
    assert [(each["remark"], each["order_status"], each["dealt_qty"]) for each in listed] == [
        ("ours-1", "FILLED_ALL", 10)
    ]
    assert opend.exchange.positions(REAL) == {"US.AAPL": 10}

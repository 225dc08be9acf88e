"""An order that ends at the broker with terms we had asked for and not yet seen: they are its terms."""

from decimal import Decimal

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from tests.order_manager.desk import Desk
from tests.order_manager.replacing import shows, terms
from tests.support.builders import fill

NEW = Decimal(101)


@pytest.mark.parametrize(
    ("status", "becomes"), [(ReportStatus.CANCELLED, "cancelled"), (ReportStatus.EXPIRED, "expired")]
)
@pytest.mark.parametrize("filled", [0, 4, 10, 12])
@pytest.mark.parametrize("killed", [False, True])
def test_an_end_with_the_terms_asked_for_takes_them_in(
    replacing: Desk, status: ReportStatus, becomes: str, filled: int, *, killed: bool
) -> None:
    fills = (fill(1, filled),) if filled else ()
    if killed:
        replacing.kill()
        replacing.open(shows(15, 101, filled, status), fills=fills)
    else:
        for each in fills:
            replacing.tell(m.FillReported(fill=each))
        replacing.tell(m.OrderReported(report=shows(15, 101, filled, status)))
    order = replacing.order()
    assert (*terms(order), order.filled_qty, order.overfill_qty) == (becomes, 15, NEW, filled, 0)

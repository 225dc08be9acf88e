"""A client made of the unmodified SDK: calls that must go well, and every push that came."""

import queue
import time
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Any, Protocol, Self

from actors.testing import SimulatedOpenD

REAL = 281756455988247915
PAPER_US = 1001
PAPER_HK = 1002
PATIENCE = 30.0


class CallFailed(Exception):
    """A call of the SDK ended with RET_ERROR; the text is its."""


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.005)


class Gateway(Protocol):
    """Where a client connects to."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


def _subscribed(opend: Gateway) -> int:
    return sum(map(bool, opend.subscriptions())) if isinstance(opend, SimulatedOpenD) else 0


class Client:
    """One trade context with handlers that keep what is pushed."""

    def __init__(self, sdk: ModuleType, opend: Gateway) -> None:
        self.sdk = sdk
        self.pushes: queue.Queue[Any] = queue.Queue()
        kept = self.pushes

        class Orders(sdk.TradeOrderHandlerBase):  # type: ignore[misc,name-defined]
            def on_recv_rsp(self, rsp_pb: Any) -> Any:
                kept.put(rsp_pb.s2c)
                return super().on_recv_rsp(rsp_pb)

        class Deals(sdk.TradeDealHandlerBase):  # type: ignore[misc,name-defined]
            def on_recv_rsp(self, rsp_pb: Any) -> Any:
                kept.put(rsp_pb.s2c)
                return super().on_recv_rsp(rsp_pb)

        subscribed = _subscribed(opend)
        self.context = sdk.OpenSecTradeContext(
            filter_trdmarket=sdk.TrdMarket.NONE,
            host=opend.host,
            port=opend.port,
            security_firm=sdk.SecurityFirm.FUTUSECURITIES,
        )
        self.context.set_sync_query_connect_timeout(PATIENCE)
        self.context.set_handler(Orders())
        self.context.set_handler(Deals())
        wait_until(lambda: _subscribed(opend) > subscribed or not isinstance(opend, SimulatedOpenD))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()

    def call(self, name: str, acc_id: int | None = None, *arguments: Any, **named: Any) -> Any:
        """Call the SDK for an account and return what it says; rows come as dictionaries."""
        if acc_id is not None:
            named["acc_id"] = acc_id
            named["trd_env"] = self.sdk.TrdEnv.REAL if acc_id == REAL else self.sdk.TrdEnv.SIMULATE
        code, data = getattr(self.context, name)(*arguments, **named)
        if code != self.sdk.RET_OK:
            raise CallFailed(data)
        return data.to_dict("records") if hasattr(data, "to_dict") else data

    def place(self, acc_id: int, code: str, side: str, qty: int, price: float = 100, **named: Any) -> dict[str, Any]:
        """Place an order and return the row that the SDK returns."""
        row: dict[str, Any] = self.call("place_order", acc_id, price, qty, code, side, **named)[0]
        return row

    def pushed(self, wanted: Callable[[Any], bool]) -> Any:
        """Return the next push that is wanted, passing over the others."""
        while True:
            push = self.pushes.get(timeout=PATIENCE)
            if wanted(push):
                return push

    def pushed_order(self, order_id: str, status: int) -> Any:
        """Return the push that shows an order in a status."""
        return self.pushed(
            lambda push: (
                hasattr(push, "order") and push.order.orderIDEx == order_id and push.order.orderStatus == status
            )
        )

    def pushed_deal(self, order_id: str) -> Any:
        """Return the push of an order's next deal."""
        return self.pushed(lambda push: hasattr(push, "orderFill") and push.orderFill.orderIDEx == order_id)

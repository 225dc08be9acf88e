"""Rows, orders, a clock that stands, and an SDK that answers what a test tells it to."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.broker.base import OrderReport, ReportStatus
from actors.broker.futu.broker import FutuBroker
from actors.broker.futu.rows import Deal, Picture, Row
from actors.broker.futu.sdk import SdkRefused
from actors.kill_switch.arming import Arming, arm
from actors.model import Order, OrderFill
from actors.runtime.clock import utc_now
from actors.settings import FutuSettings
from tests.support.builders import AT, order

REAL = 281_756_455_988_247_915
PAPER = 1001
ACCOUNTS_OF = {"SIMULATE": PAPER, "REAL": REAL}
DAY = timedelta(days=1)


def arm_account(directory: Path) -> None:
    """Arm the account with real money; harmless where there is only play money."""
    now = utc_now()
    arm(directory, Arming(account=REAL, by="a test", at=now, until=now + timedelta(hours=1)))


def aapl(**changes: Any) -> Order:
    values: dict[str, Any] = {"symbol": "US.AAPL", "order_type": "limit", "limit_price": Decimal("150.25")}
    return order(**(values | changes))


def row(**changes: Any) -> dict[str, Any]:
    """Return a row of an order list, as the SDK makes it."""
    values: dict[str, Any] = {
        "code": "US.AAPL",
        "trd_side": "BUY",
        "order_type": "NORMAL",
        "order_status": "SUBMITTED",
        "order_id": "F1",
        "qty": 100.0,
        "price": 150.25,
        "create_time": "2026-01-05 09:30:00",
        "updated_time": "2026-01-05 09:30:01.250",
        "dealt_qty": 0.0,
        "dealt_avg_price": 0.0,
        "last_err_msg": "",
        "remark": "oa-1",
        "aux_price": "N/A",
    }
    return values | changes


def deal_row(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "code": "US.AAPL",
        "deal_id": 7_102_405_130_000_000_001,
        "order_id": "F1",
        "qty": 40.0,
        "price": 150.2,
        "trd_side": "BUY",
        "create_time": "2026-01-05 09:30:02",
        "status": "OK",
    }
    return values | changes


def picture(**changes: Any) -> Picture:
    values: dict[str, Any] = {
        "order_id": "F1",
        "remark": "oa-1",
        "symbol": "US.AAPL",
        "side": "buy",
        "status": "SUBMITTED",
        "quantity": 100,
        "filled_qty": 0,
        "average": None,
        "limit_price": Decimal("150.25"),
        "stop_price": None,
        "reason": None,
        "at": AT,
        "created_at": AT,
    }
    return Picture(**(values | changes))


def deal(**changes: Any) -> Deal:
    values: dict[str, Any] = {
        "deal_id": 77,
        "order_id": "F1",
        "symbol": "US.AAPL",
        "side": "buy",
        "quantity": 40,
        "price": Decimal("150.2"),
        "status": "OK",
        "at": AT,
    }
    return Deal(**(values | changes))


class StandingClock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def pass_(self, seconds: float) -> None:
        self.passed += seconds


class PushedClock(StandingClock):
    """A clock that goes on by itself, and farther when it is told to."""

    def monotonic(self) -> float:
        return self.passed + time.monotonic()


ACCOUNTS = (
    {"acc_id": REAL, "trd_env": "REAL", "sim_acc_type": "N/A", "trdmarket_auth": ["HK", "US"]},
    {"acc_id": PAPER, "trd_env": "SIMULATE", "sim_acc_type": "STOCK", "trdmarket_auth": ["US"]},
)


class FakeContext:
    """Answers what it was told to; ``asked`` holds what it was asked."""

    def __init__(self) -> None:
        self.status = "READY"
        self.closed = threading.Event()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.threads: set[str] = set()
        self.handlers: tuple[Callable[[Any], None], ...] = ()
        self.subscribed: list[int] = []
        self.answers: dict[str, Any] = {
            "get_global_state": [{"trd_logined": True}],
            "get_acc_list": list(ACCOUNTS),
            "place_order": [row()],
            "modify_order": [{"order_id": "F1"}],
            "order_list_query": [],
            "history_order_list_query": [],
            "deal_list_query": [],
            "history_deal_list_query": [],
            "position_list_query": [],
            "unlock_trade": [],
        }

    def listen(self, *handlers: Callable[[Any], None]) -> None:
        self.handlers = handlers

    def subscribe(self, acc_id: int) -> None:
        self._answer("subscribe")
        self.subscribed.append(acc_id)

    def ask(self, name: str, **arguments: object) -> list[Row]:
        self.asked.append((name, arguments))
        self.threads.add(threading.current_thread().name)
        answer = self._answer(name)
        return list(answer)

    def close(self) -> None:
        self.status = "CLOSED"
        self.closed.set()

    def calls(self, name: str) -> list[dict[str, Any]]:
        return [arguments for asked, arguments in self.asked if asked == name]

    def _answer(self, name: str) -> Any:
        answer = self.answers.get(name, [])
        if callable(answer):
            answer = answer()
        if isinstance(answer, str):
            raise SdkRefused(answer)
        return answer


class FakeSdk:
    """Opens a context, the same until it is given another one."""

    def __init__(self) -> None:
        self.context = FakeContext()
        self.opened = 0
        self.abandoned = 0
        self.hangs = threading.Event()
        self.hangs.set()

    def open(self, *where: object) -> "FakeSdk":
        self.opened += 1
        return self

    def run(self) -> FakeContext:
        self.hangs.wait()
        return self.context

    def abandon(self) -> None:
        self.abandoned += 1
        self.hangs.set()


class Heard:
    """What a broker told."""

    def __init__(self, broker: FutuBroker) -> None:
        self.fills: list[OrderFill] = []
        self.reports: list[OrderReport] = []
        self.losses: list[str] = []
        self._changed = threading.Condition()
        broker.subscribe_fills(lambda fill: self._note(self.fills, fill))
        broker.subscribe_orders(lambda report: self._note(self.reports, report))
        broker.subscribe_connection(lambda _up, why: self._note(self.losses, why))

    @property
    def last_status(self) -> ReportStatus | None:
        return self.reports[-1].status if self.reports else None

    def wait_for(self, holds: Callable[["Heard"], bool], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not holds(self):  # looked at now and then, for it may hold for other reasons than what was told
                self._changed.wait(0.05)
                assert time.monotonic() < deadline, (self.fills, self.reports, self.losses)

    def _note(self, heard: list[Any], what: Any) -> None:
        with self._changed:
            heard.append(what)
            self._changed.notify_all()


@contextmanager
def listening() -> Iterator[int]:
    """Yield a port on which somebody takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def settings(port: int, **changes: Any) -> FutuSettings:
    return FutuSettings(**({"port": port, "acc_id": PAPER, "market_data": False} | changes))


def since(moment: datetime | None = None) -> datetime:
    return (datetime.now(UTC) if moment is None else moment) - DAY

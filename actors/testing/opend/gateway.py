"""OpenD without its sockets: a request in, its reply out, pushes to those who subscribed."""

import json
import logging
from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

from actors.errors import StoreError
from actors.runtime.clock import Clock
from actors.testing.opend import frames, messages, order_messages, quotes
from actors.testing.opend.codec import Malformed, Message, decode, embedded, encode, envelope
from actors.testing.opend.exchange import Exchange
from actors.testing.opend.frames import Frame
from actors.testing.opend.instruments import of_symbol
from actors.testing.opend.memory import Memory
from actors.testing.opend.orders import Change, Refused
from actors.testing.opend.pictures import deal_picture, header, order_picture
from actors.testing.opend.protocol import Proto, RetType
from actors.testing.opend.reading import Reading
from actors.testing.opend.script import Script
from actors.testing.opend.securities import Securities
from actors.testing.opend.trading import Trading

logger = logging.getLogger(__name__)


class Session:
    """One client's connection.

    Args:
        push: Sends it a push: what it is about, and the frame.
    """

    def __init__(self, push: Callable[[str, bytes], None]) -> None:
        self.push = push
        self.conn_id: int | None = None
        self.wants_news = False
        self.accounts: frozenset[int] = frozenset()


class _Route(NamedTuple):
    request: type[Message]
    handler: Callable[[Any], Message]


class Gateway:
    """Answers requests and pushes what happens at the exchange.

    Args:
        exchange: Where orders go.
        trading: What carries them out.
        reading: What answers questions about accounts.
        securities: What answers questions about prices.
        memory: What is remembered of the accounts.
        script: What goes wrong on purpose.
        clock: The time.
        random: Where connection ids and keys come from.
        keep_alive: The seconds between beats that it asks clients for.
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        exchange: Exchange,
        trading: Trading,
        reading: Reading,
        securities: Securities,
        memory: Memory,
        script: Script,
        clock: Clock,
        random: Random,
        *,
        keep_alive: int,
    ) -> None:
        self._trading = trading
        self._memory = memory
        self._script = script
        self._clock = clock
        self._random = random
        self._keep_alive_interval = keep_alive
        self._accounts = exchange.accounts
        self._sessions: list[Session] = []
        self._pushed = 0
        self._routes: dict[int, _Route] = {
            Proto.KEEP_ALIVE: _Route(messages.KeepAlive, self._keep_alive),
            Proto.GET_ACC_LIST: _Route(messages.Empty, lambda _: reading.accounts()),
            Proto.UNLOCK_TRADE: _Route(messages.UnlockTrade, trading.unlock),
            Proto.GET_FUNDS: _Route(messages.GetFunds, reading.funds),
            Proto.GET_POSITION_LIST: _Route(messages.GetPositionList, reading.positions),
            Proto.GET_ORDER_LIST: _Route(order_messages.GetOrderList, reading.orders),
            Proto.PLACE_ORDER: _Route(order_messages.PlaceOrder, trading.place),
            Proto.MODIFY_ORDER: _Route(order_messages.ModifyOrder, trading.modify),
            Proto.GET_ORDER_FILL_LIST: _Route(order_messages.GetOrderFillList, reading.deals),
            Proto.GET_HISTORY_ORDER_LIST: _Route(order_messages.GetHistoryOrderList, reading.history_orders),
            Proto.GET_HISTORY_ORDER_FILL_LIST: _Route(order_messages.GetHistoryOrderFillList, reading.history_deals),
            Proto.GET_ORDER_FEE: _Route(order_messages.GetOrderFee, reading.fees),
            Proto.QOT_SUB: _Route(quotes.Subscribe, securities.subscribe),
            Proto.GET_BASIC_QOT: _Route(quotes.GetSecurities, securities.basic_quotes),
            Proto.GET_STATIC_INFO: _Route(quotes.GetStaticInfo, securities.static_info),
            Proto.GET_SECURITY_SNAPSHOT: _Route(quotes.GetSecurities, securities.snapshot),
        }
        exchange.subscribe(self._push_change)

    # ------------------------------------------------------------ connections

    def open(self, session: Session) -> None:
        """Take a new connection."""
        self._sessions.append(session)

    def close(self, session: Session) -> None:
        """Forget a connection."""
        if session in self._sessions:
            self._sessions.remove(session)

    def restart(self) -> None:
        """Forget what a process forgets that ends: who had unlocked trading, and what was remembered of accounts."""
        self._trading.unlocked = False
        self._memory.forget()

    # ------------------------------------------------------------ requests

    def answer(self, session: Session, frame: Frame) -> bytes:
        """Carry a request out and return its reply."""
        try:
            reply = self._reply(session, frame)
        except (Refused, StoreError) as error:
            return self.refusal(frame, str(error))
        except Malformed as error:
            return self.refusal(frame, f"request {frame.proto} cannot be read: {error}")
        return frames.pack(
            Frame(frame.proto, frame.serial, envelope({_RET_TYPE: RetType.SUCCEED, _S2C: encode(reply)}))
        )

    def refusal(self, frame: Frame, text: str) -> bytes:
        """Return the reply that refuses a request."""
        if frame.form == frames.JSON:
            body = json.dumps({"retType": RetType.FAILED, "retMsg": text, "errCode": 0}).encode()
            return frames.pack(Frame(frame.proto, frame.serial, body, frames.JSON))
        return frames.pack(
            Frame(frame.proto, frame.serial, envelope({_RET_TYPE: RetType.FAILED, _RET_MSG: text, _ERR_CODE: 0}))
        )

    def log_in_or_out(self, *, logged_in: bool) -> None:
        """Lose the connection to Futu's own servers, or get it back; clients are told."""
        self._script.logged_in = logged_in
        status = messages.ConnectStatus(qot_logined=logged_in, trd_logined=logged_in)
        notify = messages.Notify(type=_CONN_STATUS, connect_status=status)
        for session in self._sessions:
            if session.wants_news:
                session.push("gateway", self._push_frame(Proto.NOTIFY, notify))

    def _reply(self, session: Session, frame: Frame) -> Message:
        if frame.form != frames.PROTOBUF:
            raise Refused("JSON is not spoken here: use protocol format Protobuf, which is the SDK's default")
        c2s = embedded(frame.body, _C2S)
        if not self._script.logged_in and frame.proto not in (Proto.GET_GLOBAL_STATE, Proto.KEEP_ALIVE):
            raise Refused("OpenD is not logged in")
        if frame.proto == Proto.INIT_CONNECT:
            return self._connect(session, decode(messages.InitConnect, c2s))
        if session.conn_id is None:
            raise Refused("InitConnect must come first")
        if frame.proto == Proto.GET_GLOBAL_STATE:
            return self._state(session.conn_id)
        if frame.proto == Proto.SUB_ACC_PUSH:
            return self._subscribe(session, decode(messages.SubAccPush, c2s))
        route = self._routes.get(frame.proto)
        if route is None:
            raise Refused(f"request {frame.proto} is not simulated")
        return route.handler(decode(route.request, c2s))

    def _connect(self, session: Session, request: messages.InitConnect) -> messages.Connected:
        if request.packet_enc_algo not in (None, _NO_ENCRYPTION):
            raise Refused("encrypted connections are not simulated: leave is_encrypt off")
        session.conn_id = self._random.getrandbits(62) | 1 << 62
        session.wants_news = request.recv_notify
        return messages.Connected(
            server_ver=_SERVER_VERSION,
            login_user_id=_USER,
            conn_id=session.conn_id,
            conn_aes_key=f"{self._random.getrandbits(64):016X}",
            keep_alive_interval=self._keep_alive_interval,
            aes_cbc_iv=f"{self._random.getrandbits(64):016X}",
        )

    def _state(self, conn_id: int) -> messages.GlobalState:
        now = self._clock.now().timestamp()
        logged_in = self._script.logged_in
        return messages.GlobalState(
            market_hk=_TRADING,
            market_us=_TRADING,
            market_sh=_CLOSED,
            market_sz=_CLOSED,
            market_hk_future=_CLOSED,
            qot_logined=logged_in,
            trd_logined=logged_in,
            server_ver=_SERVER_VERSION,
            server_build_no=_BUILD,
            time=int(now),
            local_time=now,
            program_status=messages.ProgramStatus(type=_READY if logged_in else _LOGGING_IN),
            conn_id=conn_id,
        )

    def _keep_alive(self, request: messages.KeepAlive) -> messages.KeepAlive:
        return messages.KeepAlive(time=int(self._clock.now().timestamp()))

    def _subscribe(self, session: Session, request: messages.SubAccPush) -> messages.Empty:
        unknown = [acc_id for acc_id in request.acc_id_list if acc_id not in self._accounts]
        if unknown:
            raise Refused(f"Nonexisting acc_id {unknown[0]}")
        session.accounts = frozenset(request.acc_id_list)
        return messages.Empty()

    # ------------------------------------------------------------ pushes

    def _push_change(self, change: Change) -> None:
        order, deal = change.order, change.deal
        account = self._accounts[order.acc_id]
        if not (change.pushed and account.pushes and self._script.logged_in):
            return
        head = header(account, of_symbol(order.symbol).market)
        order_update = order_messages.OrderUpdate(header=head, order=order_picture(account, order))
        for session in list(self._sessions):
            if account.acc_id not in session.accounts:
                continue
            session.push(order.order_id, self._push_frame(Proto.UPDATE_ORDER, order_update))
            if deal is not None and account.is_real:
                deal_update = order_messages.OrderFillUpdate(header=head, order_fill=deal_picture(deal))
                session.push(f"deal {deal.deal_id}", self._push_frame(Proto.UPDATE_ORDER_FILL, deal_update))

    def _push_frame(self, proto: Proto, message: Message) -> bytes:
        self._pushed += 1
        return frames.pack(Frame(proto, self._pushed, envelope({_RET_TYPE: RetType.SUCCEED, _S2C: encode(message)})))


_C2S: Final = 1
_RET_TYPE: Final = 1
_RET_MSG: Final = 2
_ERR_CODE: Final = 3
_S2C: Final = 4

_NO_ENCRYPTION: Final = -1
_SERVER_VERSION: Final = 1011
_BUILD: Final = 7108
_USER: Final = 17_000_001
_CONN_STATUS: Final = 3
_TRADING: Final = 3
_CLOSED: Final = 6
_LOGGING_IN: Final = 2
_READY: Final = 10

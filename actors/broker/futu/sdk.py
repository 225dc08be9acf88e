"""The one place that touches the official SDK: it is imported here, when it is used, and never before.

Importing it takes over Ctrl-C and writes a log; both are put right. Everything it returns leaves as plain rows, and
every RET_ERROR as :class:`SdkRefused` with its text.
"""

import logging
import os
import signal
import threading  # noqa: TID251 - one import at a time, and only the main thread may set signal handlers
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, Protocol

from actors.broker.futu.rows import Row
from actors.errors import SettingsError

RET_OK: Final = 0
READY: Final = "READY"
"""The status of a context that can be asked; it does not tell that pushes come."""


class SdkRefused(Exception):
    """The SDK returned RET_ERROR; the message is its text, of which ``outcomes`` tells what it proves."""


class Context(Protocol):
    """A connection of the SDK. Used by one thread, except for ``status`` and ``close``."""

    @property
    def status(self) -> str:
        """The SDK's word for where the connection stands."""
        ...

    def listen(self, order: Callable[[Any], None], deal: Callable[[Any], None], notice: Callable[[Any], None]) -> None:
        """Have the protobuf messages of pushes handed over."""
        ...

    def subscribe(self, acc_id: int) -> None:
        """Ask for an account's pushes, and learn whether that was granted.

        Raises:
            SdkRefused: It was not.
        """
        ...

    def ask(self, name: str, **arguments: object) -> list[Row]:
        """Call one of the SDK's methods and return the rows of its table.

        Raises:
            SdkRefused: It returned RET_ERROR.
        """
        ...

    def close(self) -> None:
        """Close it, whatever it is doing; calls under way return."""
        ...


class Opening(Protocol):
    """A context that is being opened, by a thread that may never come back from it."""

    def run(self) -> Context:
        """Connect; blocks until OpenD has answered, for ever if it never does."""
        ...

    def abandon(self) -> None:
        """Give it up, from another thread."""
        ...


class Kind(StrEnum):
    """What a context is for."""

    TRADING = "trading"
    QUOTES = "quotes"


class Sdk(Protocol):
    """Opens contexts."""

    def open(
        self, host: str, port: int, kind: Kind, security_firm: str, rsa_key: str | None, patience: float
    ) -> Opening:
        """Begin a connection.

        Args:
            host: Where OpenD runs.
            port: Where it listens there.
            kind: What for.
            security_firm: Who keeps the account; NONE is not said.
            rsa_key: The file of the key that OpenD was given for encryption; None is no encryption.
            patience: Seconds a call may wait for a connection before it returns "Connect timeout", surely unsent.
        """
        ...


class FutuSdk:
    """The official SDK."""

    def open(
        self, host: str, port: int, kind: Kind, security_firm: str, rsa_key: str | None, patience: float
    ) -> "_Opening":
        """Begin a connection; the SDK is imported by now."""
        futu = load()
        if rsa_key is not None:
            futu.SysConfig.set_init_rsa_file(rsa_key)
        arguments = {
            "host": host,
            "port": port,
            "is_encrypt": rsa_key is not None,
            "security_firm": "N/A" if security_firm == "NONE" else security_firm,
        }
        if kind is Kind.QUOTES:
            return _Opening(futu, futu.OpenQuoteContext, arguments, patience)
        arguments["filter_trdmarket"] = futu.TrdMarket.NONE  # any other hides accounts
        return _Opening(futu, futu.OpenSecTradeContext, arguments, patience)


def load() -> Any:  # noqa: ANN401 - the SDK has no types
    """Import the SDK, leaving Ctrl-C and the terminal to the host.

    Raises:
        SettingsError: It is not installed, or cannot be used here.
    """
    with _IMPORTING:
        main = threading.current_thread() is threading.main_thread()
        handler = signal.getsignal(signal.SIGINT) if main else None
        if os.name == "posix" and "HOME" not in os.environ:
            raise SettingsError("broker.type: futu writes its log under $HOME, which is not set; set HOME")
        try:
            import futu
        except (ImportError, SystemExit) as error:
            raise SettingsError(
                f"broker.type: futu needs its SDK: {error}; install it with: pip install order-actors[futu]"
            ) from error
        except OSError as error:
            raise SettingsError(f"broker.type: futu cannot write its log: {error}; make $HOME writable") from error
        finally:
            if main and handler is not None:
                signal.signal(signal.SIGINT, handler)
        futu.SysConfig.set_all_thread_daemon(True)
        futu.SysConfig.enable_console_log(False)
        console = logging.getLogger("FTConsoleLog")
        if not console.handlers:  # without one its warnings go to stderr all the same
            console.addHandler(logging.NullHandler())
        logging.getLogger("FTFileLog").setLevel(logging.INFO)
        return futu


class _Opening:
    """Keeps hold of a context whose constructor does not return, so that it can be closed all the same."""

    def __init__(self, futu: Any, kind: Any, arguments: dict[str, Any], patience: float) -> None:  # noqa: ANN401
        self._futu = futu
        self._raw = kind.__new__(kind)
        self._arguments = arguments
        self._patience = patience
        self._abandoned = False

    def run(self) -> "_Context":
        """Connect."""
        self._raw.__init__(**self._arguments)
        if self._abandoned:
            self._raw.close()
        self._raw.set_sync_query_connect_timeout(self._patience)
        return _Context(self._futu, self._raw)

    def abandon(self) -> None:
        """Close the context, at once or when its constructor returns."""
        self._abandoned = True
        if hasattr(self._raw, "_recv_buf"):  # as soon as it has all it needs to be closed
            self._raw.close()


class _Context:
    """A context of the SDK, with rows for tables and exceptions for codes."""

    def __init__(self, futu: Any, raw: Any) -> None:  # noqa: ANN401 - as load
        self._futu = futu
        self._raw = raw

    @property
    def status(self) -> str:
        """The SDK's word for where the connection stands."""
        status = self._raw.status
        return str(getattr(status, "name", status))

    def listen(self, order: Callable[[Any], None], deal: Callable[[Any], None], notice: Callable[[Any], None]) -> None:
        """Have the protobuf messages of pushes handed over."""
        futu = self._futu

        class Orders(futu.TradeOrderHandlerBase):  # type: ignore[misc, name-defined]
            def on_recv_rsp(self, rsp_pb: Any) -> tuple[int, None]:  # noqa: ANN401
                order(rsp_pb)
                return RET_OK, None

        class Deals(futu.TradeDealHandlerBase):  # type: ignore[misc, name-defined]
            def on_recv_rsp(self, rsp_pb: Any) -> tuple[int, None]:  # noqa: ANN401
                deal(rsp_pb)
                return RET_OK, None

        class Notices(futu.SysNotifyHandlerBase):  # type: ignore[misc, name-defined]
            def on_recv_rsp(self, rsp_pb: Any) -> tuple[int, None]:  # noqa: ANN401
                notice(rsp_pb)
                return RET_OK, None

        for handler in (Orders(), Deals(), Notices()):
            self._raw.set_handler(handler)

    def subscribe(self, acc_id: int) -> None:
        """Ask for an account's pushes; the SDK does so by itself, but never looks at the answer."""
        from futu.trade.trade_query import SubAccPush

        ask = self._raw._get_sync_query_processor(SubAccPush.pack_req, SubAccPush.unpack_rsp)  # noqa: SLF001
        ret, text, _ = ask(acc_id_list=[acc_id], conn_id=self._raw.get_sync_conn_id())
        if ret != RET_OK:
            raise SdkRefused(str(text))

    def ask(self, name: str, **arguments: object) -> list[Row]:
        """Call one of the SDK's methods and return the rows of its table."""
        ret, data = getattr(self._raw, name)(**arguments)
        if ret != RET_OK:
            raise SdkRefused(str(data))
        if isinstance(data, dict):
            return [data]
        return data.to_dict("records") if hasattr(data, "to_dict") else []

    def close(self) -> None:
        """Close it."""
        self._raw.close()


_IMPORTING: Final = threading.Lock()

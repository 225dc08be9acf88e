"""The connection to OpenD as a state: made, watched, lost, and made again when the port is asked to."""

import logging
import socket
import threading  # noqa: TID251 - a line is lost in other threads than it is made in
from collections.abc import Callable
from typing import Final

from actors.broker.futu.accounts import Account, chosen
from actors.broker.futu.line import Line, require_login
from actors.broker.futu.pushes import Pushes
from actors.broker.futu.rows import Deal, Picture, Row
from actors.broker.futu.sdk import Context, Kind, Sdk, SdkRefused
from actors.broker.futu.unlock import Unlock
from actors.broker.futu.worker import NotStarted, Rank, in_time
from actors.errors import BrokerUnclear
from actors.runtime.clock import Clock
from actors.settings import FutuSettings

log = logging.getLogger(__name__)

CONNECT_PATIENCE: Final = 1.0
"""Seconds a call may wait for the SDK's connection: whatever is sent later is sent too late."""


class Connection:
    """Holds the line that stands, if one does, and asks over it for one account.

    Args:
        tell: Called with each order or deal that is pushed.
        looked: Called in the worker thread of the line, now and then, while it stands.
        lost: Called with why when the line is lost.
    """

    def __init__(
        self,
        settings: FutuSettings,
        sdk: Sdk,
        clock: Clock,
        tell: Callable[[Picture | Deal], None],
        looked: Callable[[], None],
        lost: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._sdk = sdk
        self._clock = clock
        self._tell = tell
        self._looked = looked
        self._on_lost = lost
        self._line: Line | None = None
        self._account: Account | None = None
        self._changing = threading.Lock()
        self._opening = threading.Lock()
        self._closes = 0  # what was begun before a close is not wanted after it
        self.unlock = Unlock(settings.unlock_password, clock)

    @property
    def account(self) -> Account:
        """The account, as OpenD confirmed it.

        Raises:
            BrokerUnclear: It was never connected to.
        """
        if self._account is None:
            raise BrokerUnclear("Futu: not connected to OpenD yet")
        return self._account

    def open(self) -> None:
        """Make a line, unless one stands.

        Raises:
            BrokerUnclear: OpenD cannot be reached, is not logged in, or does not have the account.
            SettingsError: The SDK is not installed.
        """
        if self._line is not None:
            return
        if not self._opening.acquire(blocking=False):
            raise BrokerUnclear("Futu: a connection to OpenD is being made already")
        try:
            self._make_line()
        finally:
            self._opening.release()

    def _make_line(self) -> None:
        settings, closes = self._settings, self._closes
        self._reach()
        opening = self._sdk.open(
            settings.host, settings.port, Kind.TRADING, settings.security_firm, settings.rsa_key, CONNECT_PATIENCE
        )
        context = in_time(opening.run, settings.connect_timeout)
        if context is None:
            opening.abandon()
            raise BrokerUnclear(
                f"Futu: OpenD at {self._where} takes connections and does not answer within "
                f"{settings.connect_timeout:g} s; see whether it is logged in, or start it again"
            )
        line = Line(context, self._clock, self._looked, self._lost)
        try:
            line.run(lambda context: self._begin(line, context))
        except NotStarted as error:
            raise BrokerUnclear(f"Futu: the connection to OpenD at {self._where} was lost at once: {error}") from error
        except SdkRefused as error:
            line.end("the connection could not begin")
            raise BrokerUnclear(f"Futu: OpenD at {self._where} refused: {error}") from error
        except BaseException:
            line.end("the connection could not begin")
            raise
        with self._changing:
            wanted = self._closes == closes
            if wanted and not line.is_over:
                self._line = line
        if self._line is not line:
            line.end("the broker is closed")
            raise BrokerUnclear(f"Futu: the connection to OpenD at {self._where} was lost or closed at once")
        log.info("futu: connected to OpenD at %s, account %s", self._where, self._account)

    def ask(self, name: str, rank: Rank, start_within: float | None = None, **arguments: object) -> list[Row]:
        """Ask for the account; it and its environment are always named.

        Raises:
            NotStarted: It surely never left.
            SdkRefused: The SDK returned an error.
        """
        line = self._line
        if line is None:
            raise NotStarted("not connected to OpenD")
        return line.ask(name, rank, start_within, **self._for_account(arguments))

    def ask_here(self, name: str, **arguments: object) -> list[Row]:
        """Ask in the worker thread, where ``looked`` is called."""
        line = self._line
        if line is None:
            raise NotStarted("not connected to OpenD")
        return line.ask_here(name, **self._for_account(arguments))

    def state(self) -> Row:
        """Return what OpenD says of itself: version, logins, time.

        Raises:
            BrokerUnclear: It says nothing.
        """
        line = self._line
        if line is None:
            raise BrokerUnclear("Futu: not connected to OpenD yet")
        try:
            return line.ask("get_global_state", Rank.QUERY)[0]
        except (NotStarted, SdkRefused) as error:
            raise BrokerUnclear(f"Futu: OpenD at {self._where} does not tell its state: {error}") from error

    def look_soon(self) -> None:
        """Have OpenD looked at soon."""
        line = self._line
        if line is not None:
            line.look_soon()

    def close(self) -> None:
        """End the line."""
        with self._changing:
            self._closes += 1
            line, self._line = self._line, None
        if line is not None:
            line.end("the broker is closed")

    # ------------------------------------------------------------ the beginning and the end of a line

    def _begin(self, line: Line, context: Context) -> None:
        """Confirm the account and its environment, and have its pushes sent; in the worker thread."""
        settings = self._settings
        require_login(line.ask_here("get_global_state"))
        named = settings.acc_id if self._account is None else self._account.acc_id  # never another one later on
        account = chosen(line.ask_here("get_acc_list"), settings.trade_env, named)
        pushes = Pushes(account.acc_id, account.environment, self._tell, self.look_soon)
        context.listen(pushes.order, pushes.deal, pushes.notice)
        line.acc_id = account.acc_id
        context.subscribe(account.acc_id)
        self._account = account
        if account.environment == "REAL":
            self.unlock.try_password(context)

    def _lost(self, line: Line, why: str) -> None:
        with self._changing:
            if self._line is not line:
                return
            self._line = None
        self._on_lost(why)

    def _for_account(self, arguments: dict[str, object]) -> dict[str, object]:
        account = self.account
        return {**arguments, "trd_env": account.environment, "acc_id": account.acc_id}

    def _reach(self) -> None:
        """Find out that somebody listens there: the SDK would try for ever, and hang on a name that is not known."""
        try:
            socket.create_connection((self._settings.host, self._settings.port), timeout=_REACH).close()
        except OSError as error:
            raise BrokerUnclear(
                f"Futu: nothing answers at {self._where}: {error}; start OpenD, or set broker.futu.host and port"
            ) from error

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"


_REACH: Final = 3.0

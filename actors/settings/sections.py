"""Every setting with its type, bounds and default. ``config/system.yaml`` shows them all."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from typing_extensions import override

from actors.runtime.policy import PolicyError, RestartPolicy
from actors.settings.loader import read_section
from actors.settings.risk import RiskSettings
from actors.settings.rules import FieldError, Number, Secret, Section, Text, Url
from actors.settings.secrets import HIDDEN, mask
from actors.settings.sessions import SessionSettings

Seconds: TypeAlias = Annotated[float, Number("a number of seconds", 0, 86_400)]
SomeSeconds: TypeAlias = Annotated[float, Number("a number of seconds", 0, 86_400, above=True)]
Price: TypeAlias = Annotated[Decimal, Number("a price", 0, 999_999_999, above=True)]
Money: TypeAlias = Annotated[Decimal, Number("an amount", 0, 1_000_000)]
Port: TypeAlias = Annotated[int, Number("a port number", 1, 65_535)]
Name: TypeAlias = Annotated[
    str,
    Text("1 to 64 characters of A-Z a-z 0-9 . _ : - that start with a letter or digit", r"[A-Za-z0-9][\w.:-]{0,63}"),
]
Key: TypeAlias = Annotated[str, Text("1 to 128 printable ASCII characters without a blank", r"[!-~]{1,128}")]
TimeOfDay: TypeAlias = Annotated[str, Text('a time of day such as "16:00"', r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")]
PathText: TypeAlias = Annotated[str, Text("the path of a file or directory", r"[^\x00-\x1f\x7f]{1,1024}")]

RedisUrl: TypeAlias = Annotated[
    str, Url("an address such as redis://127.0.0.1:6379/0, rediss://… or unix://…", ("redis", "rediss", "unix"))
]
DatabaseUrl: TypeAlias = Annotated[
    str, Url("an address such as postgresql+psycopg://user@host/database", ("postgresql+psycopg",))
]

DEFAULT_REDIS_URL: Final = "redis://127.0.0.1:6379/0"


class PriceSettings(Section, frozen=True, kw_only=True):
    """Where the paper market's prices come from."""

    source: Literal["fixed", "random_walk", "csv"] = "fixed"
    file: PathText | None = None
    volatility: Annotated[float, Number("a number", 0, 0.5)] = 0.0005
    tick: Price = Decimal("0.01")
    interval: SomeSeconds = 0.25
    speed: Annotated[float, Number("a number", 0, 1_000_000, above=True)] = 1.0

    @override
    def check(self) -> None:
        """A file is needed to read prices from one."""
        if self.source == "csv" and self.file is None:
            raise FieldError("file", "missing; source csv reads prices from it")


class PaperSettings(Section, frozen=True, kw_only=True):
    """The simulated broker."""

    fill_delay: Seconds = 0.1
    default_price: Price = Decimal(100)
    seed: Annotated[int, Number("a whole number", 0, 2**63 - 1)] | None = None
    partial_fills: Annotated[int, Number("a whole number", 1, 1_000)] = 1
    reject_probability: Annotated[float, Number("a probability", 0, 1)] = 0.0
    slippage_bps: Annotated[float, Number("a number of basis points", 0, 9_999)] = 0.0
    commission_per_share: Money = Decimal(0)
    commission_minimum: Money = Decimal(0)
    market_mode: bool = False
    session_end: TimeOfDay | None = None
    prices: PriceSettings = PriceSettings()


class FutuSettings(Section, frozen=True, kw_only=True):
    """Futu OpenD, and the account that is traded through it.

    Attributes:
        trade_env: SIMULATE for a paper account, REAL for money.
        acc_id: The account's number; None is the only account of that environment, and REAL needs one.
        security_firm: The broker that keeps the account; NONE is that of OpenD's first real account.
        rsa_key: The file of the key that OpenD was given for encrypted connections; None is no encryption.
        unlock_password: Unlocks trading in OpenD; None waits for a person to unlock it in OpenD's own window.
        us_session: When limit orders of US symbols may trade: RTH are regular hours, ETH those before and after too.
        market_data: Whether prices, lots and price steps are asked for; without the rights for it nothing is known.
        polling: Whether order lists are asked for between pushes; ``auto`` does for accounts whose pushes never come.
        poll_interval: Seconds between two such lists.
        connect_timeout: Seconds a connection may take until it is given up and tried again.
    """

    host: Annotated[str, Text("a host name or address", r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}|::1")] = "127.0.0.1"
    port: Port = 11_111
    trade_env: Literal["SIMULATE", "REAL"] = "SIMULATE"
    acc_id: Annotated[int, Number("an account number", 1, 2**63 - 1)] | None = None
    security_firm: Literal["NONE", "FUTUSECURITIES", "FUTUINC", "FUTUSG", "FUTUAU", "FUTUCA", "FUTUMY", "FUTUJP"] = (
        "NONE"
    )
    rsa_key: PathText | None = None
    unlock_password: Annotated[str, Secret("1 to 64 printable characters", r"[ -~]{1,64}")] | None = None
    us_session: Literal["RTH", "ETH", "OVERNIGHT", "ALL"] = "RTH"
    market_data: bool = True
    polling: Literal["auto", "always", "never"] = "auto"
    poll_interval: Annotated[float, Number("a number of seconds", 4, 3_600)] = 5.0
    connect_timeout: SomeSeconds = 15.0

    @override
    def __repr__(self) -> str:
        """Show everything but the password."""
        return f"FutuSettings(host={self.host!r}, port={self.port}, trade_env={self.trade_env!r}, acc_id={self.acc_id})"


class BrokerSettings(Section, frozen=True, kw_only=True):
    """Which broker, and the settings of each."""

    type: Literal["paper", "futu"] = "paper"
    paper: PaperSettings = PaperSettings()
    futu: FutuSettings = FutuSettings()


class SignalSettings(Section, frozen=True, kw_only=True):
    """The queue signals come from.

    Attributes:
        consumer: This process's name in the group; None is the account id.
        max_age: Signals older than this expire, in seconds; None is never.
        window: How many signals may be unsettled at once.
        keys: The file of the keys that may sign; None is none.
        signatures: Whether signals and commands must be signed; see :attr:`Settings.signatures` for ``auto``.
        signature_window: How long before it is pushed a message may be signed, in seconds.
    """

    transport: Literal["embedded", "redis_list", "redis_stream"] = "embedded"
    key: Key = "approved_signals"
    group: Key = "order-manager"
    consumer: Key | None = None
    max_age: Annotated[float, Number("a number of seconds", 0, 31_536_000, above=True)] | None = 86_400.0
    window: Annotated[int, Number("a whole number", 1, 100_000)] = 512
    keys: PathText | None = None
    signatures: Literal["auto", "required", "optional", "off"] = "auto"
    signature_window: SomeSeconds = 30.0

    @override
    def check(self) -> None:
        """A keyring is needed to verify signatures with."""
        if self.signatures in ("required", "optional") and self.keys is None:
            raise FieldError("keys", f"missing; signatures {self.signatures} are verified with it. {_MAKE_KEYS}")

    @property
    def uses_redis(self) -> bool:
        """Whether signals come through Redis."""
        return self.transport != "embedded"


class RedisSettings(Section, frozen=True, kw_only=True):
    """The Redis server; ``url`` None is the local default when a Redis transport needs it."""

    url: RedisUrl | None = None

    @override
    def __repr__(self) -> str:
        """Show the address without its password."""
        return _url_repr(self, self.url)


class StoreSettings(Section, frozen=True, kw_only=True):
    """The store; ``url`` None is a SQLite file in the data directory."""

    url: DatabaseUrl | None = None

    @override
    def __repr__(self) -> str:
        """Show the address without its password."""
        return _url_repr(self, self.url)


class PublishSettings(Section, frozen=True, kw_only=True):
    """Where events go in Redis."""

    channel: Key = "fills"
    stream: Key = "order_events"
    stream_cap: Annotated[int, Number("a whole number", 1, 100_000_000)] = 100_000


class RecoverySettings(Section, frozen=True, kw_only=True):
    """Reconciliation with the broker.

    Attributes:
        settle_window: How long an order must stay absent at the broker before it counts as never sent, in seconds.
        interval: Seconds between two reconciliations.
    """

    settle_window: Seconds = 60.0
    interval: SomeSeconds = 30.0


class ExecutionSettings(Section, frozen=True, kw_only=True):
    """Broker calls.

    Attributes:
        submit_deadline: Seconds after which a submit's outcome counts as unclear.
        cancel_deadline: Seconds after which a cancel's outcome counts as unclear.
        in_flight: How many orders may be sent and unanswered at once.
    """

    submit_deadline: SomeSeconds = 30.0
    cancel_deadline: SomeSeconds = 30.0
    in_flight: Annotated[int, Number("a whole number", 1, 100_000)] = 2_048


class SupervisionSettings(Section, frozen=True, kw_only=True):
    """When an actor is restarted, and when the system gives up.

    Attributes:
        max_restarts: Restarts allowed ``within`` that many seconds.
        attempts: Deliveries of one message before it becomes a dead letter.
        backoff: First pause before a restart, in seconds; doubles up to ``backoff_cap``.
        hang_after: Seconds after which an actor that handles one message counts as hanging.
        stop_timeout: Seconds an orderly stop may take.
    """

    max_restarts: Annotated[int, Number("a whole number", 0, 1_000)] = 5
    within: SomeSeconds = 60.0
    attempts: Annotated[int, Number("a whole number", 1, 100)] = 3
    backoff: SomeSeconds = 0.1
    backoff_cap: SomeSeconds = 5.0
    hang_after: SomeSeconds = 5.0
    stop_timeout: SomeSeconds = 10.0

    @override
    def check(self) -> None:
        """The limits make a policy that supervision can work with."""
        try:
            _ = self.policy
        except PolicyError as error:
            raise FieldError(error.field, error.reason) from error

    @property
    def policy(self) -> RestartPolicy:
        """Return the limits each actor lives under."""
        return RestartPolicy(
            max_restarts=self.max_restarts,
            within=self.within,
            attempts=self.attempts,
            backoff=self.backoff,
            backoff_cap=self.backoff_cap,
        )


class AuditSettings(Section, frozen=True, kw_only=True):
    """What makes changes of the event log by others visible.

    Attributes:
        anchor: The file that tells the end of the log; None is ``events.anchor`` in the data directory.
        key: The secret its lines are sealed with; None is no seal.
    """

    anchor: PathText | None = None
    key: Annotated[str, Secret("16 to 128 printable ASCII characters without a blank", r"[!-~]{16,128}")] | None = None

    @override
    def __repr__(self) -> str:
        """Show everything but the key."""
        return f"AuditSettings(anchor={self.anchor!r}, key={None if self.key is None else HIDDEN!r})"


class Settings(Section, frozen=True, kw_only=True):
    """Everything a trading system is configured with.

    Raises:
        SettingsError: A value is of the wrong type, out of range, or does not fit another.
    """

    account_id: Name
    data_dir: PathText = "data"
    broker: BrokerSettings = BrokerSettings()
    signals: SignalSettings = SignalSettings()
    redis: RedisSettings = RedisSettings()
    store: StoreSettings = StoreSettings()
    publish: PublishSettings = PublishSettings()
    recovery: RecoverySettings = RecoverySettings()
    execution: ExecutionSettings = ExecutionSettings()
    risk: RiskSettings = RiskSettings()
    sessions: SessionSettings = SessionSettings()
    supervision: SupervisionSettings = SupervisionSettings()
    audit: AuditSettings = AuditSettings()

    @override
    def check(self) -> None:
        """Real money takes signed signals alone, unless the file says in so many words that it need not."""
        if self.signatures == "required" and self.signals.keys is None:
            advice = f"{_MAKE_KEYS}; or, to trade REAL on unsigned signals, set signals.signatures: off"
            raise FieldError("signals.keys", f"missing; with trade_env REAL signals must be signed. {advice}")

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str], environ: Mapping[str, str] | None = None) -> "Settings":
        """Read a YAML file; ``ORDER_ACTORS__SECTION__KEY`` in the environment overrides it.

        Args:
            path: The file.
            environ: The environment; by default the process's own.

        Raises:
            FileNotFoundError: There is no such file.
            SettingsError: It cannot be used; one line that names the file and line (or the variable) and the key.
        """
        return read_section(cls, path, environ)

    @property
    def directory(self) -> Path:
        """Return the data directory, absolute; a relative one is relative to the current directory."""
        return Path(self.data_dir).absolute()

    @property
    def environment(self) -> str:
        """Return where orders go: PAPER, SIMULATE or REAL."""
        return "PAPER" if self.broker.type == "paper" else self.broker.futu.trade_env

    @property
    def signatures(self) -> Literal["required", "optional", "off"]:
        """Return what becomes of unsigned messages; ``auto`` requires signatures with a keyring or real money."""
        said = self.signals.signatures
        if said != "auto":
            return said
        return "required" if self.signals.keys is not None or self.environment == "REAL" else "off"

    @property
    def redis_url(self) -> str | None:
        """Return the Redis address in use; None when nothing needs Redis."""
        if self.redis.url is None and self.signals.uses_redis:
            return DEFAULT_REDIS_URL
        return self.redis.url

    @property
    def store_url(self) -> str:
        """Return the database address in use."""
        return self.store.url if self.store.url is not None else f"sqlite:///{self.directory / 'store.sqlite'}"

    @property
    def anchor_path(self) -> Path:
        """Return the file of the event log's anchor, absolute."""
        given = self.audit.anchor
        return self.directory / "events.anchor" if given is None else Path(given).absolute()

    @property
    def consumer(self) -> str:
        """Return this process's name in the consumer group."""
        return self.signals.consumer if self.signals.consumer is not None else self.account_id


_MAKE_KEYS: Final = "Make one with `order-actors keys new -f FILE KID -o KEYFILE`, and name FILE here"


def _url_repr(section: msgspec.Struct, url: str | None) -> str:
    return f"{type(section).__name__}(url={None if url is None else mask(url)!r})"

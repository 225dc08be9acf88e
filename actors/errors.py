"""Every exception this package raises.

    OrderActorsError
    ├── SignalError            a signal that cannot be taken: field, reason
    ├── SettingsError          configuration that cannot be used: file, key, what was expected
    ├── RequestRefused         a request of a caller that cannot be carried out: reason
    │   └── SignalConflict     the same signal_id with another body
    ├── SystemStopped          the system does not run (any more)
    ├── IllegalTransition      the order book was asked for a step that cannot happen
    ├── StoreError             the store refuses to work: schema, lock, settings, lost ownership
    │   ├── StoreMissing       no system has made the store yet
    │   ├── StoreLocked        another process owns the data directory
    │   └── OwnershipLost      another owner has taken the account
    ├── BrokerError            the broker's proven refusal
    │   ├── OrderSubmissionError
    │   └── OrderCancelError
    └── BrokerUnclear          a broker call whose outcome nobody knows (timeout, lost connection)

``runtime.behavior.Unavailable`` (a resource is away, try again later) belongs to the runtime.
"""


class OrderActorsError(Exception):
    """Base class of everything raised here."""


class SignalError(OrderActorsError, ValueError):
    """A signal that cannot be taken.

    Attributes:
        field: The JSON key at fault, ``""`` when it is the message as a whole.
        reason: What is wrong with it, in one line.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class SettingsError(OrderActorsError, ValueError):
    """Configuration that cannot be used; the message names file, key and what was expected."""


class RequestRefused(OrderActorsError):
    """A caller's request that cannot be carried out; the message says why."""


class SignalConflict(RequestRefused):
    """A signal_id that was used before with another body."""


class SystemStopped(OrderActorsError):
    """The trading system is not running."""


class IllegalTransition(OrderActorsError):
    """An order state cannot meet this event; nothing was changed."""


class StoreError(OrderActorsError):
    """The store refuses to work; the message says what to do."""


class StoreMissing(StoreError):
    """There is no store yet; the system makes it at its first start."""


class StoreLocked(StoreError):
    """Another process owns the data directory; the message names the directory and the holder."""


class OwnershipLost(StoreError):
    """Another owner has taken the account; this process must not write any more."""


class BrokerError(OrderActorsError):
    """A proven refusal by the broker: what was asked did not happen and will not."""


class OrderSubmissionError(BrokerError):
    """The broker refused an order.

    Attributes:
        order_id: Our order id, when known.
        symbol: The instrument, when known.
    """

    def __init__(self, message: str, order_id: str | None = None, symbol: str | None = None) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.symbol = symbol


class OrderCancelError(BrokerError):
    """The broker refused a cancel.

    Attributes:
        broker_order_id: The broker's order id, when known.
    """

    def __init__(self, message: str, broker_order_id: str | None = None) -> None:
        super().__init__(message)
        self.broker_order_id = broker_order_id


class BrokerUnclear(OrderActorsError):
    """A broker call whose outcome is not known: it may have taken effect, or may yet."""

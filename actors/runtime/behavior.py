"""What an actor is made of: the behavior that decides, and the context it acts through."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

from actors.runtime.clock import Clock

M = TypeVar("M")
T = TypeVar("T")
M_contra = TypeVar("M_contra", contravariant=True)


class Unavailable(Exception):
    """A resource an actor needs is away (a full disk, a locked database): a state, not a failure.

    The cell keeps its messages, backs off without limit and tries again; no restart is counted, no message is given up.
    """


class Address(Protocol[M_contra]):
    """Where messages of one kind can be told. Stable for the life of the system, restarts included."""

    def tell(self, *messages: M_contra) -> None:
        """Put messages into the mailbox, in this order, and return at once; never raises for a stopped actor."""
        ...


class Context(Protocol):
    """What a behavior may do besides changing its own state.

    Everything asked of a context takes effect after the batch in hand has been committed, in the order it was asked;
    if the batch fails, none of it happens. Only what is told to one address is told together, at the place of the first
    of it; nothing is moved across a timer or an action.
    """

    @property
    def name(self) -> str:
        """The actor's name."""
        ...

    @property
    def generation(self) -> int:
        """1 for the first incarnation, one more at each restart."""
        ...

    @property
    def redelivered(self) -> bool:
        """Whether the message in hand has been delivered before (to an incarnation that failed)."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of the runtime."""
        ...

    def tell(self, address: Address[T], message: T) -> None:
        """Tell a message once the batch is committed."""
        ...

    def after(self, delay: float, key: str, message: object) -> None:
        """Deliver ``message`` to this actor ``delay`` seconds after the commit.

        A later call with the same key replaces the timer. Timers of an earlier incarnation are dropped.
        """
        ...

    def cancel(self, key: str) -> None:
        """Drop the timer with this key, if there is one."""
        ...

    def on_commit(self, action: Callable[[], None]) -> None:
        """Run ``action`` in the actor's thread once the batch is committed; it must be short and must not raise."""
        ...


class Behavior(ABC, Generic[M]):
    """One incarnation of an actor: plain, single-threaded, rebuilt by its factory after a failure.

    The constructor rebuilds all state from what is durable. A batch goes ``prepare``, ``receive`` for each message,
    ``commit``; what was told through the context leaves after ``commit`` returned. Any exception ends the incarnation.
    """

    def started(self) -> None:
        """Run once after construction, as a batch of its own: tells and timers are allowed; ends with ``commit``."""

    def prepare(self, messages: Sequence[M]) -> None:
        """Read what the batch needs, in as few queries as possible."""

    @abstractmethod
    def receive(self, message: M) -> None:
        """Handle one message: decide, collect facts, ask the context for sends."""

    def commit(self) -> None:
        """Make the facts of the batch durable in one transaction; raise if that cannot be done."""

    def stopped(self) -> None:
        """Release what this incarnation holds; called on an orderly stop and before a rebuild; must not raise."""


BehaviorFactory: TypeAlias = Callable[[Context], Behavior[M]]

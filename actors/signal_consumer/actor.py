"""The actor that takes signals in, never more at a time than can be settled soon."""

import logging
from typing import Final, assert_never

from actors.messages import (
    CloseIntake,
    EntriesRead,
    EntriesRemoved,
    IntakeRestarted,
    OpenIntake,
    OrderManagerMessage,
    SignalConsumerMessage,
    SignalConsumerTick,
    SignalsSettled,
    SourceLost,
    SourceReady,
)
from actors.runtime.behavior import Address, Behavior, Context
from actors.signal_consumer.decode import Decoder
from actors.signal_consumer.reader import Reader

_log = logging.getLogger(__name__)

WINDOW: Final = 512
"""How many signals may be told and not settled."""

PATIENCE: Final = 30.0
"""Seconds without any settled signal after which what is in flight is read again."""

MAX_PATIENCE: Final = 3600.0
_TICK: Final = 5.0


class SignalConsumer(Behavior[SignalConsumerMessage]):
    """Decodes what the reader read, tells it to the order manager, and has removed what that has settled.

    Owns nothing durable: entries stay in the queue until their outcome is in the store. Never decides what becomes of a
    signal. What survives a restart is in the reader: the window, and whether the intake is open.
    """

    def __init__(
        self,
        context: Context,
        reader: Reader,
        order_manager: Address[OrderManagerMessage],
        decoder: Decoder,
        window: int = WINDOW,
    ) -> None:
        self._context = context
        self._reader = reader
        self._order_manager = order_manager
        self._decoder = decoder
        self._window = window
        self._epoch = reader.epoch
        self._announced = False
        self._patience = PATIENCE
        self._progress_at = context.clock.monotonic()

    def started(self) -> None:
        """Begin, after a failure with everything that is not settled."""
        if self._context.generation > 1:
            self._start_over()
        self._context.after(_TICK, "watchdog", SignalConsumerTick())

    def receive(self, message: SignalConsumerMessage) -> None:
        """Handle one message."""
        match message:
            case EntriesRead():
                self._pass_on(message)
            case SignalsSettled(entries=entries, last_seq=last_seq, dead=dead):
                self._progress()
                self._patience = PATIENCE
                self._context.on_commit(lambda: self._reader.settle(entries, last_seq, dead))
            case EntriesRemoved():
                self._context.tell(self._order_manager, message)
            case OpenIntake():
                self._open()
            case CloseIntake(reason=reason):
                _log.info("signal intake closed: %s", reason)
                self._context.on_commit(self._reader.pause)
            case SourceLost(reason=reason):
                _log.warning("signal queue lost, trying again until it is back: %s", reason)
            case SourceReady():
                _log.info("signal queue %s is ready", self._reader.source_name)
            case SignalConsumerTick():
                self._look_for_stall()
            case _:
                assert_never(message)

    def _pass_on(self, message: EntriesRead) -> None:
        if message.epoch != self._epoch:
            return  # they are read again, marked redelivered
        self._progress()
        for entry in message.entries:
            self._context.tell(self._order_manager, self._decoder.decode(entry))

    def _open(self) -> None:
        if not self._announced:
            self._announced = True
            self._context.tell(self._order_manager, IntakeRestarted())
        self._context.on_commit(lambda: self._reader.grant(self._window))
        self._context.on_commit(self._reader.resume)

    def _start_over(self) -> None:
        self._announced = True
        self._epoch = self._reader.epoch + 1
        self._context.tell(self._order_manager, IntakeRestarted())
        self._context.on_commit(self._reader.restart)

    def _look_for_stall(self) -> None:
        """Read again what nobody settles; ids make that harmless. Each time in vain doubles the patience."""
        self._context.after(_TICK, "watchdog", SignalConsumerTick())
        unsettled = self._reader.unsettled
        if not unsettled:
            self._progress()
        elif self._context.clock.monotonic() - self._progress_at >= self._patience:
            _log.warning("%d signals are unsettled for %.0f s: reading them again", unsettled, self._patience)
            self._patience = min(self._patience * 2, MAX_PATIENCE)
            self._progress()
            self._start_over()

    def _progress(self) -> None:
        self._progress_at = self._context.clock.monotonic()

"""What goes wrong on purpose: people order it here, one by one or from a seed."""

from collections.abc import Callable
from random import Random

from actors.testing.opend.limits import TOO_FREQUENT
from actors.testing.opend.protocol import Proto
from actors.testing.opend.script import SERVER_TIMEOUT, Script, Treatment
from actors.testing.opend.upsets import Plant, Upsets


class Faults:
    """Orders faults. Each order is for so many ``times``; those of one kind of request happen in turn.

    Args:
        script: Where the gateway finds them.
        plant: The running gateway.
        upsets: Makes larger faults, of a random source and the seconds from one to the next.
    """

    def __init__(self, script: Script, plant: Plant, upsets: Callable[[Random, float], Upsets]) -> None:
        self._script = script
        self._plant = plant
        self._make_upsets = upsets
        self._upsets: Upsets | None = None

    # ------------------------------------------------------------ requests and replies

    def lose_request(self, proto: Proto, times: int = 1) -> None:
        """Neither carry a request out nor answer it."""
        self._order(proto, times, Treatment(lost=True))

    def delay_request(self, proto: Proto, seconds: float, times: int = 1) -> None:
        """Carry a request out late: the client may have given it up by then."""
        self._order(proto, times, Treatment(late=seconds))

    def refuse(self, proto: Proto, text: str, times: int = 1) -> None:
        """Answer a request with an error and do nothing; of ``INIT_CONNECT``: refuse the login."""
        self._order(proto, times, Treatment(refusal=text))

    def refuse_frequency(self, proto: Proto, times: int = 1) -> None:
        """Refuse a request for coming too often."""
        self.refuse(proto, TOO_FREQUENT, times)

    def lose_reply(self, proto: Proto, times: int = 1) -> None:
        """Carry a request out and never answer it: a placement that times out and is live."""
        self._order(proto, times, Treatment(unanswered=True))

    def delay_reply(self, proto: Proto, seconds: float, times: int = 1) -> None:
        """Carry a request out and answer it late."""
        self._order(proto, times, Treatment(reply_late=seconds))

    def fail_yet_do(self, proto: Proto, text: str = SERVER_TIMEOUT, times: int = 1) -> None:
        """Carry a request out and answer it with an error."""
        self._order(proto, times, Treatment(error=text))

    def cut_reply(self, proto: Proto, times: int = 1) -> None:
        """Carry a request out and end the connection in the middle of its answer."""
        self._order(proto, times, Treatment(cut=True))

    def fail_orders(self, text: str = "Order rejected by the exchange", times: int = 1, *, pushed: bool = True) -> None:
        """Take an order, and have it fail at once afterwards; ``pushed`` says whether clients are told."""
        self._script.dooms.extend([(text, pushed)] * times)

    # ------------------------------------------------------------ pushes

    def drop_pushes(self, times: int = 1) -> None:
        """Send no such push."""
        self._script.push_faults.extend(["drop"] * times)

    def duplicate_pushes(self, times: int = 1) -> None:
        """Send a push twice."""
        self._script.push_faults.extend(["duplicate"] * times)

    def shuffle_pushes(self, count: int) -> None:
        """Hold so many pushes, then send them last to first."""
        self._script.hold = count

    def stale_pushes(self, times: int = 1) -> None:
        """Send after a push the one before it again, of the same order."""
        self._script.push_faults.extend(["stale"] * times)

    def cut_push(self) -> None:
        """End the connection in the middle of a push."""
        self._script.push_faults.append("cut")

    # ------------------------------------------------------------ by chance

    def by_chance(self, seed: int, rate: float) -> None:
        """Draw faults of every request and push that no order was given for; a rate of 0 ends it.

        Args:
            seed: What they are drawn from.
            rate: How likely each is, 0 to 1.
        """
        self._script.random = Random(seed) if rate > 0 else None
        self._script.rate = rate

    def upset(self, seed: int, every: float) -> None:
        """Let larger faults happen: cuts, hangs, restarts, refused logins, old memory, busts, manual orders.

        Args:
            seed: What they are drawn from.
            every: Seconds from one to the next, on average; 0 ends it.
        """
        if self._upsets is not None:
            self._upsets.stop()
        self._upsets = self._make_upsets(Random(seed), every) if every > 0 else None
        if self._upsets is not None:
            self._upsets.start()

    # ------------------------------------------------------------ the gateway as a whole

    def cut(self) -> None:
        """End every connection; clients may come again at once."""
        self._plant.cut()

    def hang(self) -> None:
        """Stand still: connections stay open, nothing is answered and nothing pushed."""
        self._plant.hang(hanging=True)

    def end_hang(self) -> None:
        """Go on; what was asked meanwhile is carried out now."""
        self._plant.hang(hanging=False)

    def restart(self, seconds: float = 0.0) -> None:
        """End as a process and begin anew after some seconds: connections end, trading with real money is locked."""
        self._plant.restart(seconds)

    def log_out(self) -> None:
        """Lose the connection to Futu's servers: questions are refused, nothing is pushed; the exchange trades on."""
        self._plant.log_in_or_out(logged_in=False)

    def log_in(self) -> None:
        """Get it back; what happened meanwhile is not pushed."""
        self._plant.log_in_or_out(logged_in=True)

    def freeze_memory(self, acc_id: int) -> None:
        """Answer questions about an account with what is known now, unless they ask with ``refresh_cache``."""
        self._plant.freeze_memory(acc_id, frozen=True)

    def thaw_memory(self, acc_id: int) -> None:
        """Let news of an account reach what is remembered of it again."""
        self._plant.freeze_memory(acc_id, frozen=False)

    def _order(self, proto: Proto, times: int, treatment: Treatment) -> None:
        self._script.order(proto, treatment, times)

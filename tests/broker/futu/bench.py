"""A connected broker on an SDK that answers what it is told to."""

from pathlib import Path
from typing import Any

from actors.broker.futu.broker import FutuBroker
from tests.broker.futu.making import FakeSdk, Heard, settings


class Bench:
    """A connected broker on a fake SDK."""

    def __init__(self, port: int, directory: Path, **changes: Any) -> None:
        self.sdk = FakeSdk()
        self.broker = FutuBroker(settings(port, **changes), directory, sdk=self.sdk)
        self.heard = Heard(self.broker)
        for budget in vars(self.broker.budgets).values():
            budget._spacing = 0.0

    @property
    def answers(self) -> dict[str, Any]:
        return self.sdk.context.answers

    def calls(self, name: str) -> list[dict[str, Any]]:
        return self.sdk.context.calls(name)

"""The auditor: a process of its own that shares no code with the system and compares everybody's books.

    python -m tests.process.auditor PLACES.json [always|settled]

Without a word it reads one a line and answers each with one JSON object: ``violations`` and ``counts``.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.process.evidence import Evidence, Log, Places, left_in_queue, read
from tests.process.promises import always, settled

ABSENT = "not_at_broker"


class Auditor:
    """Compares the books as often as it is asked to; the event log is read on, and at the end once more as a whole."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._server = redis.Redis.from_url(places.redis_url, retry=Retry(NoBackoff(), 0))
        self._log = Log(places, self._server)

    def audit(self, when: str) -> dict[str, Any]:
        """Return the violations and how much was compared; ``when`` is always or settled."""
        seen = read(self._places)
        if seen is None:
            return {"violations": [], "counts": {}}
        found = list(self._settled(seen) if when == "settled" else self._always(seen))
        counts = {
            "entries": sum(row["acknowledged"] for row in seen.pushed),
            "signals": sum(row["kind"] == "signal" for row in seen.pushed),
            "orders": len(seen.true_orders),
            "fills": len(seen.true_fills),
            "events": self._log.last,
            "orders given up as not at the broker": sum(o["error_message"] == ABSENT for o in seen.orders.values()),
            "orders reopened": sum("reopened" in order["flags"] for order in seen.orders.values()),
        }
        return {"violations": found, "counts": counts}

    def close(self) -> None:
        """Give its connection back."""
        self._server.close()

    def _always(self, seen: Evidence) -> Iterator[str]:
        yield from always(seen)
        yield from self._log.read_on()

    def _settled(self, seen: Evidence) -> Iterator[str]:
        seen.left_in_queue = left_in_queue(self._places, self._server)
        yield from settled(seen)
        self._log = Log(self._places, self._server)
        yield from self._log.read_on()
        missing = self._log.unpublished()
        if missing:
            yield f"I12: {len(missing)} events were not published, the first is {missing[0]}"
        if sorted(self._log.published_fills()) != sorted(fill["fill_id"] for fill in seen.fills):
            yield "I12: the fills published are not those of the ledger"


def main() -> int:
    """Audit once, or as often as stdin asks."""
    auditor = Auditor(Places(**json.loads(Path(sys.argv[1]).read_text())))
    if len(sys.argv) > 2:
        result = auditor.audit(sys.argv[2])
        sys.stdout.write(json.dumps(result, indent=1) + "\n")
        return 1 if result["violations"] else 0
    for text in sys.stdin:
        sys.stdout.write(json.dumps(auditor.audit(text.strip())) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

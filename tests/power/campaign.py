"""Cut the power of a store at work, again and again, and compare what it told others with what it holds afterwards.

    python -m tests.power.campaign --rounds 1000 --seed 1

With synchronous = FULL, as the product demands, nothing that was told may be gone and no file may be damaged. The same
rounds with NORMAL and OFF, which the product refuses, must lose something: else the disk under test loses nothing, and
the first line says nothing. Prints one JSON line; exits 1 when either is not so.
"""

import argparse
import json
import sys
from typing import Any

from tests.power.driver import FULL
from tests.power.rounds import Result, play
from tests.support.arguments import at_least


def run(rounds: int, seed: int, synchronous: str = FULL) -> dict[str, Any]:
    """Play rounds and return the figures."""
    results: list[Result] = [play(seed + number, synchronous=synchronous) for number in range(rounds)]
    return {
        "rounds": rounds,
        "commits_told": sum(result.told for result in results),
        "rounds_with_loss": sum(bool(result.lost) for result in results),
        "facts_lost": sum(len(result.lost) for result in results),
        "stores_broken": sum(bool(result.broken) for result in results),
        "first": [line[:300] for result in results for line in (*result.lost, *result.broken)][:3],
    }


def main() -> int:
    """Run a campaign by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=at_least(1), default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kept = run(options.rounds, options.seed)
    control = {mode: run(max(options.rounds // 10, 20), options.seed, mode) for mode in ("NORMAL", "OFF")}
    sys.stdout.write(json.dumps({"seed": options.seed, FULL: kept, **control}) + "\n")
    blind = any(figures["rounds_with_loss"] == 0 for figures in control.values())
    return 1 if blind or kept["rounds_with_loss"] or kept["stores_broken"] else 0


if __name__ == "__main__":
    sys.exit(main())

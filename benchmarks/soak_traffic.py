"""What a soak pushes: 20 strategies in 50 symbols, market and limit, every buy sold again, and a little rubbish."""

from collections.abc import Iterator
from decimal import Decimal

from actors import Signal

STRATEGIES = 20
SYMBOLS = 50
EVERY = 1_000
"""Of so many signals one is pushed twice, and beside one there is rubbish."""

_PAIRS = STRATEGIES * SYMBOLS


def entries(count: int) -> Iterator[list[bytes]]:
    """Yield what to push for each of ``count`` signals: it alone, or with its duplicate, or with rubbish."""
    for number in range(count):
        payload = signal(number).to_json().encode()
        if number % EVERY == EVERY // 3:
            yield [payload, payload]
        elif number % EVERY == EVERY // 2:
            yield [payload, f"rubbish {number}".encode()]
        else:
            yield [payload]


def extras(count: int) -> int:
    """Return how many duplicates there are beside ``count`` signals, and as well how many pieces of rubbish."""
    return sum(1 for place in range(EVERY // 2, count, EVERY))


def signal(number: int) -> Signal:
    """Return a signal by its number: what one thousand buy, the next thousand sell, so no position grows."""
    strategy, symbol = number % STRATEGIES, number // STRATEGIES % SYMBOLS
    buys = number // _PAIRS % 2 == 0
    limit = None
    if number % 3 == 0:
        limit = Decimal(10_000 + symbol + (5 if buys else -5)) / 100
    return Signal(
        strategy_id=f"strategy-{strategy:02}",
        symbol=f"US.S{symbol:02}",
        action="buy" if buys else "sell",
        quantity=100 + strategy,
        order_type="market" if limit is None else "limit",
        limit_price=limit,
        signal_id=f"soak-{number:08}",
    )

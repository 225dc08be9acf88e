"""A producer: pushes one signal into the Redis queue of a system that runs elsewhere.

    .venv/bin/python examples/producer.py --transport redis_list --symbol AAPL --action buy --quantity 100 --signal-id X

The signal id names one intent. Every attempt sends the same bytes, so a push that was carried out although its answer
was lost makes no second order: the second entry is recorded as a duplicate. (The same id with other bytes, such as
another timestamp, makes no second order either, but ends as a dead letter.)
"""

import argparse
import sys

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import TimeoutError as RedisSilent
from redis.retry import Retry

from actors import Signal

ATTEMPTS = 5


def push(client: Redis, transport: str, key: str, signal: Signal) -> None:
    """Push the same bytes until the server says that it has them."""
    payload = signal.to_json()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if transport == "redis_list":
                client.lpush(key, payload)
            else:
                client.xadd(key, {"signal": payload})
        except (RedisGone, RedisSilent) as error:
            print(f"attempt {attempt}: {error}", file=sys.stderr)
        else:
            return
    sys.exit(f"it may or may not be in the queue; push these very bytes again:\n{payload}")


def main() -> None:
    """Read the command line and push."""
    parser = argparse.ArgumentParser(description="Push one signal.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--transport", choices=["redis_list", "redis_stream"], default="redis_list")
    parser.add_argument("--key", default="approved_signals")
    parser.add_argument("--strategy", default="example")
    parser.add_argument("--symbol", required=True)
    parser.add_argument("--action", choices=["buy", "sell"], required=True)
    parser.add_argument("--quantity", type=int, required=True)
    parser.add_argument("--signal-id", required=True)
    options = parser.parse_args()
    signal = Signal(
        strategy_id=options.strategy,
        symbol=options.symbol,
        action=options.action,
        quantity=options.quantity,
        signal_id=options.signal_id,
    )
    # The client's own retries would repeat a command unseen; here each attempt is ours and is told.
    client = Redis.from_url(options.url, socket_timeout=2, retry=Retry(NoBackoff(), 0))
    push(client, options.transport, options.key, signal)
    print(signal.signal_id)


if __name__ == "__main__":
    main()

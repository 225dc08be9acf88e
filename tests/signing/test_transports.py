"""A signed message goes through every queue as it is, and its freshness counts from what each queue knows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actors.messages import CommandReceived, SignalReceived
from actors.model.command import HaltCommand
from tests.signal_consumer.queues import make_queue, read_all
from tests.signing.parts import Bench, a_signal, body


@pytest.mark.parametrize(
    "kind", ["embedded", *(pytest.param(kind, marks=pytest.mark.redis) for kind in ("redis_list", "redis_stream"))]
)
def test_signed_messages_are_verified_out_of_every_queue(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = "" if kind == "embedded" else request.getfixturevalue("redis_url")
    bench, queue = Bench(tmp_path), make_queue(kind, url, tmp_path)
    now = datetime.now(UTC)
    bench.clock.seconds += (now - bench.clock.now()).total_seconds()
    try:
        source = queue.source()
        fresh = [bench.sign(a_signal()), bench.sign(HaltCommand(command_id="C1"))]
        queue.push([*fresh, bench.sign(body(2), now=now - timedelta(hours=1)), body(3)])
        signal, command, stale, unsigned = (bench.decoder.decode(entry) for entry in read_all(source, 4))
        assert isinstance(signal, SignalReceived)
        assert isinstance(command, CommandReceived)
        assert [message.entry.payload for message in (signal, command)] == fresh
        assert "stale" in stale.reason
        assert "missing" in unsigned.reason
        source.restart()
        bench.clock.seconds += 3_000
        again = [bench.decoder.decode(entry) for entry in read_all(source, 4)]
        assert [type(message) for message in again[:2]] == [SignalReceived, CommandReceived]
    finally:
        queue.close()

"""kill -9 of the running command, of redis-server, and pauses, while an exchange in another process trades on."""

from pathlib import Path

import pytest

from tests.process.campaign import TRANSPORTS, Campaign
from tests.process.rounds import Draw
from tests.servers import RedisServer

ROUNDS = 20
REDIS_KILLS = 3
PAUSES = 1


@pytest.mark.process
@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_signal_is_lost_or_doubled_however_often_it_is_killed(
    transport: str, tmp_path: Path, redis_server: RedisServer
) -> None:
    seed = TRANSPORTS.index(transport)
    rounds = Draw(seed).rounds(ROUNDS, REDIS_KILLS, PAUSES)
    tally = Campaign(tmp_path, transport, redis_server, seed).run(rounds)
    assert tally.violations == []
    assert tally.kills.total() >= ROUNDS
    assert tally.counts["kills -9 of redis-server"] > 0
    assert tally.counts["fills"] > 20

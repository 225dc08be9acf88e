"""kill -9 of the running command at random moments under load."""

from pathlib import Path

import pytest

from tests.process.campaign import Campaign

ROUNDS = 8


@pytest.mark.process
@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", ["embedded", "redis_list", "redis_stream"])
def test_no_signal_is_lost_or_doubled_however_often_it_is_killed(
    transport: str, tmp_path: Path, redis_url: str
) -> None:
    result = Campaign(tmp_path, transport, redis_url, seed=1).run(ROUNDS, longest=0.6)
    assert result["violations"] == []
    assert result["signals"] > 500

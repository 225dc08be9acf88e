"""Dead letters are listed, shown in full, and put back once."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from actors.cli.commands import cli
from actors.signal_consumer.load import make_source
from actors.store.store import Store
from actors.store.unit import DeadLetter, Unit
from tests.cli.workspace import Workspace

AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
BAD = b'{"symbol": "A\xff"}\nsecond line'


@pytest.fixture
def letters(workspace: Workspace) -> Workspace:
    unit = Unit()
    unit.dead_letters += [
        DeadLetter("embedded", "not JSON: no", BAD, len(BAD), AT, "S9"),
        DeadLetter("order_manager", "KeyError: 'x'", b"FillReported(...)", 17, AT),
        DeadLetter("embedded", "20000 bytes", b"{" * 256, 20_000, AT),
    ]
    with closing(Store.open(workspace.settings.store_url, account_id="ACC", holder="test")) as store:
        store.commit(unit)
    return workspace


def test_the_list_has_ids_reasons_and_payloads(letters: Workspace) -> None:
    rows = letters.rows("dead-letters")
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert rows[0] == {
        "source": "embedded",
        "reason": "not JSON: no",
        "payload": '{"symbol": "A\\xff"}\nsecond line',
        "size": len(BAD),
        "received_at": "2026-01-05T14:30:00Z",
        "signal_id": "S9",
        "id": 1,
        "requeued_at": None,
    }


def test_one_is_shown_in_full(letters: Workspace) -> None:
    result = letters.cli("dead-letters", "show", "1")
    assert result.exit_code == 0
    for text in ("not JSON: no", "S9", '{"symbol": "A\\xff"}', "second line", "2026-01-05 14:30:00.000 UTC"):
        assert text in result.stdout
    assert [row["id"] for row in letters.rows("dead-letters", "show", "2")] == [2]


@pytest.mark.parametrize("command", ["show", "requeue"])
def test_the_configuration_may_stand_before_the_command(letters: Workspace, command: str) -> None:
    words = ["dead-letters", "-c", str(letters.config), command, "1"]
    result = CliRunner().invoke(cli, words, prog_name="order-actors")
    assert result.exit_code == 0, result.stderr
    assert "dead letter 1 is back in the queue" in result.stdout or "not JSON: no" in result.stdout


def test_the_configuration_beside_the_command_goes_first(letters: Workspace) -> None:
    words = ["dead-letters", "-c", "none.yaml", "show", "1", "-c", str(letters.config)]
    assert CliRunner().invoke(cli, words, prog_name="order-actors").exit_code == 0


def test_the_bytes_go_back_unchanged_and_only_once(letters: Workspace) -> None:
    result = letters.cli("dead-letters", "requeue", "1")
    assert (result.exit_code, result.stdout) == (0, "dead letter 1 is back in the queue\n"), result.stderr
    assert letters.rows("dead-letters")[0]["requeued_at"] is not None
    again = letters.cli("dead-letters", "requeue", "1")
    assert again.exit_code == 1
    assert "was put back at" in again.stderr
    assert letters.cli("dead-letters", "requeue", "1", "--again").exit_code == 0
    with closing(make_source(letters.settings)) as source:
        source.open()
        assert [entry.payload for entry in source.read(10, 0.01)] == [BAD, BAD]


@pytest.mark.parametrize(
    ("letter", "reason"),
    [
        ("2", "is a message of actor order_manager, no signal; it cannot be requeued"),
        ("3", "only 256 of its 20000 bytes were kept"),
        ("9", "there is no dead letter 9; `order-actors dead-letters` lists them"),
    ],
)
def test_what_cannot_go_back_is_refused(letters: Workspace, letter: str, reason: str) -> None:
    result = letters.cli("dead-letters", "requeue", letter)
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr


def test_before_there_is_a_store_there_is_none_to_show(workspace: Workspace) -> None:
    assert workspace.cli("dead-letters", "show", "1").exit_code == 1

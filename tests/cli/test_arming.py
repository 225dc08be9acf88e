"""``arm`` and ``disarm``: the right account, for hours, by a person; anything else arms nothing."""

import pytest

from actors.kill_switch.arming import FILE_NAME, read_arming
from tests.cli.workspace import Workspace

ACCOUNT = "281756455988247915"
REAL = f"""
broker:
  type: futu
  futu: {{trade_env: REAL, acc_id: {ACCOUNT}}}
signals: {{signatures: 'off'}}
"""


@pytest.fixture
def real(workspace: Workspace) -> Workspace:
    workspace.configure(REAL)
    return workspace


def test_arm_and_disarm(real: Workspace) -> None:
    armed = real.cli("arm", "--account", ACCOUNT, "--hours", "8", "--by", "Ada L.")
    assert (armed.exit_code, armed.stderr) == (0, "")
    assert f"account {ACCOUNT} is armed until " in armed.stdout
    arming = read_arming(real.data)
    assert arming is not None
    assert (arming.account, arming.by, (arming.until - arming.at).total_seconds()) == (int(ACCOUNT), "Ada L.", 28_800)
    assert real.cli("disarm").stdout == "disarmed\n"
    assert read_arming(real.data) is None
    again = real.cli("disarm")
    assert (again.exit_code, again.stdout) == (0, "it was not armed\n")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--account", "1", "--hours", "8"), f"the configuration trades account {ACCOUNT}, not 1"),
        (("--account", ACCOUNT, "--hours", "0"), "--hours"),
        (("--account", ACCOUNT, "--hours", "24.1"), "--hours"),
        (("--account", ACCOUNT, "--hours", "nan"), "--hours"),
        (("--account", ACCOUNT, "--hours", "-1"), "--hours"),
        (("--account", ACCOUNT), "--hours"),
        (("--hours", "8"), "--account"),
        (("--account", ACCOUNT, "--hours", "8", "--by", "  "), "--by"),
        (("--account", ACCOUNT, "--hours", "8", "--by", "a\x1b[2J"), "--by"),
    ],
)
def test_what_arms_nothing(real: Workspace, arguments: tuple[str, ...], why: str) -> None:
    refused = real.cli("arm", *arguments)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert why in refused.stderr
    assert not (real.data / FILE_NAME).exists()


def test_a_configuration_without_real_money_has_nothing_to_arm(workspace: Workspace) -> None:
    refused = workspace.cli("arm", "--account", ACCOUNT, "--hours", "8")
    assert refused.exit_code == 2
    assert "trades PAPER, not REAL money" in refused.stderr

"""``arm``, ``disarm``: let an account with real money be traded for some hours, and end that at once."""

from datetime import timedelta

import click

from actors.cli.program import Misuse, config_option
from actors.cli.text import clean
from actors.kill_switch import arming
from actors.kill_switch.latch import whoami
from actors.model import fields
from actors.runtime.clock import utc_now
from actors.settings import Settings


@click.command()
@config_option
@click.option("--account", type=int, required=True, metavar="ACC_ID", help="The account's number, as a safeguard.")
@click.option("--hours", type=float, required=True, help="For how long; 24 at most.")
@click.option("--by", metavar="NAME", help="The person who takes it on; by default the user at the keyboard.")
def arm(settings: Settings, account: int, hours: float, by: str | None) -> None:
    """Let the account trade real money for some hours; also while no system runs."""
    own, most = _real_account(settings), arming.MOST / timedelta(hours=1)
    if not 0 < hours <= most:
        raise Misuse(f"--hours: expected a number above 0, {most:g} at most, got {hours:g}")
    if account != own:
        raise Misuse(f"--account: the configuration trades account {own}, not {account}; nothing was armed")
    name = whoami() if by is None else by
    fields.check_text("--by", name)
    if not name.strip():
        raise Misuse("--by: expected a person's name")
    now = utc_now()
    armed = arming.Arming(account=account, by=name, at=now, until=now + timedelta(hours=hours))
    arming.arm(settings.directory, armed)
    click.echo(clean(f"{armed.told}; `order-actors disarm` ends it"))


@click.command()
@config_option
def disarm(settings: Settings) -> None:
    """Send no order with real money any more, at once; also while no system runs. Orders at the broker stay there."""
    was = arming.disarm(settings.directory)
    click.echo("disarmed" if was else "it was not armed")


def _real_account(settings: Settings) -> int:
    futu = settings.broker.futu
    if settings.broker.type != "futu" or futu.trade_env != "REAL":
        raise Misuse(f"nothing to arm: this configuration trades {settings.environment}, not REAL money")
    if futu.acc_id is None:
        raise Misuse("broker.futu.acc_id: missing; an account is armed by its number, which `order-actors check` shows")
    return futu.acc_id

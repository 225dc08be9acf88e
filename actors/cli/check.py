"""``check``: does everything a configuration names work? Says what is wrong and what to do."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Final, TypeAlias

import click
import msgspec

from actors.broker.gate import UNARMED, stands
from actors.broker.load import build_broker
from actors.cli.finding import Finding
from actors.cli.output import Column, console, print_json, table_of
from actors.cli.program import Failure, config_option, json_option
from actors.cli.stored import reading
from actors.commands import FILE_NAME, CommandClient
from actors.errors import OrderActorsError, SettingsError
from actors.kill_switch.worker import FILE_NAME as HALT_FILE
from actors.model.control import TradingControl
from actors.order_manager.working_set import CONTROL
from actors.redis_link import RedisLink
from actors.runtime.behavior import Unavailable
from actors.runtime.clock import SystemClock, utc_now
from actors.sessions.load import CalendarSessions, build_sessions
from actors.settings import Settings, mask
from actors.signal_consumer.base import SourceAway
from actors.signal_consumer.load import make_decoder
from actors.store.lock import holder_of

_ADVICE: Final = {
    "data directory": "choose a data_dir this user may write",
    "store": "see that the database answers, and that store.url is right",
    "redis": "start that server, or correct redis.url (or ORDER_ACTORS__REDIS__URL)",
}
"""What to do about an error that does not say so itself."""

_ENDS_SOON: Final = timedelta(days=14)
"""A calendar that ends within this time is a warning."""

_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_COLUMNS: Final[list[Column[Finding]]] = [
    Column("", lambda f: f.state, style=lambda f: _STYLES[f.state]),
    Column("part", lambda f: f.part),
    Column("found", lambda f: f.text, cut=True),
    Column("what to do", lambda f: f.advice),
]


@click.command()
@config_option
@json_option
def check(settings: Settings, *, as_json: bool) -> None:
    """Check the configuration, the store, Redis, the broker and the calendars; exit code 1 if one of them is wrong."""
    findings = [finding for look in _LOOKS for finding in _look(look, settings)]
    if as_json:
        print_json(findings)
    else:
        out = console()
        out.print(table_of(findings, _COLUMNS, width=out.width))
    wrong = [finding.part for finding in findings if finding.state == "failed"]
    if wrong:
        raise Failure(f"check failed: {', '.join(wrong)}")


Look: TypeAlias = Callable[[Settings], Iterator[Finding]]


def _look(look: Look, settings: Settings) -> list[Finding]:
    found = []
    try:
        for finding in look(settings):
            found.append(finding)  # noqa: PERF402 - what was found before an error stays
    except SettingsError:  # the file's fault, no connection's
        raise
    except (OrderActorsError, Unavailable, SourceAway, OSError) as error:
        text, _, advice = str(error).partition("; ")
        part = look.__name__.strip("_").replace("_", " ")
        found.append(Finding(part, "failed", mask(text), mask(advice or _ADVICE.get(part, ""))))
    return found


def _configuration(settings: Settings) -> Iterator[Finding]:
    broker = settings.broker.type
    yield Finding(
        "configuration", "ok", f"account {settings.account_id}, broker {broker}, signals {settings.signals.transport}"
    )


def _signatures(settings: Settings) -> Iterator[Finding]:
    make_decoder(settings, SystemClock())  # a keyring that cannot be used is bad configuration, here as at a start
    keys = f", keys in {settings.signals.keys}" if settings.signals.keys is not None else ""
    yield Finding("signatures", "ok", f"{settings.signatures}{keys}")


def _data_directory(settings: Settings) -> Iterator[Finding]:
    directory = settings.directory
    fault = _fault_of(directory)
    if fault is not None:
        yield Finding("data directory", "failed", f"{directory} cannot be used: {fault}", _ADVICE["data directory"])
        return
    if not directory.exists():
        yield Finding("data directory", "ok", f"{directory} is made at the first start")
        return
    holder = holder_of(settings.directory)
    yield Finding("data directory", "ok", f"{directory}" if holder is None else f"{directory}, {holder}")
    if stands(directory / HALT_FILE):
        text = f"the file {directory / HALT_FILE} halts trading"
        yield Finding("kill switch", "warning", text, "remove it, then order-actors resume")
    if directory.stat().st_mode & 0o077:
        yield Finding("data directory", "warning", "other users can enter it", f"chmod 700 {directory}")
    if holder is not None:
        yield from _running_system(settings)


def _fault_of(directory: Path) -> str | None:
    """Return why a start could not use or make this directory; nothing is made to find out."""
    nearest = next(path for path in (directory, *directory.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        return f"{nearest} is no directory"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{nearest} cannot be written by this user"
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        os.close(os.open(nearest, os.O_TMPFILE | os.O_WRONLY, 0o600))  # a file that never gets a name
    except OSError as error:
        # Few network file systems know such files; one without a single block, as /proc, holds no files at all.
        if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL} or os.statvfs(nearest).f_blocks == 0:
            return f"no file can be made in {nearest} ({error.strerror})"
    return None


def _running_system(settings: Settings) -> Iterator[Finding]:
    answer = CommandClient(settings.directory / FILE_NAME).send("status", {}, timeout=5)
    if not answer.ok or not isinstance(answer.data, dict):
        yield Finding("running system", "failed", answer.text, "if this stays, stop the process and start it again")
        return
    health = answer.data
    reasons = [str(reason) for reason in health.get("closed_because", [])]
    if reasons:
        advice = "order-actors arm" if UNARMED in reasons else "order-actors resume"
        yield Finding("running system", "warning", f"sends no orders: {', '.join(reasons)}", advice)
    else:
        yield Finding("running system", "ok", "trades")
    for name, reason in dict(health.get("failures", {})).items():
        yield Finding("running system", "failed", f"actor {name} {reason}", "order-actors resume tries again")


def _store(settings: Settings) -> Iterator[Finding]:
    with reading(settings) as store:
        if store is None:
            yield Finding("store", "ok", "is made at the first start")
            return
        owner = store.owner()
        if owner is not None and owner.account_id != settings.account_id:
            text = f"it holds account {owner.account_id}, not {settings.account_id}"
            advice = (
                f"set account_id: {owner.account_id}, or give {settings.account_id} a data_dir and store of its own"
            )
            yield Finding("store", "failed", text, advice)
            return
        last = store.last_seqs()
        live = len(store.live_orders())
        yield Finding("store", "ok", f"{last.signals:,} signals, {last.fills:,} fills, {live:,} live orders")
        held = store.controls().get(CONTROL)
        if held:
            control = msgspec.json.decode(held, type=TradingControl)
            yield Finding("trading", "warning", control.told, "order-actors resume")
        letters = sum(1 for letter in store.dead_letters() if letter.requeued_at is None)
        if letters:
            yield Finding("store", "warning", f"{letters:,} dead letters", "order-actors dead-letters lists them")


def _redis(settings: Settings) -> Iterator[Finding]:
    url = settings.redis_url
    if url is None:
        yield Finding("redis", "ok", "not used")
        return
    with closing(RedisLink(url)) as link:
        link.call("PING")
        yield Finding("redis", "ok", f"{link.where} answers")
        if settings.signals.uses_redis:
            yield from _persistence(link)


def _persistence(link: RedisLink) -> Iterator[Finding]:
    wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
    for name, value in wanted.items():
        try:
            reply = link.call("CONFIG", "GET", name)
        except SourceAway as refusal:
            yield Finding("redis", "warning", f"its settings cannot be read: {refusal}", "see that appendonly is yes")
            return
        found = reply[1].decode() if len(reply) > 1 else "unknown"
        if found != value:
            text = f"{name} is {found}: signals that wait there can be lost"
            yield Finding("redis", "warning", text, f"set {name} {value} in redis.conf")


def _broker(settings: Settings) -> Iterator[Finding]:
    if settings.broker.type == "futu":
        from actors.cli.check_futu import futu_findings

        yield from futu_findings(settings.broker.futu)
        return
    build_broker(settings.broker)
    paper = settings.broker.paper
    yield Finding("broker", "ok", f"paper, prices {paper.prices.source}, fills after {paper.fill_delay:g} s")


def _sessions(settings: Settings) -> Iterator[Finding]:
    sessions = build_sessions(settings.sessions)
    if sessions is None:
        yield Finding("sessions", "ok", "not used, markets count as always open")
    else:
        yield from calendar_findings(sessions, utc_now().date())


def calendar_findings(sessions: CalendarSessions, today: date) -> Iterator[Finding]:
    """Tell which calendars are in use and until when they are known, and warn of each that ends soon."""
    for market, code in sessions.calendars.items():
        end = sessions.known_until(market)
        known = f"{market} follows {code}" if end is None else f"{market} follows {code}, known until {end}"
        if end is None or end - today >= _ENDS_SOON:
            yield Finding("sessions", "ok", known)
        else:
            advice = "pip install --upgrade exchange-calendars"
            yield Finding("sessions", "warning", f"{known}, then counts as always open", advice)


_LOOKS: Final[tuple[Look, ...]] = (_configuration, _signatures, _data_directory, _store, _redis, _broker, _sessions)

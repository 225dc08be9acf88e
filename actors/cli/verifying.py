"""``verify``: recompute the promises from the store and the anchor of its event log."""

from typing import Final

import click

from actors.cli.output import Column, console, print_json, table_of
from actors.cli.program import Failure, config_option, json_option
from actors.cli.stored import reading
from actors.cli.text import clean
from actors.opening import anchor_of
from actors.settings import Settings
from actors.verify import Promise, verify

_SHOWN: Final = 20
_COLUMNS: Final[list[Column[Promise]]] = [
    Column("", lambda p: "ok" if p.ok else "BROKEN", style=lambda p: "green" if p.ok else "bold red"),
    Column("promise", lambda p: p.promise, cut=True),
    Column("checked", lambda p: f"{p.checked:,}", right=True, rank=2),
    Column(
        "violations",
        lambda p: f"{len(p.violations):,}",
        right=True,
        style=lambda p: "dim" if p.ok else "bold red",
    ),
    Column("", lambda p: p.id, style=lambda _: "dim", rank=3),
]


@click.command("verify")
@config_option
@json_option
def verify_store(settings: Settings, *, as_json: bool) -> None:
    """Recompute every promise from the store; exit code 1 if one is broken."""
    with reading(settings) as store:
        promises = [] if store is None else verify(store, anchor_of(settings))
    broken = sum(len(promise.violations) for promise in promises)
    if as_json:
        print_json(
            {
                "id": promise.id,
                "promise": promise.promise,
                "ok": promise.ok,
                "checked": promise.checked,
                "violations": promise.violations,
            }
            for promise in promises
        )
    else:
        _print(promises)
    if broken:
        raise Failure(f"{broken} violations; keep the data directory as it is and look into each of them")


def _print(promises: list[Promise]) -> None:
    out = console()
    if not promises:
        out.print("Nothing to verify: no system has made a store yet.")
        return
    out.print(table_of(promises, _COLUMNS, title="Promises", width=out.width))
    for promise in promises:
        for line in promise.violations[:_SHOWN]:
            out.print(f"{promise.id}: {clean(line)}", soft_wrap=True)
        if len(promise.violations) > _SHOWN:
            out.print(f"{promise.id}: … and {len(promise.violations) - _SHOWN:,} more (--json shows all)")

"""Bugs planted in what is durable, who may write it, and how its log is sealed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actors.messages import EventsCommitted
from actors.model import Event
from actors.order_manager.actor import OrderManager
from actors.order_manager.working_set import WorkingSet
from actors.publisher.actor import Publisher
from actors.store.anchor import Anchor
from actors.store.anchor_file import AnchorFile
from actors.store.chain import Head, genesis
from actors.store.store import Store
from actors.store.unit import Unit
from actors.store.writer import Transaction, Writer
from tests.simulation.mutants.registry import breaks


@breaks("I1")
def keep_changes_of_orders_in_memory(patch: pytest.MonkeyPatch) -> None:
    """Write orders when they are made, and never what becomes of them."""
    commit = Store.commit

    def forgetful(store: Any, unit: Unit) -> None:
        changed, unit.orders = unit.orders, {}
        commit(store, unit)
        unit.orders = changed

    patch.setattr(Store, "commit", forgetful)


@breaks("I10")
def write_after_the_account_was_taken(patch: pytest.MonkeyPatch) -> None:
    """Take it for granted that nobody else has the account."""

    @contextmanager
    def owned(writer: Any) -> Iterator[Transaction]:
        with writer.transaction() as transaction:
            yield transaction

    patch.setattr(Writer, "owned", owned)


@breaks("I12")
def publish_what_is_not_committed(patch: pytest.MonkeyPatch) -> None:
    """Tell the followers of an event while its batch may still fail."""
    init, log = OrderManager.__init__, WorkingSet._log

    def remembered(manager: Any, *arguments: Any) -> None:
        init(manager, *arguments)
        manager._set.followers = manager._peers.followers

    def hasty(working_set: Any, event: Event) -> None:
        log(working_set, event)
        for follower in working_set.followers:
            follower.tell(EventsCommitted(events=(event,)))

    patch.setattr(OrderManager, "__init__", remembered)
    patch.setattr(WorkingSet, "_log", hasty)


@breaks("I12")
def leave_out_what_finds_no_room(patch: pytest.MonkeyPatch) -> None:
    """Hand the worker what it takes, and count the rest as handed."""

    def hasty(publisher: Any, events: Any) -> None:
        news = [event for event in events if event.seq > publisher._handed]
        publisher._hand(news[: publisher._room])
        publisher._handed = max([publisher._handed, *(event.seq for event in news)])

    patch.setattr(Publisher, "_offer", hasty)


@breaks("I24")
def begin_the_chain_anew_at_a_start(patch: pytest.MonkeyPatch) -> None:
    """Continue the account's constant in place of the last event."""

    def forgetful(store: Any, transaction: Any) -> Head:
        row = transaction.first("SELECT seq FROM events ORDER BY seq DESC LIMIT 1")
        return Head(0 if row is None else row[0], genesis(store.account_id).hash)

    patch.setattr(Store, "_read_end", forgetful)


@breaks("I24")
def move_the_anchor_now_and_then(patch: pytest.MonkeyPatch) -> None:
    """Tell the anchor of every fourth event alone."""
    move = Anchor.move

    def lazy(anchor: Any, head: Head, *arguments: Any) -> None:
        if head.seq % 4 == 0:
            move(anchor, head, *arguments)

    patch.setattr(Anchor, "move", lazy)


@breaks("I24")
def move_the_anchor_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """Tell the anchor of an end that the log may never have."""
    append = Store._append

    def hasty(store: Any, transaction: Any, events: Any, at: int) -> Head | None:
        end = append(store, transaction, events, at)
        if end is not None:
            store._anchor.move(end, store._clock.now())
        return end

    patch.setattr(Store, "_append", hasty)


@breaks("I23")
def write_the_key_into_the_anchor(patch: pytest.MonkeyPatch) -> None:
    """Put the key where its seal should stand."""
    init = AnchorFile.__init__

    def remembered(anchor: Any, path: Any, account_id: str, key: str | None = None) -> None:
        init(anchor, path, account_id, key)
        anchor.said = (key or "").encode()

    patch.setattr(AnchorFile, "__init__", remembered)
    patch.setattr(AnchorFile, "_mark", lambda anchor, _text: anchor.said)

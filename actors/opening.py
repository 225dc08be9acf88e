"""Opening the store of a configuration: its anchor is compared first, and what that finds is told in the log itself."""

import logging
from typing import Final

from actors.order_manager.working_set import WorkingSet
from actors.runtime.clock import utc_now
from actors.settings import Settings
from actors.store.anchor import FindingKind
from actors.store.anchor_file import AnchorFile
from actors.store.engine import BUSY_TIMEOUT
from actors.store.store import Store

_log: Final = logging.getLogger(__name__)


def anchor_of(settings: Settings) -> AnchorFile:
    """Return the anchor of a configuration."""
    return AnchorFile(settings.anchor_path, settings.account_id, settings.audit.key)


def open_store(settings: Settings, holder: str, *, busy_timeout: float = BUSY_TIMEOUT) -> Store:
    """Take a configuration's store over, as :meth:`Store.open` does.

    An anchor that contradicts the log keeps nobody from trading: positions must be managed, and the evidence is kept.
    It is logged as critical and becomes an alert of the event log; only with that event the anchor moves on, in a new
    line, and the one that contradicts stays.

    Args:
        settings: Which store and anchor.
        holder: This process, as people know it.
        busy_timeout: Seconds to wait for another process's lock.

    Raises:
        StoreError: The store cannot be used.
        Unavailable: The database is away.
    """
    store = Store.open(
        settings.store_url,
        account_id=settings.account_id,
        holder=holder,
        busy_timeout=busy_timeout,
        anchor=anchor_of(settings),
    )
    finding = store.finding
    if finding is None:
        return store
    try:
        level = logging.WARNING if finding.kind is FindingKind.BEGUN else logging.CRITICAL
        _log.log(level, "event log: %s; `order-actors verify` looks closer", finding.reason)
        facts = WorkingSet(store, settings.account_id, utc_now())
        facts.note(finding.kind.value, reason=finding.reason, alert=True)
        facts.commit()
    except BaseException:
        store.close()
        raise
    return store

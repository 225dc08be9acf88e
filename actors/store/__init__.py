"""The store: orders, the fill ledger, what became of signals, the event log and the owner, in one database."""

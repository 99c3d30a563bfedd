"""What can go wrong with a ledger, each by a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class LedgerError(Exception):
    """Base of every error of this room."""


class LedgerInUse(LedgerError):
    """Another process is spending requests from the same ledger."""

    def __init__(self, path: str, holder: Mapping[str, Any]) -> None:
        who = (
            f"process {holder.get('pid')} on {holder.get('host')} since {holder.get('since')}"
            if holder
            else "another process"
        )
        super().__init__(
            f"The ledger {path} is in use by {who}, and only one may spend requests at a time. "
            "Wait for it to end, or stop it; the lock goes with the process."
        )
        self.holder = holder


class LedgerUnusable(LedgerError):
    """The ledger's file cannot be read or written as a ledger."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"The ledger {path} cannot be used: {why}. If the disk is full, free some of it; if the file is "
            "damaged, put a backup in its place, or move it away to start an empty one (every question is "
            "then asked again)."
        )

"""What can go wrong with a ledger. No message holds a credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from music_assets.errors import MusicAssetsError


class LedgerError(MusicAssetsError):
    """Base of every error of this package."""


class LedgerInUse(LedgerError):
    """Another process holds the request lock, or may hold it, as ours was lost; `holder` is its note."""

    def __init__(self, where: str, holder: Mapping[str, Any], *, lost: bool = False) -> None:
        who = "process {pid} on {host} since {since}".format_map(holder) if holder else "another process"
        what = "has lost its request lock with its connection" if lost else f"is in use by {who}"
        super().__init__(
            f"The ledger {where} {what}, and only one process may send requests at a time. Run again once no "
            "other does; what was answered is cached."
        )
        self.holder = holder


class LedgerUnusable(LedgerError):
    """The ledger cannot be opened, read or written."""

    def __init__(self, where: str, reason: str, advice: str) -> None:
        super().__init__(f"The ledger {where} cannot be used: {reason.rstrip('.')}. {advice}")

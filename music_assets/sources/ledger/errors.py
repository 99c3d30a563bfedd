"""What can go wrong with a ledger, each by a name of its own.

Every message says what happened, where, and what to do; none holds a credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from music_assets.errors import MusicAssetsError


class LedgerError(MusicAssetsError):
    """Base of every error of this package."""


class LedgerInUse(LedgerError):
    """Another process may send requests now; `holder` is its note, as far as known.

    `lost` says that this process held the request lock and lost it.
    """

    def __init__(self, where: str, holder: Mapping[str, Any], *, lost: bool = False) -> None:
        who = (
            f"process {holder.get('pid')} on {holder.get('host')} since {holder.get('since')}"
            if holder
            else "another process"
        )
        super().__init__(
            f"The request lock of the ledger {where} was lost with its connection, and another process may "
            "hold it now. What was answered is cached; run again, and only the rest is requested."
            if lost
            else f"The ledger {where} is in use by {who}, and only one may send requests at a time. "
            "Wait for it to end, or stop it; its lock ends with the process."
        )
        self.holder = holder


class LedgerUnusable(LedgerError):
    """The ledger cannot be opened, read or written."""

    def __init__(self, where: str, reason: str, advice: str) -> None:
        super().__init__(f"The ledger {where} cannot be used: {reason.rstrip('.')}. {advice}")

"""What can go wrong with a ledger, each by a name of its own.

Every message says what happened, where, and what to do; none holds a credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from music_assets.errors import MusicAssetsError

_OF_A_FILE = (
    "If the disk is full, free some of it; if the file is damaged, put a backup in its place, or move it "
    "away to start an empty one (every question is then asked again)."
)


class LedgerError(MusicAssetsError):
    """Base of every error of this room."""


class LedgerInUse(LedgerError):
    """Another process is spending requests from the same ledger; `holder` is its note, as far as known."""

    def __init__(self, where: str, holder: Mapping[str, Any], *, lost: bool = False) -> None:
        who = (
            f"process {holder.get('pid')} on {holder.get('host')} since {holder.get('since')}"
            if holder
            else "another process"
        )
        super().__init__(
            f"The right to spend requests from the ledger {where} could not be renewed in time, and {who} "
            "may hold it now. What was answered is kept; run again, and only the rest is asked."
            if lost
            else f"The ledger {where} is in use by {who}, and only one may spend requests at a time. "
            "Wait for it to end, or stop it; its right to spend ends with the process."
        )
        self.holder = holder


class LedgerUnusable(LedgerError):
    """The ledger cannot be read or written as a ledger."""

    def __init__(self, where: str, why: str, advice: str = _OF_A_FILE) -> None:
        super().__init__(f"The ledger {where} cannot be used: {why}. {advice}")

"""The ledger: what every source answered, kept so that no question is asked twice.

What it offers   `SqliteLedger`, in one file; both a `Ledger`.
Shapes           an `Answer` under a `Key` (what was asked about, and what for).
Limits           one machine, one spender at a time.
Terms            those of the source whose answers it keeps: Spotify forbids keeping its content without
                 end (`purge`).
Errors           `errors`, all of them `LedgerError`.

What to ask, and what an answer means, is in the room of each source.
"""

from music_assets.sources.ledger.errors import LedgerError, LedgerInUse, LedgerUnusable
from music_assets.sources.ledger.ledger import Answer, Key, Ledger, Spender
from music_assets.sources.ledger.sqlite import SqliteLedger

__all__ = [
    "Answer",
    "Key",
    "Ledger",
    "LedgerError",
    "LedgerInUse",
    "LedgerUnusable",
    "Spender",
    "SqliteLedger",
]

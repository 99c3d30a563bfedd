"""The ledger: every response of every source, cached, and the number of requests it took.

Offers   `open_ledger`: the `Ledger` of one source, in a SQLite file or a PostgreSQL database.
Shapes   a `Response` under a `Key`; request counts by kind and minute (UTC); state by name; a `RequestLock`.
Limits   some 4.2 kB for a search response of ten tracks. A file is for one machine, PostgreSQL for many.
Terms    those of the source: Spotify forbids keeping its content without end (`Ledger.purge`).
Errors   `LedgerError` and below.

What to request, and what a response means, is in the package of each source.
"""

from music_assets.sources.ledger.errors import LedgerError, LedgerInUse, LedgerUnusable
from music_assets.sources.ledger.ledger import Ledger, open_ledger
from music_assets.sources.ledger.lifetimes import MISSES_HOLD, is_due, pause_state, paused_until
from music_assets.sources.ledger.lock import RequestLock
from music_assets.sources.ledger.records import Key, Response

__all__ = [
    "MISSES_HOLD",
    "Key",
    "Ledger",
    "LedgerError",
    "LedgerInUse",
    "LedgerUnusable",
    "RequestLock",
    "Response",
    "is_due",
    "open_ledger",
    "pause_state",
    "paused_until",
]

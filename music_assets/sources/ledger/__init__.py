"""The ledger: what every source answered, kept so that no question is asked twice, and what was spent on it.

What it offers   `open_ledger`: a `Ledger` by setting, `SqliteLedger` in one file or `DynamoDBLedger` in a
                 table (`create_table` makes one).
Shapes           an `Response` under a `Key` (what was asked about, and what for); counts of requests by day
                 and kind; facts by name; a `RequestLock`, who alone may spend.
Limits           some 4.2 kB a search answer of ten tracks. A file is for one machine, a table for many.
Terms            those of the source whose answers it keeps: Spotify forbids keeping its content without
                 end (`purge`).
Errors           `errors`, all of them `LedgerError`.

What to ask, what an answer means and how much may be spent is in the room of each source.
"""

from music_assets.sources.ledger.dynamodb import DynamoDBLedger
from music_assets.sources.ledger.errors import LedgerError, LedgerInUse, LedgerUnusable
from music_assets.sources.ledger.ledger import Key, Ledger, RequestLock, Response
from music_assets.sources.ledger.setting import open_ledger, table_of
from music_assets.sources.ledger.sqlite import SqliteLedger
from music_assets.sources.ledger.table import create_table

__all__ = [
    "DynamoDBLedger",
    "Key",
    "Ledger",
    "LedgerError",
    "LedgerInUse",
    "LedgerUnusable",
    "RequestLock",
    "Response",
    "SqliteLedger",
    "create_table",
    "open_ledger",
    "table_of",
]

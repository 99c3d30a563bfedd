"""Spotify: which tracks a search finds for an MSD song, their artists, their audio features.

What it offers   `SpotifyCatalog`: `search_songs`, `tracks`, `albums`, `artists`, `audio_features`, each
                 answered from the ledger first.
Shapes           rows as dicts with the columns of `spotify.tracks`, `.artists`, `.audio_features`
                 (`shapes`).
Limits           requests are scarce: a rate a half minute, and an unpublished quota a developer
                 account. Batches, popularity, followers and audio features need extended access.
Terms            Spotify Developer Terms v10 and Policy (15 May 2025): no database beyond what the app
                 needs, no keeping without end (`Ledger.purge`), no training of models on it.
Errors           `errors`, all of them `SpotifyError`; those of the ledger are `LedgerError`.

`queries` words the questions, `client` asks them over `session` as far as the `budget` goes, `access` knows
what this app may ask, `lookups` fetches things by id; `facade` keeps what came in a ledger
(`music_assets.sources.ledger`) and gives `answers`. Which of the tracks is the song is for
`music_assets.matching` to say; the server that plays Spotify is in `music_assets.sandbox`.
"""

from music_assets.sources.ledger import Key, Ledger, LedgerInUse, LedgerUnusable, Response, open_ledger
from music_assets.sources.spotify.catalog import HITS, SpotifyCatalog
from music_assets.sources.spotify.errors import (
    AccessDenied,
    BadCredentials,
    BadResponse,
    DailyLimitReached,
    OutOfBudget,
    QuotaExhausted,
    RateLimited,
    SpotifyError,
    SpotifyUnreachable,
)
from music_assets.sources.spotify.queries import queries_for
from music_assets.sources.spotify.resolutions import Resolution
from music_assets.sources.spotify.results import Fetched, SearchResult, SongQuery
from music_assets.sources.spotify.rows import artist_row, audio_features_row, search_rows, track_row
from music_assets.sources.spotify.session import SpotifySettings

__all__ = [
    "HITS",
    "AccessDenied",
    "BadCredentials",
    "BadResponse",
    "DailyLimitReached",
    "Fetched",
    "Key",
    "Ledger",
    "LedgerInUse",
    "LedgerUnusable",
    "OutOfBudget",
    "QuotaExhausted",
    "RateLimited",
    "Resolution",
    "Response",
    "SearchResult",
    "SongQuery",
    "SpotifyCatalog",
    "SpotifyError",
    "SpotifySettings",
    "SpotifyUnreachable",
    "artist_row",
    "audio_features_row",
    "open_ledger",
    "queries_for",
    "search_rows",
    "track_row",
]

"""Spotify: which tracks a search finds for an MSD song, their artists, albums and audio features.

What it offers   `SpotifyCatalog`: `search_songs`, `search_releases`, `tracks`, `albums`, `artists`,
                 `artist_albums`, `audio_features`, each answered from the ledger first.
Shapes           rows as dicts with the columns of the tables of `spotify` (`rows`).
Limits           requests are scarce: a rate per half minute, and an unpublished quota per developer account.
                 Batches, popularity, followers and audio features need extended access.
Terms            Spotify Developer Terms v10 and Policy (15 May 2025): no database beyond what the app needs,
                 no storage without end (`Ledger.purge`), no training of models on it.
Errors           `errors`, all of them `SpotifyError`; those of the ledger are `LedgerError`.

Two layers: `client` sends one request, over `session`, as far as the `budget` allows; `catalog` is above it
and answers from the ledger first, by way of `fetcher`. `endpoints` declares what can be requested, `queries`
words searches, `resolutions` holds how songs were resolved without a search. Which of the tracks is the song
is for `music_assets.matching` to say; the server that stands in for Spotify is in `music_assets.sandbox`.
"""

from music_assets.sources.fetched import Fetched
from music_assets.sources.spotify.catalog import SearchResult, SongQuery, SpotifyCatalog
from music_assets.sources.spotify.endpoints import HITS
from music_assets.sources.spotify.errors import (
    AccessDenied,
    BadCredentials,
    BadResponse,
    OutOfBudget,
    QuotaExhausted,
    RateLimited,
    SpotifyError,
    SpotifyUnreachable,
)
from music_assets.sources.spotify.queries import queries_for
from music_assets.sources.spotify.resolutions import ReleaseAlbum, Resolution
from music_assets.sources.spotify.rows import track_row
from music_assets.sources.spotify.session import SpotifySettings

__all__ = [
    "HITS",
    "AccessDenied",
    "BadCredentials",
    "BadResponse",
    "Fetched",
    "OutOfBudget",
    "QuotaExhausted",
    "RateLimited",
    "ReleaseAlbum",
    "Resolution",
    "SearchResult",
    "SongQuery",
    "SpotifyCatalog",
    "SpotifyError",
    "SpotifySettings",
    "SpotifyUnreachable",
    "queries_for",
    "track_row",
]

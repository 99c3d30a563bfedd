"""Which source is asked about which song, in which order, so that few requests resolve many songs.

`backlog` holds the songs, `resolver` the order of the `steps`. Requests are made in `music_assets.sources`;
whether a track is the song is decided in `music_assets.matching`. Nothing here knows Dagster or files.
"""

from music_assets.resolution.backlog import SearchBacklog, release_key
from music_assets.resolution.id_providers import IdProvider
from music_assets.resolution.outcome import ResolutionOutcome
from music_assets.resolution.resolver import Resolver
from music_assets.resolution.steps import candidate_of

__all__ = [
    "IdProvider",
    "ResolutionOutcome",
    "Resolver",
    "SearchBacklog",
    "candidate_of",
    "release_key",
]

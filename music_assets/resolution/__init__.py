"""Which source is asked about which song, in which order, so that few requests resolve many songs.

    backlog        the MSD's songs with their state: release, priority, open or resolved
    resolver       batches of open songs through an ordered list of steps, until the budget ends
    steps          cached responses, provided ids, searches for releases, their albums, searches for songs
    run            what the steps of one run share: the catalog, the backlog, the outcome
    id_providers   sources that know Spotify ids of MSD songs
    priority_list  the tracks, songs and artists that somebody wants first
    plan           requests and days it will take, before a request is spent

Requests are made in `music_assets.sources`; whether a track is the song is decided in
`music_assets.matching`. Nothing here knows Dagster, files of the staging area, or a warehouse.
"""

from music_assets.resolution.backlog import SearchBacklog, release_key
from music_assets.resolution.id_providers import IdProvider
from music_assets.resolution.priority_list import PriorityListError, read_priority_list
from music_assets.resolution.resolver import Resolver
from music_assets.resolution.run import ResolutionOutcome, candidate_of

__all__ = [
    "IdProvider",
    "PriorityListError",
    "ResolutionOutcome",
    "Resolver",
    "SearchBacklog",
    "candidate_of",
    "read_priority_list",
    "release_key",
]

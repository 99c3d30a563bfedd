"""Which question to ask next, so that few requests settle many songs of the MSD.

    index      the MSD's songs as far as asking goes: which release, how wanted, asked already?
    chances    what each kind of question has brought so far, and so what it is worth
    resolver      asks the most telling question first, until all is asked or the budget ends
    elsewhere  ids that other places know, to be verified
    listed     the tracks, songs and artists somebody wants first
    plan       what it will take, said before a request is spent

Requests are made by `music_assets.sources`, and whether a track is the song is judged by
`music_assets.matching`; this room knows both, and neither Dagster nor a warehouse.
"""

from music_assets.resolution.backlog import SearchBacklog, release_key
from music_assets.resolution.policy import IdProvider, ResolutionOutcome, Resolver, candidate_of
from music_assets.resolution.priority_list import PriorityListError, read_priority_list

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

"""How often a partition's recordings and artists are listened to: open data, by ListenBrainz, without a key.

Artists need no matching, since the MSD has their MusicBrainz ids; recordings are those that
`musicbrainz_recordings` linked. What one request is like is in `music_assets.sources.listenbrainz`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from music_assets.defs.assets.common import LISTENBRAINZ_REQUESTS, OPEN
from music_assets.defs.resources import SpotifyResource, StagingResource
from music_assets.defs.source_resources import SourcesResource
from music_assets.defs.stages import stage
from music_assets.sources.fetched import Fetched
from music_assets.sources.listenbrainz import REFRESH_DAYS
from music_assets.staging.partitions import Staged, read_rows
from music_assets.staging.rows import Row

VERSION = "1"
_DAY_S = 86_400


def counts_in_use(spotify: SpotifyResource, sources: SourcesResource) -> Callable[[str], str]:
    """The rows depend on who counts, and are renewed from time to time."""
    source = spotify.ledger.source if sources.uses("listenbrainz") else "none"
    period = int(spotify.clock() // (REFRESH_DAYS * _DAY_S))
    return lambda key: f"{source} {period}"


@dataclass
class Counted:
    """What was fetched for all partitions of a run, by entity, and the requests it took."""

    by_entity: dict[str, Fetched]
    requests: int


@contextmanager
def counted_together(
    keys: list[str], sources: SourcesResource, staging: StagingResource
) -> Iterator[Counted | None]:
    """The counts of a run's partitions, fetched together: a request takes a thousand ids."""
    client, store = sources.listenbrainz() if keys else None, staging.store()
    if client is None:
        yield None
        return
    mbids: dict[str, set[str]] = {"artist": set(), "recording": set()}
    before = client.requests
    for key in keys:
        for kind, file in ((kind, store.staged_file(kind, key)) for kind in _INPUTS):
            for entity, more in _mbids(**{kind: read_rows(store, file) if file else []}).items():
                mbids[entity] |= more
    found = {entity: client.popularity(entity, sorted(ids)) for entity, ids in mbids.items()}
    yield Counted(found, client.requests - before)


_INPUTS = ("msd_songs", "musicbrainz_recordings")


@stage(
    "listenbrainz_popularity",
    inputs=_INPUTS,
    version=VERSION,
    depends_on=counts_in_use,
    session=counted_together,
    pool=LISTENBRAINZ_REQUESTS,
    attributes={"group": OPEN, "kinds": {"python"}, "tags": {"spends": "requests"}},
    description=(
        "How often the partition's recordings and artists are listened to, and by how many, as ListenBrainz "
        f"counts (CC0). A count is requested again after {REFRESH_DAYS} days, a thousand in a request."
    ),
)
def listenbrainz_popularity(
    msd_songs: list[Row],
    musicbrainz_recordings: list[Row],
    session: Counted | None,
    sources: SourcesResource,
) -> Staged:
    client = sources.listenbrainz()
    if client is None or session is None:
        return Staged([], {"requested": 0, "answered": 0})
    wanted = _mbids(msd_songs, musicbrainz_recordings)
    rows: list[Row] = []
    metadata, missing = dict.fromkeys(wanted, 0), 0
    for entity, mbids in wanted.items():
        found = client.popularity(entity, sorted(mbids), fetch=False)
        rows += found.rows
        together = session.by_entity[entity]
        missing += len(mbids & {*together.pending, *together.failed})
        metadata[entity] = len(found.rows)
    reasons = sorted({one.reason for one in session.by_entity.values() if one.reason}) if missing else []
    spent, session.requests = session.requests, 0  # shown once, with the first partition
    return Staged(
        rows,
        {
            "requested": sum(map(len, wanted.values())),
            "answered": len(rows),
            **{f"{entity}s": count for entity, count in metadata.items()},
            "pending": missing,
            "reasons": reasons,
        },
        {"requests_to_listenbrainz": spent},
        complete=not missing,
    )


def _mbids(msd_songs: Iterable[Row] = (), musicbrainz_recordings: Iterable[Row] = ()) -> dict[str, set[str]]:
    """The MBIDs of artists and recordings in staged rows."""
    return {
        "artist": {song["artist_mbid"] for song in msd_songs} - {None},
        "recording": {row["recording_mbid"] for row in musicbrainz_recordings} - {None},
    }

"""The MusicBrainz recording of each song, and what AcousticBrainz heard in it: open data, from dumps.

No request is sent here. How a dump is read is in `music_assets.sources.musicbrainz` and
`music_assets.sources.acousticbrainz`; how a song is linked in `music_assets.resolution.recordings`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from music_assets.defs.assets.common import OPEN
from music_assets.defs.dumps import DumpsResource
from music_assets.defs.resources import StagingResource
from music_assets.defs.stages import stage
from music_assets.errors import MusicAssetsError
from music_assets.matching import matcher_version
from music_assets.resolution.recordings import Link, link, wanted
from music_assets.sources.musicbrainz import Recording, WantedSong
from music_assets.staging.errors import DamagedFile
from music_assets.staging.partitions import Metadata, Staged, read_rows
from music_assets.staging.rows import Row
from music_assets.staging.store import StagedFile, StagingStore

VERSION = "1"
_ATTRIBUTES: Mapping[str, Any] = {"group": OPEN, "kinds": {"duckdb", "python"}}


@dataclass(frozen=True)
class FromDump:
    """What a session gives of a dump: how to look in it (None without it), and what is to be said of it.

    A dump that is there and cannot be used leaves partitions incomplete: the next run tries again.
    """

    look: Callable[[Iterable[str]], Any] | None = None
    made_at: datetime | None = None
    set_aside: int = 0
    problems: list[str] = field(default_factory=list)

    def staged(self, rows: list[Row], metadata: Metadata, missing: list[str]) -> Staged:
        """A partition's rows."""
        notes = [*missing, *self.problems]
        if self.set_aside:
            rows_were = "row of the dump was" if self.set_aside == 1 else "rows of the dump were"
            notes.append(f"{self.set_aside:,} odd {rows_were} set aside")
        return Staged(rows, metadata, {"reasons": notes}, complete=not self.problems)


def _in_use(name: str, version: str = "") -> Callable[..., Callable[[str], str]]:
    """The rows depend on the dump."""

    def in_use(dumps: DumpsResource) -> Callable[[str], str]:
        archive = dumps.sources.archive_state() if name == "musicbrainz" and dumps.identity(name) else ""
        now = " ".join(filter(None, [dumps.identity(name), version, archive]))
        return lambda key: now

    return in_use


def _missing(name: str) -> Callable[..., Metadata]:
    """How to get a dump that is not there is said with every run."""

    def missing(file: StagedFile, dumps: DumpsResource) -> Metadata:
        return {"reasons": dumps.missing(name)}

    return missing


@contextmanager
def candidates(keys: Sequence[str], dumps: DumpsResource, staging: StagingResource) -> Iterator[FromDump]:
    """The candidates of all songs of a run, by one join with the dump."""
    try:
        opened = dumps.musicbrainz() if keys else None
        if opened is None:
            found = FromDump()
        else:
            look = opened.candidates(_wanted(staging.store(), keys, dumps))
            found = FromDump(look, opened.files.made_at, opened.set_aside)
    except MusicAssetsError as error:
        found = FromDump(problems=[str(error)])
    yield found


def _wanted(store: StagingStore, keys: Sequence[str], dumps: DumpsResource) -> Iterator[WantedSong]:
    """What is looked for, with the recordings that the Echo Nest archive names, where it can be read."""
    archive = None
    with suppress(MusicAssetsError):  # `spotify_answers` says so
        archive = dumps.sources.archive() if dumps.sources.has_archive() else None
    for song in _songs(store, keys):
        ids = archive.ids_of([song["song_id"]]).get(song["song_id"]) if archive and song["song_id"] else None
        yield wanted(song, ids.recordings if ids else ())


def _songs(store: StagingStore, keys: Sequence[str]) -> Iterator[Row]:
    """The songs of partitions; one whose file is missing or damaged is reported with its partition."""
    for file in store.staged_files("msd_songs", list(keys)):
        with suppress(DamagedFile):
            yield from read_rows(store, file) if file else ()


@stage(
    "musicbrainz_recordings",
    inputs=("msd_songs",),
    version=VERSION,
    depends_on=_in_use("musicbrainz", matcher_version()),
    session=candidates,
    when_unchanged=_missing("musicbrainz"),
    attributes=_ATTRIBUTES,
    description=(
        "The MusicBrainz recording that each MSD track is, with the method and its score: within the "
        "artist's MusicBrainz id first, then by the artist's name; versions must agree. From the canonical "
        "dump (CC0), without a request. Lengths are not compared, since the dump has none."
    ),
)
def musicbrainz_recordings(msd_songs: list[Row], session: FromDump, dumps: DumpsResource) -> Staged:
    rows: list[Row] = []
    if session.look is not None:
        found = session.look([song["track_id"] for song in msd_songs])
        links = {song["track_id"]: link(song, found.get(song["track_id"], ())) for song in msd_songs}
        source = dumps.source_of("musicbrainz")
        rows = [_row(track_id, one, source, session.made_at) for track_id, one in links.items() if one]
    methods = Counter(row["method"] for row in rows)
    metadata = {"songs": len(msd_songs), "linked": len(rows), "methods": dict(methods.most_common())}
    return session.staged(rows, metadata, dumps.missing("musicbrainz"))


def _row(track_id: str, found: Link, source: str, made_at: datetime | None) -> Row:
    recording: Recording = found.recording
    return {
        "track_id": track_id,
        "recording_mbid": recording.recording_mbid,
        "recording_name": recording.recording_name,
        "artist_credit_name": recording.artist_credit_name,
        "release_mbid": recording.release_mbid,
        "release_name": recording.release_name,
        "method": found.method,
        "score": found.score,
        "reasons": list(found.reasons),
        "isrcs": recording.isrcs,
        "spotify_track_ids": recording.spotify_track_ids,
        "source": source,
        "fetched_at": made_at,
    }


@contextmanager
def features(keys: Sequence[str], dumps: DumpsResource) -> Iterator[FromDump]:
    """AcousticBrainz's dump, opened for a run."""
    try:
        opened = dumps.acousticbrainz() if keys else None
        found = FromDump(opened.features, set_aside=opened.set_aside) if opened else FromDump()
    except MusicAssetsError as error:
        found = FromDump(problems=[str(error)])
    yield found


@stage(
    "acousticbrainz_features",
    inputs=("musicbrainz_recordings",),
    version=VERSION,
    depends_on=_in_use("acousticbrainz"),
    session=features,
    when_unchanged=_missing("acousticbrainz"),
    attributes=_ATTRIBUTES,
    description=(
        "What AcousticBrainz heard in the partition's recordings: tempo, key, danceability (its own scale), "
        "loudness, each the median of all submissions. From its last dump, of 2022 (CC0), without a request."
    ),
)
def acousticbrainz_features(
    musicbrainz_recordings: list[Row], session: FromDump, dumps: DumpsResource
) -> Staged:
    wanted = sorted({row["recording_mbid"] for row in musicbrainz_recordings})
    source = dumps.source_of("acousticbrainz")
    rows = [{**row, "source": source} for row in session.look(wanted)] if session.look else []
    metadata = {"recordings": len(wanted), "analysed": len(rows)}
    return session.staged(rows, metadata, dumps.missing("acousticbrainz"))

"""`MusicBrainz`: for many songs at once, the recordings that each may be, by one join in DuckDB.

A candidate is a recording of the song's artist (by MusicBrainz id, or by a name) whose title begins like the
song's or is nearly the same, or one that a mapping of 2016 names. The join reads the index once for all songs
it is given: give it those of a run's partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd

from music_assets.sources import dumps
from music_assets.sources.dumps import IndexUnusable
from music_assets.sources.musicbrainz.files import MusicBrainzFiles
from music_assets.sources.musicbrainz.index import (
    MACROS,
    VERSION,
    build_canonical,
    build_full,
    build_mapping,
)

MOST = 8  # candidates of a song by name: more have the same title, and the most canonical are first
_ALIKE = 0.9  # Jaro-Winkler similarity of two titles' keys from which they are compared at all
_BEGINNING = (
    6  # letters: titles that begin so are compared, such as "Salt Water Part 2" and "Salt Water_ Pt. II"
)


@dataclass(frozen=True)
class WantedSong:
    """A song to find recordings of: `artist_names` are all names by which its artist may be credited.

    `recording_mbids` are recordings that others say it is, which may have been merged into another since.
    """

    track_id: str
    song_id: str | None
    title: str | None
    artist_mbid: str | None
    artist_names: tuple[str, ...]
    recording_mbids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """A recording that a song may be, with its canonical release.

    `score` is the dump's: the lowest is the most canonical. `found_by` says how: by the `artist_mbid`, by the
    artist's `name`, or by a `mapping` of 2016 alone, the MSD's or the Echo Nest archive; `mapped` whether one
    names it too. `isrcs` and `spotify_track_ids` are None without a full dump.
    """

    recording_mbid: str
    recording_name: str
    artist_credit_name: str
    release_mbid: str
    release_name: str
    score: int
    found_by: str
    mapped: bool
    isrcs: list[str] | None = None
    spotify_track_ids: list[str] | None = None


class MusicBrainz(dumps.Indexed):
    """MusicBrainz's dumps as the pipeline sees them; close it after use (a context manager too)."""

    def __init__(self, files: MusicBrainzFiles, db: duckdb.DuckDBPyConnection) -> None:
        super().__init__(db)
        self.files = files
        self.set_aside = dumps.count(db, "SELECT set_aside FROM canonical.counts")

    @classmethod
    def open(cls, files: MusicBrainzFiles, cache: Path) -> MusicBrainz:
        """Open the files; what is not indexed yet is indexed in the folder `cache` first.

        Raises:
            DumpDamaged: a file cannot be read to its end, or has another form than is known.
            IndexUnusable: the cache cannot be written or read.
        """
        builds: dict[str, tuple[tuple[Path, ...], Callable[..., None]]] = {
            "canonical": (files.canonical, partial(build_canonical, files.canonical))
        }
        if files.mapping:
            builds["mapped"] = ((files.mapping,), partial(build_mapping, files.mapping))
        if files.full:
            builds["extra"] = ((files.full,), partial(build_full, files.full))
        for name, (parts, build) in builds.items():
            dumps.open_index(cache / f"musicbrainz_{name}.duckdb", parts, VERSION, build)
        with _named_errors(cache):
            db = dumps.connect(":memory:", cache)
            for name in builds:
                index = dumps.quoted(cache / f"musicbrainz_{name}.duckdb")
                db.execute(f"ATTACH {index} AS {name} (READ_ONLY)")
            db.execute(MACROS)
            return cls(files, db)

    def candidates(
        self, songs: Iterable[WantedSong]
    ) -> Callable[[Iterable[str]], dict[str, list[Recording]]]:
        """A function that gives the candidates of some of these songs, by track id.

        One join of all songs with the index, whose result DuckDB holds until the next call.

        Raises:
            IndexUnusable: an index cannot be read, or the disk is full.
        """
        columns, joined = "NULL, NULL", ""
        if self.files.full:
            columns = "isrcs.found, spotify.found"
            joined = _MORE.format(table="isrcs", column="isrc")
            joined += _MORE.format(table="spotify", column="spotify_track_id")
        with _named_errors(Path("of MusicBrainz")):
            self._take(list(songs))
            self._db.execute("CREATE OR REPLACE TEMP TABLE named (track_id VARCHAR, recording_mbid UUID)")
            self._db.execute(_NAMED.format(named=_BY_MAPPING if self.files.mapping else _BY_OTHERS))
            self._db.execute(_CANDIDATES)
            self._db.execute(
                f"CREATE OR REPLACE TEMP TABLE found AS "
                f"SELECT candidates.*, {columns} FROM candidates {joined}"
            )
        return self._found

    def _found(self, track_ids: Iterable[str]) -> dict[str, list[Recording]]:
        rows = self._db.execute(
            "SELECT * FROM found WHERE track_id IN (SELECT unnest(?)) "
            "ORDER BY track_id, score, recording_mbid",
            [list(track_ids)],
        ).fetchall()
        found: dict[str, list[Recording]] = {}
        for track_id, recording_mbid, name, credit, release_mbid, *more in rows:
            recording = Recording(str(recording_mbid), name, credit, str(release_mbid), *more)
            found.setdefault(track_id, []).append(recording)
        return found

    def _take(self, songs: list[WantedSong]) -> None:
        frame = pd.DataFrame(  # noqa: F841  # DuckDB reads both by name
            [(one.track_id, one.song_id, one.title or "", one.artist_mbid) for one in songs],
            columns=["track_id", "song_id", "title", "artist_mbid"],
            dtype=object,
        )
        names = pd.DataFrame(  # noqa: F841
            [(one.track_id, name) for one in songs for name in one.artist_names],
            columns=["track_id", "name"],
            dtype=object,
        )
        recordings = pd.DataFrame(  # noqa: F841
            [(one.track_id, mbid) for one in songs for mbid in one.recording_mbids],
            columns=["track_id", "mbid"],
            dtype=object,
        )
        self._db.execute(_SONGS)
        self._db.execute(_ARTIST_NAMES)
        self._db.execute(_OTHERS)


@contextmanager
def _named_errors(index: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise IndexUnusable(index, str(error).partition("\n")[0]) from error


_SONGS = """
CREATE OR REPLACE TEMP TABLE songs AS
SELECT track_id, song_id, title::VARCHAR AS title, try_cast(artist_mbid AS UUID) AS artist_mbid,
    title_key(title::VARCHAR) AS title_key, after_bracket(title::VARCHAR) AS after_bracket
FROM frame
"""
_ARTIST_NAMES = """
CREATE OR REPLACE TEMP TABLE artist_names AS
SELECT DISTINCT track_id, name_key(name::VARCHAR) AS name_key FROM names WHERE name_key(name::VARCHAR) <> ''
"""
_OTHERS = """
CREATE OR REPLACE TEMP TABLE others AS
SELECT track_id::VARCHAR AS track_id, try_cast(mbid AS UUID) AS recording_mbid FROM recordings
"""
_BY_OTHERS = "SELECT track_id, recording_mbid FROM others"
_BY_MAPPING = f"""
{_BY_OTHERS}
UNION ALL
SELECT track_id, mapping.recording_mbid
FROM (
    SELECT track_id, track_id AS msd_id FROM songs
    UNION ALL
    SELECT track_id, song_id FROM songs
) JOIN mapped.mapping USING (msd_id)
"""
_NAMED = """
INSERT INTO named
SELECT DISTINCT track_id, coalesce(redirects.canonical, recording.recording_mbid)
FROM ({named}) AS recording
LEFT JOIN canonical.redirects ON redirects.recording_mbid = recording.recording_mbid
"""
_CANDIDATES = f"""
CREATE OR REPLACE TEMP TABLE candidates AS
WITH acts AS (
    SELECT track_id, credit, bool_or(by_id) AS by_id
    FROM (
        SELECT track_id, credit, true AS by_id FROM songs JOIN canonical.members USING (artist_mbid)
        UNION ALL
        SELECT track_id, credit, false FROM artist_names JOIN canonical.credits USING (name_key)
    )
    GROUP BY ALL
),
alike AS (
    SELECT song.track_id, by_id, recording.*
    FROM acts
    JOIN songs AS song USING (track_id)
    JOIN canonical.recordings AS recording USING (credit)
    WHERE recording.title_key = song.title_key
        OR recording.after_bracket = song.title_key
        OR recording.title_key = song.after_bracket
        OR recording.after_bracket = song.after_bracket
        OR (recording.title_key[1] = song.title_key[1] AND (
            recording.title_key[:{_BEGINNING}] = song.title_key[:{_BEGINNING}]
            OR jaro_winkler_similarity(recording.title_key, song.title_key) >= {_ALIKE}
        ))
    QUALIFY row_number() OVER (
        PARTITION BY song.track_id
        ORDER BY recording.title_key = song.title_key DESC, by_id DESC,
            jaro_winkler_similarity(lower(recording_name), lower(title)) DESC, score, recording_mbid
    ) <= {MOST}
),
either AS (
    SELECT *, if(by_id, 1, 2) AS found_by FROM alike
    UNION ALL
    SELECT track_id, coalesce(by_id, false), recording.*, 3
    FROM named
    JOIN canonical.recordings AS recording USING (recording_mbid)
    LEFT JOIN acts USING (track_id, credit)
)
SELECT
    track_id,
    recording_mbid,
    min(recording_name) AS recording_name,
    min(artist_credit_name) AS artist_credit_name,
    min(release_mbid) AS release_mbid,
    min(release_name) AS release_name,
    min(score) AS score,
    ['artist_mbid', 'name', 'mapping'][if(bool_or(by_id), 1, min(found_by))] AS found_by,
    max(found_by) = 3 AS mapped
FROM either
GROUP BY track_id, recording_mbid
"""
_MORE = """
LEFT JOIN (
    SELECT recording_mbid, list(DISTINCT {column} ORDER BY {column}) AS found
    FROM extra.{table} SEMI JOIN candidates USING (recording_mbid)
    GROUP BY recording_mbid
) AS {table} USING (recording_mbid)
"""

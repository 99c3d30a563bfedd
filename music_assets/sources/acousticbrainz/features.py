"""`AcousticBrainz`: features by MBID, from an index of the medians of all submissions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from music_assets.ids import MBID
from music_assets.sources import dumps
from music_assets.sources.dumps import DumpDamaged

VERSION = 1  # of the index
KINDS = ("rhythm", "tonal", "lowlevel")
_COLUMNS = ("recording_mbid", "tempo", "key", "scale", "danceability", "loudness", "submissions")
_KEYS = "C C# D Eb E F F# G Ab A Bb B".split()
_RESPELT = {"Db": "C#", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb"}  # versions of the extractor differ
_SLICES = 16  # by the first digit of the MBID: medians do not spill to the disk
# What is read of each file: its columns, as (CSV column, SQL of the value or NULL, type).
_READ = {
    "rhythm": (("bpm", "between 1 and 1000", "DOUBLE"), ("danceability", "between 0 and 10", "DOUBLE")),
    "tonal": (
        ("key_key", f"in {(*_KEYS, *_RESPELT)}", "VARCHAR"),
        ("key_scale", "in ('major', 'minor')", "VARCHAR"),
    ),
    "lowlevel": (("average_loudness", "between 0 and 1", "DOUBLE"),),
}


def find_files(folder: Path) -> list[Path]:
    """The files of the dump in a folder, of each kind the archive or else the CSV; as many as are there."""
    found = (
        sorted([*folder.rglob(f"*-{kind}.tar.zst")] or [*folder.rglob(f"*-{kind}.csv")])[-1:]
        for kind in KINDS
    )
    return [file for files in found for file in files]


class AcousticBrainz(dumps.Indexed):
    """AcousticBrainz's dump as the pipeline sees it; close it after use (a context manager too)."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        super().__init__(db)
        self.set_aside = dumps.count(db, "SELECT set_aside FROM counts")

    @classmethod
    def open(cls, files: Sequence[Path], cache: Path) -> AcousticBrainz:
        """Open the dump's files; they are indexed in the folder `cache` first where they are not yet.

        Raises:
            DumpDamaged: a file cannot be read to its end, or has another form than is known.
            IndexUnusable: the cache cannot be written or read.
        """
        return cls._open(cache / "acousticbrainz.duckdb", files, VERSION, partial(_build, files))

    def features(self, mbids: Iterable[str]) -> list[dict[str, Any]]:
        """The features of these recordings, by MBID in order; those without any are left out."""
        rows = self._db.execute(
            "SELECT * FROM features WHERE mbid IN (SELECT unnest(?)::UUID) ORDER BY mbid",
            [[mbid for mbid in mbids if MBID.fullmatch(mbid)]],
        ).fetchall()
        return [dict(zip(_COLUMNS, (str(mbid), *values), strict=True)) for mbid, *values in rows]


def _build(files: Sequence[Path], db: duckdb.DuckDBPyConnection, work: Path) -> None:
    odd = sum(_read(kind, [file for file in files if f"-{kind}." in file.name], db, work) for kind in KINDS)
    db.execute("CREATE TABLE counts AS SELECT ?::BIGINT AS set_aside", [odd + dumps.rejected(db)])
    db.execute(
        "CREATE TABLE features (mbid UUID, tempo DOUBLE, key VARCHAR, scale VARCHAR, danceability DOUBLE, "
        "loudness DOUBLE, submissions INTEGER)"
    )
    for number in range(_SLICES):
        db.execute(_MEDIANS.format(within=f"mbid BETWEEN '{number:x}{_LOW}' AND '{number:x}{_HIGH}'"))


_LOW, _HIGH = (f"{d * 7}-{d * 4}-{d * 4}-{d * 4}-{d * 12}" for d in "0f")
_MEDIANS = """
INSERT INTO features
WITH of_rhythm AS (
    SELECT mbid, median(bpm) AS tempo, median(danceability) AS danceability, count(*) AS submissions
    FROM rhythm WHERE {within} GROUP BY mbid
),
of_tonal AS (
    SELECT mbid, key_key, key_scale, sum(count(*)) OVER (PARTITION BY mbid) AS submissions
    FROM tonal WHERE {within} GROUP BY mbid, key_key, key_scale
    QUALIFY row_number() OVER (
        PARTITION BY mbid ORDER BY key_key IS NULL OR key_scale IS NULL, count(*) DESC, key_key, key_scale
    ) = 1
),
of_lowlevel AS (
    SELECT mbid, median(average_loudness) AS loudness, count(*) AS submissions
    FROM lowlevel WHERE {within} GROUP BY mbid
)
SELECT mbid, tempo, key_key, key_scale, danceability, loudness,
    greatest(of_rhythm.submissions, of_tonal.submissions, of_lowlevel.submissions)
FROM of_rhythm FULL JOIN of_tonal USING (mbid) FULL JOIN of_lowlevel USING (mbid)
WHERE coalesce(tempo, danceability, loudness) IS NOT NULL OR key_key IS NOT NULL
ORDER BY mbid
"""


def _read(kind: str, files: Sequence[Path], db: duckdb.DuckDBPyConnection, work: Path) -> int:
    """Fill the table of a kind from its file, which may be missing; how many rows had no MBID.

    A value that cannot be is NULL; a row without MBID is set aside, as is a line that is not CSV.
    """
    columns = _READ[kind]
    declared = ", ".join(f"{name} {type_}" for name, _, type_ in columns)
    db.execute(f"CREATE TEMP TABLE {kind} (mbid UUID, {declared})")
    if not files:
        return 0
    file, unpacked = files[0], files[0]
    if file.name.endswith(".tar.zst"):
        found = dumps.extract(file, ("*.csv",), work)
        if not found:
            raise DumpDamaged(file, "it holds no CSV")
        unpacked = found["*.csv"]
    rows = dumps.read_csv(db, unpacked, ("mbid", *(name for name, _, _ in columns)))
    # Without `trim` DuckDB would have its CSV reader cast, and leave a row out for one value.
    values = ", ".join(
        f"CASE WHEN {value} {holds} THEN {value} END AS {name}"
        for name, holds, type_ in columns
        for value in [f"try_cast(trim({name}) AS {type_})"]
    )
    db.execute(f"INSERT INTO {kind} SELECT try_cast(mbid AS UUID), {values} FROM {rows}")
    if file is not unpacked:
        unpacked.unlink()
    if kind == "tonal":
        for other, key in _RESPELT.items():
            db.execute("UPDATE tonal SET key_key = ? WHERE key_key = ?", [key, other])
    return dumps.count(db, f"DELETE FROM {kind} WHERE mbid IS NULL")

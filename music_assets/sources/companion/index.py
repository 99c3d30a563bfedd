"""`Companion`: what the companion sets have of tracks, from an index that is made of their files once."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import orjson

from music_assets.ids import MSD_SONG_ID
from music_assets.sources import dumps
from music_assets.sources.companion.readers import READERS, opened
from music_assets.sources.companion.sets import SETS

VERSION = 1  # of the index
_BATCH = 20_000  # rows inserted at once
_TASTE = "taste_profile"
# The plays of each song, and of lines that are odd their number; a user counts once, however often named.
_PLAYS = """
    CREATE TEMP TABLE counted AS
    SELECT CASE WHEN regexp_full_match(song_id, '{song}') AND plays > 0 THEN song_id END AS song_id,
        sum(plays)::BIGINT AS plays, count(DISTINCT hash(user_id)) AS users, count(*) AS lines
    FROM (SELECT user_id, song_id, try_cast(trim(plays, ' \r') AS INTEGER) AS plays FROM {lines})
    GROUP BY 1
"""


def find_files(folder: Path) -> list[Path]:
    """The files of companion sets in a folder, in the order of `SETS`; the unpacked before its ZIP."""
    found = []
    for name in (name for one in SETS.values() for name in one.files):
        packed = [f"{name}.zip"] if name.endswith((".txt", ".cls")) else []
        found += [place for one in (name, *packed) if (place := folder / one).is_file()][:1]
    return found


def set_of(file: Path) -> str:
    """The name of the set that a file belongs to."""
    names = {file.name, file.name.removesuffix(".zip")}
    return next(one.name for one in SETS.values() if names & {*one.files})


class Companion(dumps.Indexed):
    """The companion sets as the pipeline sees them; close it after use (a context manager too).

    `set_aside` says how many lines of each set could not be parsed.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        super().__init__(db)
        self.set_aside: dict[str, int] = dict(
            db.execute("SELECT name, lines FROM set_aside WHERE lines > 0").fetchall()
        )

    @classmethod
    def open(cls, files: Sequence[Path], cache: Path) -> Companion:
        """Open these files of `find_files`; they are indexed in the folder `cache` first if they are not yet.

        Raises:
            DumpDamaged: a file cannot be read to its end, or has another form than is known.
            IndexUnusable: the cache cannot be written or read.
        """
        return cls._open(cache / "companion.duckdb", files, VERSION, partial(_build, files))

    def rows(self, songs: Mapping[str, str | None]) -> dict[str, dict[str, dict[str, Any]]]:
        """By track id, and by set, what is known; `songs` has the song id of each track that is wanted.

        Several tracks may be of one song: what the Taste Profile has of it is given to each.
        """
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for track_id, name, row in self._db.execute(
            "SELECT track_id, name, row FROM of_track WHERE track_id IN (SELECT unnest(?))", [list(songs)]
        ).fetchall():
            found.setdefault(track_id, {}).setdefault(name, {}).update(orjson.loads(row))
        wanted = sorted({song_id for song_id in songs.values() if song_id})
        plays = {
            song_id: {"plays": plays, "users": users}
            for song_id, plays, users in self._db.execute(
                "SELECT * FROM plays WHERE song_id IN (SELECT unnest(?))", [wanted]
            ).fetchall()
        }
        for track_id, song_id in songs.items():
            if song_id in plays:
                found.setdefault(track_id, {})[_TASTE] = plays[song_id]
        return found


def _build(files: Sequence[Path], db: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Fill the index: what each file has of a track, as JSON; of several files of a set the first counts."""
    db.execute("CREATE TEMP TABLE landed (place INTEGER, track_id VARCHAR, name VARCHAR, row VARCHAR)")
    db.execute("CREATE TABLE plays (song_id VARCHAR, plays BIGINT, users BIGINT)")
    odd: Counter[str] = Counter()
    for place, file in enumerate(files):
        name = set_of(file)
        odd[name] += _count_plays(file, db, work) if name == _TASTE else _land(place, file, db)
    # Each of tagtraum's three files has a genre of its own: they do not repeat one another.
    db.execute("""
        CREATE TABLE of_track AS SELECT track_id, name, row FROM landed
        QUALIFY row_number() OVER (
            PARTITION BY track_id, name, CASE WHEN name = 'tagtraum' THEN place END ORDER BY place, row
        ) = 1
        ORDER BY track_id
    """)
    db.execute("CREATE TABLE set_aside (name VARCHAR, lines BIGINT)")
    db.executemany("INSERT INTO set_aside VALUES (?, ?)", [*odd.items(), ("", 0)])


def _land(place: int, file: Path, db: duckdb.DuckDBPyConnection) -> int:
    """Insert the rows of a file; how many lines were odd."""
    name = set_of(file)
    rows, odd = READERS[name](file), 0
    while batch := list(islice(rows, _BATCH)):
        good = [row for row in batch if row is not None]
        odd += len(batch) - len(good)
        ids = [row.pop("track_id") for row in good]
        texts = [orjson.dumps(row).decode() for row in good]
        db.execute("INSERT INTO landed SELECT ?, unnest(?), ?, unnest(?)", [place, ids, name, texts])
    return odd


def _count_plays(file: Path, db: duckdb.DuckDBPyConnection, work: Path) -> int:
    """Count the plays of the Taste Profile, three columns with tabs between them; how many lines were odd."""
    if file.suffix == ".zip":
        unpacked = work / file.name.removesuffix(".zip")
        with opened(file) as stream, unpacked.open("wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
        file = unpacked
    lines = (
        f"read_csv({dumps.quoted(escape(str(file)))}, columns = {{user_id: 'VARCHAR', song_id: 'VARCHAR', "
        "plays: 'VARCHAR'}, auto_detect = false, header = false, delim = '\t', quote = '', escape = '', "
        "strict_mode = false, ignore_errors = true, store_rejects = true, hive_partitioning = false)"
    )
    db.execute(_PLAYS.format(lines=lines, song=MSD_SONG_ID.pattern))
    db.execute("INSERT INTO plays SELECT song_id, plays, users FROM counted WHERE song_id IS NOT NULL")
    odd = dumps.count(db, "SELECT coalesce(sum(lines), 0) FROM counted WHERE song_id IS NULL")
    return odd + dumps.rejected(db)

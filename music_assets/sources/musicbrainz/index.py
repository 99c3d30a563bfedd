"""The indexes that are made of MusicBrainz's files, once each: tables for the join in `candidates`.

Of the canonical dump: `recordings`, `credits` (an artist credit by the key of its name), `members` (the
artists of a credit), `redirects`, and `counts`, which says how many rows were set aside. `mapping`: the MBIDs
that the 2016 mapping has by MSD id. `isrcs` and `spotify`: by recording, of the full dump.
"""

from __future__ import annotations

import bz2
import csv
from collections.abc import Iterator
from glob import escape
from itertools import islice
from pathlib import Path

import duckdb
import pandas as pd

from music_assets.ids import ISRC, MBID, MSD_SONG_ID, MSD_TRACK_ID, SPOTIFY_ID
from music_assets.sources import dumps
from music_assets.sources.dumps import DumpDamaged
from music_assets.sources.musicbrainz.files import CANONICAL, REDIRECTS

VERSION = 1  # of the indexes
# `name_key`: letters and digits of a name, without case, accents and a leading article. `title_key`: the same
# of a title, without what follows in brackets, after a dash or "feat.": equal for all versions of a song.
MACROS = r"""
CREATE TEMP MACRO name_key(name) AS regexp_replace(regexp_replace(replace(replace(replace(translate(
    strip_accents(lower(name)), 'øłđðı', 'olddi'), 'æ', 'ae'), 'ß', 'ss'), '&', ' and '),
    '^(the|an|a) ', ''), '[^\p{L}\p{N}]+', '', 'g');
CREATE TEMP MACRO bare(title) AS
    regexp_replace(title, '(.)(\s*[(\[{<].*|\s+[-–—~]\s.*|[\s_,]+(feat|ft|featuring)[. ].*)$', '\1', 'i');
CREATE TEMP MACRO title_key(title) AS
    coalesce(nullif(name_key(bare(title)), ''), nullif(name_key(title), ''), title);
CREATE TEMP MACRO after_bracket(title) AS
    CASE WHEN regexp_matches(title, '^\s*[(\[]') THEN
        nullif(name_key(bare(regexp_replace(title, '^\s*[(\[][^)\]]*[)\]]', ''))), '') END;
"""
_CANONICAL_COLUMNS = (
    "artist_credit_id artist_mbids artist_credit_name release_mbid release_name recording_mbid "
    "recording_name score"
).split()
_UUID = MBID.pattern
# The tables of the full dump that are read, and how many columns of each, from the first.
_FULL_TABLES = {"recording": 2, "isrc": 3, "url": 3, "l_recording_url": 4}
_BATCH = 100_000  # rows


def build_canonical(files: tuple[Path, ...], db: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Fill the index of the canonical dump."""
    found = {file.name: file for file in files}
    if CANONICAL not in found:
        found = dumps.extract(files[0], (CANONICAL, REDIRECTS), work)
    if CANONICAL not in found:
        raise DumpDamaged(files[0], f"it holds no {CANONICAL}")
    db.execute(MACROS)
    rows = dumps.read_csv(db, found[CANONICAL], _CANONICAL_COLUMNS)
    db.execute(
        "CREATE TABLE recordings AS SELECT try_cast(artist_credit_id AS INTEGER) AS credit, "
        "try_cast(recording_mbid AS UUID) AS recording_mbid, recording_name, artist_credit_name, "
        "try_cast(release_mbid AS UUID) AS release_mbid, release_name, try_cast(score AS BIGINT) AS score, "
        f"title_key(recording_name) AS title_key, after_bracket(recording_name) AS after_bracket FROM {rows}"
    )
    wrong = (
        "credit IS NULL OR recording_mbid IS NULL OR release_mbid IS NULL OR score IS NULL "
        "OR trim(coalesce(recording_name, '')) = '' OR trim(coalesce(artist_credit_name, '')) = ''"
    )
    set_aside = dumps.count(db, f"DELETE FROM recordings WHERE {wrong}")
    db.execute("CREATE TABLE counts AS SELECT ?::BIGINT AS set_aside", [set_aside + dumps.rejected(db)])
    db.execute(
        "CREATE TEMP TABLE credit AS SELECT DISTINCT try_cast(artist_credit_id AS INTEGER) AS credit, "
        f"artist_credit_name AS name, lower(artist_mbids) AS artist_mbids FROM {rows}"
    )
    db.execute(
        "CREATE TABLE credits AS SELECT DISTINCT credit, unnest([name_key(name), "
        r"name_key(regexp_replace(name, '[\s(]+(feat|ft|featuring)[. ].*$', '', 'i'))]) AS name_key "
        "FROM credit"
    )
    db.execute(
        "CREATE TABLE members AS SELECT DISTINCT credit, "
        f"unnest(regexp_extract_all(artist_mbids, '{_UUID}'))::UUID AS artist_mbid FROM credit"
    )
    db.execute("CREATE TABLE redirects (recording_mbid UUID, canonical UUID)")
    if REDIRECTS in found:
        rows = dumps.read_csv(db, found[REDIRECTS], ("recording_mbid", "canonical_recording_mbid"))
        db.execute(
            "INSERT INTO redirects SELECT try_cast(recording_mbid AS UUID) AS one, "
            f"try_cast(canonical_recording_mbid AS UUID) AS two FROM {rows} "
            "WHERE one IS NOT NULL AND two IS NOT NULL"
        )


def build_mapping(file: Path, db: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Fill the index of the 2016 mapping; rows that name no MSD id or no MBID are left out."""
    db.execute("CREATE TABLE mapping (msd_id VARCHAR, recording_mbid UUID)")
    try:
        with bz2.open(file, "rt", encoding="utf-8", errors="replace", newline="") as lines:
            rows = _mapped(csv.reader(line.replace("\0", "") for line in lines))
            while batch := list(islice(rows, _BATCH)):
                frame = pd.DataFrame(batch, columns=["msd_id", "mbid"])  # noqa: F841  # DuckDB reads it by name
                db.execute("INSERT INTO mapping SELECT msd_id, mbid::UUID FROM frame")
    except (OSError, EOFError) as error:
        raise DumpDamaged(file, str(error)) from error


def _mapped(rows: Iterator[list[str]]) -> Iterator[tuple[str, str]]:
    """MSD id and MBID of each row; whichever of the first two columns is which."""
    while True:
        try:
            one, two = (text.strip() for text in (*next(rows), "", "")[:2])
        except StopIteration:
            return
        except csv.Error:  # a field without end
            continue
        msd_id, mbid = (one, two) if one[:2].isupper() else (two, one)
        is_msd = MSD_TRACK_ID.fullmatch(msd_id) or MSD_SONG_ID.fullmatch(msd_id)
        if is_msd and MBID.fullmatch(mbid.lower()):
            yield msd_id, mbid.lower()


def build_full(file: Path, db: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Fill the index of the full dump: ISRCs and Spotify track ids by recording.

    Its tables have no header, and their columns may change with the schema: those that are read are compared
    with what they should hold, and a dump of another shape is refused.
    """
    found = dumps.extract(file, tuple(_FULL_TABLES), work)
    if missing := _FULL_TABLES.keys() - found.keys():
        raise DumpDamaged(file, f"it lacks the table {', '.join(sorted(missing))}")
    db.execute("CREATE SCHEMA dumped")
    for table, most in _FULL_TABLES.items():
        with found[table].open("rb") as opened:
            width = opened.readline(1 << 20).count(b"\t") + 1
        columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(max(width, most)))
        db.execute(
            f"CREATE VIEW dumped.{table} AS SELECT * FROM "
            f"read_csv({dumps.quoted(escape(str(found[table])))}, columns = {{{columns}}}, "
            r"delim = '\t', quote = '', escape = '', nullstr = '\N', auto_detect = false, header = false, "
            "ignore_errors = true, hive_partitioning = false)"
        )
    shapes = {
        "recording": rf"regexp_full_match(c0, '\d+') AND regexp_full_match(c1, '{_UUID}')",
        "isrc": rf"regexp_full_match(c1, '\d+') AND regexp_full_match(c2, '{ISRC.pattern}')",
        "url": r"regexp_full_match(c0, '\d+') AND c2 LIKE '%:%'",
        "l_recording_url": r"regexp_full_match(c2, '\d+') AND regexp_full_match(c3, '\d+')",
    }
    for table, holds in shapes.items():
        rows, fits = db.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {holds}) FROM (SELECT * FROM dumped.{table} LIMIT 1000)"
        ).fetchone() or (0, 0)
        if fits < 0.9 * rows:
            raise DumpDamaged(
                file, f"the columns of its table {table} are not those of the schema that is known"
            )
    db.execute(_ISRCS)
    db.execute(_SPOTIFY)
    db.execute("DROP SCHEMA dumped CASCADE")


_RECORDING = f"""
recording AS (
    SELECT try_cast(c0 AS BIGINT) AS id, c1::UUID AS recording_mbid
    FROM dumped.recording WHERE regexp_full_match(c1, '{_UUID}')
)
"""
_ISRCS = f"""
CREATE TABLE isrcs AS
WITH {_RECORDING}
SELECT recording_mbid, c2 AS isrc
FROM dumped.isrc JOIN recording ON recording.id = try_cast(c1 AS BIGINT)
WHERE regexp_full_match(c2, '{ISRC.pattern}')
"""
_SPOTIFY = rf"""
CREATE TABLE spotify AS
WITH {_RECORDING},
url AS (
    SELECT try_cast(c0 AS BIGINT) AS id, regexp_extract(
        c2, '^https?://open\.spotify\.com/(?:intl-[a-z]+/)?track/({SPOTIFY_ID.pattern})(?:[?#/].*)?$', 1
    ) AS spotify_track_id
    FROM dumped.url WHERE c2 LIKE '%open.spotify.com/%'
)
SELECT recording_mbid, spotify_track_id
FROM dumped.l_recording_url
JOIN recording ON recording.id = try_cast(c2 AS BIGINT)
JOIN url ON url.id = try_cast(c3 AS BIGINT)
WHERE spotify_track_id <> ''
"""

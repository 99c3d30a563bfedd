"""What must be true of published tables and what is worth a look, as SQL for any engine, from the declared
tables.

How these become Dagster's checks is in `tables`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from music_assets.report.directories import read_directories
from music_assets.tables import LOADS, PUBLISHED, key_columns
from music_assets.warehouse.published import reads

# Which published table's column must be found in which other's.
REFERENCES = [
    ("mapped.songs", "track_id", "msd.songs", "track_id"),
    ("mapped.songs", "spotify_track_id", "spotify.tracks", "spotify_track_id"),
    ("mapped.recordings", "track_id", "msd.songs", "track_id"),
    ("acousticbrainz.audio_features", "recording_mbid", "mapped.recordings", "recording_mbid"),
    ("mapped.artists", "artist_id", "msd.artists", "artist_id"),
    ("mapped.artists", "spotify_artist_id", "spotify.artists", "spotify_artist_id"),
    ("spotify.audio_features", "spotify_track_id", "spotify.tracks", "spotify_track_id"),
    ("msd.songs", "artist_id", "msd.artists", "artist_id"),
    ("companion.songs", "track_id", "msd.songs", "track_id"),
    ("msd.songs", "track_id", "analytics.songs", "track_id"),
    ("msd.artists", "artist_id", "analytics.artists", "artist_id"),
]

# Fewer rows than this share of those before are warned of, more pending songs than that share of all.
ROWS_WARN_BELOW = 0.95
PENDING_WARNS_ABOVE = 0.10
# A partition is odd whose match rate is both so many standard errors and so many points from that of all.
_STANDARD_ERRORS, _POINTS = 5.0, 0.05
# Years go on; what is announced for the next is there already.
_YEARS = {"year", "release_year"}
# Tables whose rows were fetched one by one.
_FETCHED = ("spotify.tracks", "spotify.artists", "spotify.audio_features")
_SONGS, _COMPANION = PUBLISHED["analytics.songs"], PUBLISHED["companion.songs"]


@dataclass(frozen=True)
class Rule:
    """What must be so: `broken` counts the rows that break it, `also` are the other tables it reads."""

    name: str
    description: str
    broken: Select[Any]
    also: tuple[Table, ...] = ()


def blocking_rules(table: Table) -> list[Rule]:
    """What must be so for readers to get this table."""
    references = [_reference(*reference) for reference in REFERENCES if _last(reference) is table]
    staged = [read for read in reads(table.fullname) if read.schema == "staging"]
    return [_key(table), *references, *([_complete(staged)] if staged else [])]


@dataclass(frozen=True)
class Finding:
    """The result of a warning: whether all is well, in words, and the numbers behind it."""

    passed: bool
    message: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Warned:
    """What is worth a look and blocks nothing; `find` looks, in one or two statements."""

    name: str
    description: str
    find: Callable[[Connection], Finding]


def warnings(table: Table, retention_days: int) -> list[Warned]:
    """What is worth a look in this table."""
    found = []
    if ranges := _out_of_range(table):
        found.append(
            Warned(
                "values_are_in_range",
                "Every value is in the range its column declares (docs/data_dictionary.md). Outliers are "
                "published as they came: look at some of them, and either leave them out of a study or "
                "widen the range.",
                lambda connection: _ranges(connection, ranges),
            )
        )
    if table is _SONGS:
        found += [
            Warned(
                "match_rates_are_alike",
                "No partition's match rate is far from that of all: the letters mean nothing musically, so "
                "one that differs was searched, read or matched differently. Materialize it again from "
                "`msd_songs` on.",
                _odd_partitions,
            ),
            Warned(
                "few_songs_are_pending",
                f"At most {PENDING_WARNS_ABOVE:.0%} of the songs are still pending. Nothing is wrong where "
                "more are: run `ask` whenever the request budget is back, or switch `keep_going` on, which "
                "does.",
                _pending,
            ),
        ]
    if table is _COMPANION:
        found.append(
            Warned(
                "covers_are_matched_apart",
                "No two covers of SecondHandSongs are matched to the same Spotify track, of one work or of "
                "two: one at most is matched right. `shs_conflict` marks them. Look at them with "
                "`music-assets explain`, and correct what is wrong (MUSIC_ASSETS_OVERRIDES).",
                _covers,
            )
        )
    if table.fullname in _FETCHED:
        found.append(
            Warned(
                "values_are_fresh",
                f"No value of Spotify's is older than {retention_days} days (MUSIC_ASSETS_RETENTION_DAYS). "
                "Refresh what is older, or leave it out: Spotify's terms do not allow keeping it without "
                "end.",
                lambda connection: _old(connection, table, retention_days),
            )
        )
    return found


def _out_of_range(table: Table) -> list[ColumnElement[Any]]:
    """For each column with a declared range, how many rows are outside."""
    counts: list[ColumnElement[Any]] = []
    for column in table.columns:
        low, high = column.info["low"], column.info["high"]
        if column.name in _YEARS:
            high = datetime.now(UTC).year + 1
        outside = [column < low] if low is not None else []
        outside += [column > high] if high is not None else []
        if outside:
            counts.append(func.sum(case((or_(*outside), 1), else_=0)).label(column.name))
    return counts


def _ranges(connection: Connection, counts: list[ColumnElement[Any]]) -> Finding:
    row = connection.execute(select(*counts)).mappings().one()
    wrong = {str(name): int(count) for name, count in row.items() if count}
    message = ", ".join(f"{name} in {count:,} rows" for name, count in wrong.items())
    return Finding(not wrong, message or "all are", {"columns": wrong})


def _odd_partitions(connection: Connection) -> Finding:
    """Rates are of the songs with a response. How far chance may go depends on how many a partition has."""
    directories = [one for one in read_directories(connection) if one.answered]
    answered = sum(one.answered for one in directories)
    rate = sum(one.matched for one in directories) / answered if answered else 0.0
    odd = {}
    for one in directories:
        chance = sqrt(rate * (1 - rate) / one.answered)
        if abs(one.rate - rate) > max(_POINTS, _STANDARD_ERRORS * chance):
            odd[one.key] = round(one.rate, 4)
    shown = ", ".join(f"{name} {share:.1%}" for name, share in odd.items())
    message = f"{rate:.1%} in all" + (f", {shown}" if odd else "")
    return Finding(not odd, message, {"rate": round(rate, 4), "odd": odd})


def _covers(connection: Connection) -> Finding:
    kind = _COMPANION.c.shs_conflict
    query = select(kind, func.count()).where(kind.is_not(None)).group_by(kind)
    counts = {str(row[0]): int(row[1]) for row in connection.execute(query)}
    same, other = counts.get("same_track", 0), counts.get("other_work", 0)
    message = f"{same:,} share a Spotify track with another cover of the work, {other:,} with one of another"
    return Finding(not counts, message, {"same_track": same, "other_work": other})


def _pending(connection: Connection) -> Finding:
    pending = func.sum(case((_SONGS.c.match_status == "pending", 1), else_=0))
    row = connection.execute(select(pending, func.count()).select_from(_SONGS)).one()
    count, songs = int(row[0] or 0), int(row[1])
    share = count / max(songs, 1)
    message = f"{count:,} of {songs:,} songs are pending"
    return Finding(share <= PENDING_WARNS_ABOVE, message, {"pending": count, "share": round(share, 4)})


def _old(connection: Connection, table: Table, retention_days: int) -> Finding:
    oldest = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=retention_days)
    query = select(func.count()).select_from(table).where(table.c.fetched_at < oldest)
    count = int(connection.execute(query).scalar_one())
    return Finding(count == 0, f"{count:,} rows are older", {"rows": count})


def _key(table: Table) -> Rule:
    keys = [table.c[name] for name in key_columns(table)]
    twice = select(*keys).group_by(*keys).having(func.count() > 1)
    missing = select(*keys).where(or_(*(key.is_(None) for key in keys if not key.nullable)))
    names = ", ".join(key.name for key in keys)
    return Rule(
        "key_is_unique",
        f"Every row has its own {names}, none is missing. If not, a staged file was loaded twice or two "
        "partitions hold the same song: compare `slice` in the staging tables, and load the partitions "
        "again.",
        select(func.count()).select_from(twice.union_all(missing).subquery()),
    )


def _last(reference: tuple[str, str, str, str]) -> Table:
    """The table a reference is checked on: the one filled last. A check must not wait for what it blocks."""
    order = list(PUBLISHED)
    return PUBLISHED[max(reference[0], reference[2], key=order.index)]


def _reference(table: str, column: str, other: str, other_column: str) -> Rule:
    one, two = PUBLISHED[table], PUBLISHED[other]
    known = select(two.c[other_column]).where(two.c[other_column] == one.c[column]).exists()
    last = _last((table, column, other, other_column))
    return Rule(
        f"{table}_{column}_is_in_{other}".replace(".", "_"),
        f"Every {column} of {table} is a row of {other}. If not, a partition was loaded in part: materialize "
        "`match_and_load` for those that the run named, or for all.",
        select(func.count()).select_from(one).where(and_(one.c[column].is_not(None), ~known)),
        also=(two if last is one else one,),
    )


def _complete(staged: list[Table]) -> Rule:
    """Staging tables hold as many rows as were loaded, by the manifests of their files."""
    differing: ColumnElement[Any] = literal(0)
    for table in staged:
        held = select(func.count()).select_from(table).scalar_subquery()
        loaded = select(func.sum(LOADS.c.rows)).where(LOADS.c.table == table.name).scalar_subquery()
        differing += func.abs(held - func.coalesce(cast(loaded, BigInteger), 0))
    names = ", ".join(f"`{table.fullname}`" for table in staged)
    return Rule(
        "rows_are_those_loaded",
        f"{names}: as many rows as the manifests of the loaded files say (`meta.loads`). If not, somebody "
        "else wrote to it: remove its lines from `meta.loads`, and the next run loads it again.",
        select(differing),
    )

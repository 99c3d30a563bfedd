"""What the checks of the published tables count, as SQL for any engine, made from the declared tables.

How a count becomes a check, and what each says, is in `tables`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
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

from music_assets.tables import LOADS, PUBLISHED, key_columns
from music_assets.warehouse.published import reads

# Which published table's column must be found in which other's.
REFERENCES = [
    ("mapped.songs", "track_id", "msd.songs", "track_id"),
    ("mapped.songs", "spotify_track_id", "spotify.tracks", "spotify_track_id"),
    ("mapped.artists", "artist_id", "msd.artists", "artist_id"),
    ("mapped.artists", "spotify_artist_id", "spotify.artists", "spotify_artist_id"),
    ("spotify.audio_features", "spotify_track_id", "spotify.tracks", "spotify_track_id"),
    ("msd.songs", "artist_id", "msd.artists", "artist_id"),
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
# Tables whose age is told: a row is a thing of Spotify's, as it was fetched.
_AGED = ("spotify.tracks", "spotify.artists", "spotify.audio_features")


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


def out_of_range(table: Table) -> list[ColumnElement[Any]]:
    """For each column with a declared range, how many rows lie outside."""
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


def odd_partitions(connection: Connection) -> tuple[dict[str, float], float]:
    """Partitions whose match rate is far from that of all, with theirs; and that of all.

    Rates are of the songs that were answered. How far chance may go depends on how many a partition has.
    """
    songs = PUBLISHED["analytics.songs"]
    partition = func.substr(songs.c.track_id, 3, 2)
    matched = func.sum(case((songs.c.match_status == "matched", 1), else_=0))
    rows = connection.execute(
        select(partition, matched, func.count())
        .where(songs.c.match_status.not_in(("pending", "error")))
        .group_by(partition)
    ).all()
    answered = sum(int(row[2]) for row in rows)
    rate = sum(int(row[1]) for row in rows) / answered if answered else 0.0
    odd = {}
    for name, mine, of in sorted(tuple(row) for row in rows):
        chance = sqrt(rate * (1 - rate) / of)
        if abs(mine / of - rate) > max(_POINTS, _STANDARD_ERRORS * chance):
            odd[str(name)] = mine / of
    return odd, rate


def pending_share(connection: Connection) -> tuple[int, int]:
    """How many songs are pending, of how many."""
    songs = PUBLISHED["analytics.songs"]
    pending = func.sum(case((songs.c.match_status == "pending", 1), else_=0))
    row = connection.execute(select(pending, func.count()).select_from(songs)).one()
    return int(row[0] or 0), int(row[1])


def old_rows(table: Table, retention_days: int) -> Select[Any] | None:
    """How many rows were fetched longer ago than this; None for a table that tells nothing of it."""
    if table.fullname not in _AGED:
        return None
    oldest = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=retention_days)
    return select(func.count()).select_from(table).where(table.c.fetched_at < oldest)


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
        f"Every {column} of {table} is a row of {other}. If not, a partition was loaded in part: materialise "
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
        differing += func.abs(held - func.coalesce(cast(loaded, Integer), 0))
    names = ", ".join(f"`{table.fullname}`" for table in staged)
    return Rule(
        "rows_are_those_loaded",
        f"{names}: as many rows as the manifests of the loaded files say (`meta.loads`). If not, somebody "
        "else wrote to it: remove its lines from `meta.loads`, and the next run loads it again.",
        select(differing),
    )

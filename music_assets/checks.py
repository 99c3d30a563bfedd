"""What must be true of the published tables before readers get them.

Made from the declared tables: keys are there and unique, mappings point at rows that exist, and
`analytics.songs` has every track once. What must be true of a file before it is loaded is the gate's matter
(`music_assets.warehouse.gate`).
"""

from typing import Any

from dagster import AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, asset_check
from sqlalchemy import Select, Table, and_, func, or_, select

from music_assets.assets.warehouse import table_key
from music_assets.resources import WarehouseResource
from music_assets.warehouse.schema import PUBLISHED, key_columns

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


def _check(
    table: Table, name: str, description: str, wrong: Select[Any], also: tuple[Table, ...] = ()
) -> AssetChecksDefinition:
    """A blocking check of `table` that `wrong`, a count, is zero; `also` are other tables it reads."""

    @asset_check(
        asset=table_key(table),
        name=name,
        description=description,
        blocking=True,
        additional_deps=[table_key(other) for other in also],
    )
    def check(warehouse: WarehouseResource) -> AssetCheckResult:
        with warehouse.open().transaction(f"checking {table.fullname}") as connection:
            count = int(connection.execute(wrong).scalar_one())
        return AssetCheckResult(
            passed=count == 0, severity=AssetCheckSeverity.ERROR, metadata={"rows": count}
        )

    return check


def _key_is_unique(table: Table) -> AssetChecksDefinition:
    keys = [table.c[name] for name in key_columns(table)]
    twice = select(*keys).group_by(*keys).having(func.count() > 1)
    missing = select(*keys).where(or_(*(key.is_(None) for key in keys if not key.nullable)))
    wrong = select(func.count()).select_from(twice.union_all(missing).subquery())
    names = ", ".join(key.name for key in keys)
    return _check(table, "key_is_unique", f"Every row has its own {names}, none is missing.", wrong)


def _points_at_rows(table: str, column: str, other: str, other_column: str) -> AssetChecksDefinition:
    one, two = PUBLISHED[table], PUBLISHED[other]
    known = select(two.c[other_column]).where(two.c[other_column] == one.c[column]).exists()
    wrong = select(func.count()).select_from(one).where(and_(one.c[column].is_not(None), ~known))
    # On the one that is filled last: a blocking check must not wait for what it blocks.
    last, first = (one, two) if list(PUBLISHED).index(table) > list(PUBLISHED).index(other) else (two, one)
    name = f"{table}_{column}_is_in_{other}".replace(".", "_")
    return _check(last, name, f"Every {column} of {table} is a row of {other}.", wrong, also=(first,))


checks = [
    *(_key_is_unique(table) for table in PUBLISHED.values()),
    *(_points_at_rows(*reference) for reference in REFERENCES),
]

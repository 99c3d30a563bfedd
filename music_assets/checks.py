"""What must be true of the published tables before readers get them.

Made from the declared tables: keys are there and unique, mappings point at rows that exist, and
`analytics.songs` has every track once. These block; `rescoring_keeps_matches` only warns, of a matcher that
loses what was matched before. What must be true of a file before it is loaded is the gate's matter
(`music_assets.warehouse.gate`).
"""

from collections import Counter
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    MetadataValue,
    asset_check,
)
from sqlalchemy import Select, Table, and_, func, or_, select

from music_assets.assets.common import listed
from music_assets.assets.warehouse import table_key
from music_assets.partitions import KEYS, partitions_of
from music_assets.resources import StagingResource, WarehouseResource
from music_assets.warehouse.schema import PUBLISHED, key_columns

# Of the songs matched before: a re-scoring that loses or switches more than this share is warned of.
RESCORING_WARNS_ABOVE = 0.02

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


@asset_check(
    asset="mapped_songs",
    description=(
        f"Of the songs matched before, those that the last making lost or gave another track are at most "
        f"{RESCORING_WARNS_ABOVE:.0%}. A warning is a reason to look at a few before the tables are used."
    ),
)
def rescoring_keeps_matches(
    context: AssetCheckExecutionContext, staging: StagingResource
) -> AssetCheckResult:
    """What this run's re-scoring changed, or, evaluated alone, the last one of every partition."""
    store, keys = staging.store(), partitions_of(context.run.tags)
    receipts = [store.receipt("mapped_songs", key) for key in keys or KEYS]
    total: Counter[str] = Counter()
    examples: dict[str, list[str]] = {"lost": [], "switched": []}
    for receipt in receipts:
        changed = receipt.facts.get("rescored") if receipt else None
        if receipt is None or changed is None or (keys and receipt.run_id != context.run.run_id):
            continue
        total.update(
            {name: changed[name] for name in ("matched_before", "newly_matched", "lost", "switched")}
        )
        for name, found in examples.items():
            found += changed["such_as"][name]
    share = (total["lost"] + total["switched"]) / max(total["matched_before"], 1)
    return AssetCheckResult(
        passed=share <= RESCORING_WARNS_ABOVE,
        severity=AssetCheckSeverity.WARN,
        description=(
            f"{total['newly_matched']:,} newly matched; of {total['matched_before']:,} matched before "
            f"{total['lost']:,} lost and {total['switched']:,} switched to another track"
        ),
        metadata={
            **{name: total[name] for name in ("matched_before", "newly_matched", "lost", "switched")},
            "share_lost_or_switched": round(share, 4),
            "such_as": MetadataValue.json({name: listed(found) for name, found in examples.items()}),
        },
    )


checks = [
    rescoring_keeps_matches,
    *(_key_is_unique(table) for table in PUBLISHED.values()),
    *(_points_at_rows(*reference) for reference in REFERENCES),
]

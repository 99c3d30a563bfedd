"""What the asset modules share: how an asset is described from the declared tables.

No asset stands here; each stage has a module of its own.
"""

from collections.abc import Callable
from typing import Any

from dagster import AssetExecutionContext, AssetKey, TableColumn, TableColumnConstraints, TableSchema
from sqlalchemy import Table

from music_assets.defs.partitions import backfill_policy, msd_directories
from music_assets.defs.slices import Metadata
from music_assets.tables import SPOTIFY as SPOTIFY_TERMS
from music_assets.tables import STAGED

OWNERS = ["team:music-assets"]

# The stages, in the order the data flows; the UI groups the graph by them.
MSD, SPOTIFY, MAPPING, GATE, STAGING, REFRESH, PUBLISHED = (
    "msd",
    "spotify",
    "mapping",
    "staged_json",
    "staging",
    "refresh",
    "published",
)

# Lists longer than this are cut in metadata: the event log is no place for a thousand paths.
MOST_LISTED = 50


def column_schema(table: Table) -> TableSchema:
    """A declared table as Dagster's UI shows it."""
    return TableSchema(
        columns=[
            TableColumn(
                name=column.name,
                type=str(column.type),
                description=_described(column.comment, column.info.get("unit")),
                constraints=TableColumnConstraints(nullable=bool(column.nullable)),
            )
            for column in table.columns
        ]
    )


def terms_of(table: Table) -> dict[str, str]:
    """A tag that says whose terms a table's rows stand under: Spotify's, where it holds any of theirs."""
    spotify = any(column.info["source"] == SPOTIFY_TERMS for column in table.columns)
    return {"terms": "spotify" if spotify else "msd"}


def definition_metadata(table: Table, **more: Any) -> dict[str, Any]:
    """Metadata of an asset that is known before it is ever made."""
    return {"dagster/column_schema": column_schema(table), **more}


def staged_kind(name: str, *, group: str, kinds: set[str], code_version: str, **tags: str) -> dict[str, Any]:
    """What all assets that are staged as JSON Lines have in common, as arguments of `@asset`."""
    table = STAGED[name]
    return {
        "group_name": group,
        "owners": OWNERS,
        "kinds": kinds | {"json"},
        "tags": terms_of(table) | tags,
        "code_version": code_version,
        "metadata": definition_metadata(table),
        "partitions_def": msd_directories,
        "backfill_policy": backfill_policy,
        "io_manager_key": "json_lines",
    }


def reporter(context: AssetExecutionContext, asset: AssetKey | str) -> Callable[[str, Metadata], None]:
    """How partition metadata of one asset reaches Dagster's event log."""

    def report(partition_key: str, metadata: Metadata) -> None:
        context.add_asset_metadata(metadata, asset_key=asset, partition_key=partition_key)

    return report


def listed(found: list[Any]) -> list[Any]:
    """The first of a list, and how many were left out."""
    left_out = len(found) - MOST_LISTED
    return found if left_out <= 0 else [*found[:MOST_LISTED], f"… and {left_out} more"]


def _described(comment: str | None, unit: str | None) -> str:
    return f"{comment} In {unit}." if unit else (comment or "")

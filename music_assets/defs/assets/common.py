"""What the asset modules share: how an asset is described from the declared tables.

No asset is declared here; each step of the flow has a module of its own.
"""

import warnings
from typing import Any

from dagster import (
    AssetKey,
    AssetSpec,
    BetaWarning,
    CodeReferencesMetadataValue,
    LocalFileCodeReference,
    TableColumn,
    TableColumnConstraints,
    TableSchema,
)
from sqlalchemy import Table

from music_assets.tables import METADATA
from music_assets.tables import MSD as MSD_TERMS
from music_assets.tables import SPOTIFY as SPOTIFY_TERMS

OWNERS = ["team:music-assets"]

# The groups of the graph, in the order the data flows; published tables are grouped by schema below the last.
MSD, OPEN, SPOTIFY, MAPPING = "stages/msd", "stages/open", "stages/spotify", "stages/mapping"
STAGED_JSON, STAGING, REFRESH, PUBLISHED = "staging/json", "staging/tables", "refresh", "published"

# The pools of what is scarce, with how many runs may take from each at a time; the others wait in the queue.
# ListenBrainz has a rate and no quota, and what it is asked is asked beside the reading of the MSD.
SPOTIFY_REQUESTS, LISTENBRAINZ_REQUESTS = "spotify_requests", "listenbrainz_requests"
POOLS = {SPOTIFY_REQUESTS: 1, LISTENBRAINZ_REQUESTS: 3}

warnings.filterwarnings("ignore", message="Class `(CodeRef|LocalFileCodeRef)", category=BetaWarning)

# Lists longer than this are cut in metadata: the event log is not for a thousand paths.
MOST_LISTED = 50


def table_key(table: Table) -> AssetKey:
    """The asset that fills a table."""
    return AssetKey(["warehouse", table.schema or "", table.name])


def column_schema(table: Table) -> TableSchema:
    """A declared table as Dagster's UI shows it."""
    return TableSchema(
        columns=[
            TableColumn(
                name=column.name,
                type=str(column.type),
                description=column.comment or "",
                constraints=TableColumnConstraints(nullable=bool(column.nullable)),
            )
            for column in table.columns
        ]
    )


def terms_of(table: Table) -> dict[str, str]:
    """A tag that says whose terms a table's rows are under, the strictest of its columns': Spotify's, the
    MSD's, or none (`open`)."""
    sources = {column.info["source"] for column in table.columns}
    return {"terms": "spotify" if SPOTIFY_TERMS in sources else "msd" if MSD_TERMS in sources else "open"}


def definition_metadata(table: Table, **more: Any) -> dict[str, Any]:
    """Metadata of an asset that is known before it is materialized."""
    return {"dagster/column_schema": column_schema(table), **more}


def code_reference(file: str, line: int = 1, label: str | None = None) -> dict[str, Any]:
    """Metadata by which the UI opens the code of an asset."""
    found = LocalFileCodeReference(file_path=file, line_number=line, label=label)
    return {"dagster/code_references": CodeReferencesMetadataValue(code_references=[found])}


def staged_spec(
    kind: str,
    *,
    group: str,
    kinds: set[str],
    tags: dict[str, str] | None = None,
    metadata: dict[str, Any] | None = None,
    **more: Any,
) -> AssetSpec:
    """The asset of a staged kind, as the UI shows it; read and written through the IO manager for JSON
    Lines."""
    table = METADATA.tables[f"staging.{kind}"]
    return AssetSpec(
        kind,
        group_name=group,
        owners=OWNERS,
        kinds=kinds | {"json"},
        tags=terms_of(table) | (tags or {}),
        metadata=definition_metadata(table, **(metadata or {})),
        **more,
    ).with_io_manager_key("json_lines")


def listed(found: list[Any]) -> list[Any]:
    """The first of a list, and how many were left out."""
    left_out = len(found) - MOST_LISTED
    return found if left_out <= 0 else [*found[:MOST_LISTED], f"… and {left_out} more"]

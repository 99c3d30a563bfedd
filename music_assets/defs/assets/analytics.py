"""The wide tables most people query, and the copy they read.

What is joined to what is in `music_assets.warehouse.published`.
"""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, asset

from music_assets.defs.assets.common import OWNERS, PUBLISHED
from music_assets.defs.assets.warehouse import table_asset, table_key
from music_assets.defs.resources import WarehouseResource
from music_assets.progress import advanced
from music_assets.tables import PUBLISHED as TABLES

tables = [
    table_asset(
        "analytics.songs",
        "Every MSD track once, wide: its match on Spotify or why there is none, popularity, album, and audio "
        "features beside the MSD's own. Start here.",
    ),
    table_asset(
        "analytics.artists",
        "Every MSD artist once with its Spotify artist, genres, popularity and how many songs were matched.",
    ),
]


@asset(
    deps=[table_key(table) for table in TABLES.values()],
    group_name=PUBLISHED,
    owners=OWNERS,
    kinds={"duckdb"},
    description=(
        "The copy that people read, swapped whole at the end of a run, so that any number of readers never "
        "meets the writer. On Redshift the tables themselves are read and this does nothing."
    ),
)
def published_copy(context: AssetExecutionContext, warehouse: WarehouseResource) -> MaterializeResult[None]:
    path = warehouse.open().publish()
    advanced("published tables", "published copy", 1, 1)
    if path is None:
        return MaterializeResult(metadata={"path": "readers use the warehouse itself"})
    return MaterializeResult(metadata={"path": MetadataValue.path(str(path)), "bytes": path.stat().st_size})

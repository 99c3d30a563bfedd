"""The published tables of `msd`, `spotify` and `mapped`: one asset per table, its query in `warehouse/sql`.

The wide tables that most people query are in `analytics`; both come from the factory here.
"""

from typing import Any

from dagster import AssetKey, AssetsDefinition, asset
from sqlalchemy import Table

from music_assets import tables as declared
from music_assets.defs.assets.common import OWNERS, PUBLISHED, definition_metadata, terms_of
from music_assets.warehouse.engine import Append
from music_assets.warehouse.published import APPENDED, query, reads

CODE_VERSION = "1"


def table_key(table: Table) -> AssetKey:
    """The asset that fills a table."""
    return AssetKey(["warehouse", table.schema or "", table.name])


def table_asset(name: str, description: str) -> AssetsDefinition:
    """The asset that fills the published table `name` (`<schema>.<table>`) from those it reads."""
    table = declared.PUBLISHED[name]

    @asset(
        key=table_key(table),
        deps=sorted({table_key(read) for read in reads(name)}),
        io_manager_key="warehouse_tables",
        group_name=PUBLISHED,
        owners=OWNERS,
        kinds={"sql", "table"},
        tags=terms_of(table),
        code_version=CODE_VERSION,
        metadata=definition_metadata(table, **{"dagster/table_name": name}),
        description=description,
    )
    def published_table() -> Any:  # Dagster takes no union of classes
        return Append(query(name)) if name in APPENDED else query(name)

    return published_table


tables = [
    table_asset("msd.songs", "Every MSD track once: the dataset's own fields, unknowns as NULL."),
    table_asset("msd.artists", "Every MSD artist once, brought together from all partitions, with its tags."),
    table_asset("spotify.tracks", "Every Spotify track met, as the newest answer has it."),
    table_asset("spotify.artists", "Every Spotify artist of a match, as the newest answer has it."),
    table_asset("spotify.audio_features", "Audio features of the matches, and who gave them."),
    table_asset(
        "spotify.popularity_history",
        "Popularity by day, of tracks and artists. What a day brought is added and stays, whatever becomes "
        "of the staged rows it came with.",
    ),
    table_asset(
        "spotify.artist_releases", "What matched artists have released since 2011, as last listed for them."
    ),
    table_asset("mapped.songs", "Every candidate for every MSD track: score, margin, status and reasons."),
    table_asset(
        "mapped.artists", "Which Spotify artist an MSD artist is, by the votes of its matched songs."
    ),
]

"""The published tables, one asset each, and the copy of them that people read.

A table's query is in `music_assets/warehouse/sql`, its columns and what it is in `music_assets.tables`.
"""

from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    TableColumnDep,
    TableColumnLineage,
    asset,
)
from sqlalchemy import Table

from music_assets.defs.assets.common import (
    OWNERS,
    PUBLISHED,
    code_reference,
    definition_metadata,
    table_key,
    terms_of,
)
from music_assets.defs.checks import OTHERS_LOAD, are_torn, referred_to
from music_assets.defs.resources import WarehouseResource
from music_assets.progress import advanced
from music_assets.staging.store import fingerprint
from music_assets.tables import METADATA
from music_assets.tables import PUBLISHED as TABLES
from music_assets.warehouse.published import column_sources, reads, sql, sql_file


def _table_asset(name: str, table: Table) -> AssetsDefinition:
    @asset(
        key=table_key(table),
        deps=sorted({table_key(read) for read in reads(name)} | referred_to(table)),
        io_manager_key="warehouse_tables",
        group_name=f"{PUBLISHED}/{table.schema}",
        owners=OWNERS,
        kinds={"sql", "table"},
        tags=terms_of(table),
        code_version=fingerprint(sql(name)),
        metadata=definition_metadata(
            table, **{"dagster/table_name": name}, **code_reference(str(sql_file(name)), label="SQL")
        ),
        description=table.comment,
    )
    def published_table(context: AssetExecutionContext) -> Any:  # the type of an output would be checked
        context.add_asset_metadata({"dagster/column_lineage": column_lineage(name)})
        return table

    return published_table


def column_lineage(name: str) -> TableColumnLineage:
    """Which columns of its inputs each column of a table comes from, for the UI."""
    return TableColumnLineage(
        {
            column: [TableColumnDep(table_key(METADATA.tables[table]), source) for table, source in sources]
            for column, sources in column_sources(name).items()
        }
    )


published_tables = {name: _table_asset(name, table) for name, table in TABLES.items()}


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
    opened = warehouse.open()
    if opened.is_local:
        with opened.transaction("looking whether the tables agree") as connection:
            torn = are_torn(connection, context.instance, context.run.run_id)
        if torn:
            return MaterializeResult(metadata={"path": f"readers keep the copy they have. {OTHERS_LOAD}"})
    path = opened.publish()
    advanced("published tables", "published copy", 1, 1)
    if path is None:
        return MaterializeResult(metadata={"path": "readers use the warehouse itself"})
    return MaterializeResult(metadata={"path": MetadataValue.path(str(path)), "bytes": path.stat().st_size})

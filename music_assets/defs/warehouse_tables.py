"""The IO manager of table assets: it makes relations real in the warehouse.

An asset returns what its table should hold, a `CopyFrom` of staged files or a `select()`, or what is to be
added to it, an `Append`; rows never pass through Python. The engines are in `music_assets.warehouse`.
"""

from typing import Any

import pandas as pd
from dagster import AssetKey, ConfigurableIOManager, InputContext, OutputContext, ResourceDependency
from sqlalchemy import Select, Table, select

from music_assets.defs.resources import WarehouseResource
from music_assets.progress import advanced
from music_assets.tables import METADATA
from music_assets.warehouse.engine import Append
from music_assets.warehouse.manifest import CopyFrom


class WarehouseIOManager(ConfigurableIOManager):
    """Keeps an asset `warehouse/<schema>/<table>` as that table."""

    warehouse: ResourceDependency[WarehouseResource]

    def handle_output(self, context: OutputContext, obj: CopyFrom | Append | Select[Any]) -> None:
        warehouse = self.warehouse.open()
        table = table_of(context.asset_key)
        if isinstance(obj, CopyFrom):
            done = warehouse.load(obj, context.run_id)
            if done.protected:
                context.log.warning(
                    "%s: %d filled partitions were not replaced by empty files: %s",
                    table.fullname,
                    len(done.protected),
                    ", ".join(done.protected),
                )
            context.add_output_metadata(
                {
                    "partitions_loaded": len(done.loaded),
                    "partitions_unchanged": len(done.unchanged),
                    "partitions_protected": len(done.protected),
                }
            )
            advanced("staging tables", table.name, 1, 1, sum(done.loaded.values()), kept=not done.loaded)
        else:
            rows = (
                warehouse.append(table, obj.rows) if isinstance(obj, Append) else warehouse.fill(table, obj)
            )
            context.add_output_metadata({"dagster/row_count": rows})
            advanced("published tables", table.fullname, 1, 1, rows)

    def load_input(self, context: InputContext) -> pd.DataFrame:
        """The table as a frame: for notebooks and ad hoc assets; ours read tables by SQL."""
        table = table_of(context.asset_key)
        with self.warehouse.open().transaction(f"reading {table.fullname}") as connection:
            return pd.read_sql(select(table), connection)


def table_of(key: AssetKey) -> Table:
    """The table an asset `warehouse/<schema>/<table>` keeps."""
    _, schema, name = key.path
    return METADATA.tables[f"{schema}.{name}"]

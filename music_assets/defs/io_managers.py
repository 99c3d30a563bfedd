"""The IO managers: staged files and warehouse tables as assets return and receive them.

An asset that reads a staged kind gets a pandas frame where it takes one partition, and a mapping of frames by
partition key where it takes several; what it returns in these forms is staged the same way. An asset that
reads a table gets it as a frame. Stages read and write their files themselves, one partition at a time
(`stages`); staging and published tables are filled by SQL, so their rows never pass through Python.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from dagster import (
    AssetKey,
    ConfigurableIOManager,
    Failure,
    InputContext,
    MetadataValue,
    OutputContext,
    ResourceDependency,
)
from sqlalchemy import SelectBase, Table, select, table

from music_assets.defs.partitions import KEYS
from music_assets.defs.resources import StagingResource, WarehouseResource
from music_assets.progress import advanced
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets.staging.store import StagedFile, StagingStore
from music_assets.tables import METADATA
from music_assets.warehouse.manifest import CopyFrom

Rows = pd.DataFrame | list[dict[str, Any]]
WHOLE = "all"  # the partition key of an asset without partitions


class JsonLinesIOManager(ConfigurableIOManager):
    """Stages each partition of an asset as `<asset>/<A>/<B>.json.gz`, gzip JSON Lines.

    Derived from `ConfigurableIOManager` because `UPathIOManager` takes one partition per output.
    """

    staging: ResourceDependency[StagingResource]

    def handle_output(self, context: OutputContext, obj: Rows | Mapping[str, Rows]) -> None:
        store = self.staging.store()
        kind = context.asset_key.to_user_string()
        keys = sorted(context.asset_partition_keys) if context.has_asset_partitions else [WHOLE]
        partitions = obj if isinstance(obj, Mapping) else {keys[0]: obj}
        if partitions.keys() != set(keys):
            returned, wanted = ", ".join(sorted(partitions)), ", ".join(keys)
            raise Failure(
                f"{kind} returned rows of {returned}, and this run is for {wanted}. Return a frame for one "
                "partition, a mapping by partition key for several.",
                allow_retries=False,
            )
        for key in keys:
            staged = Staged(partitions[key])
            write_partition(store, kind, key, staged, fingerprint="", run_id=context.run_id)
        context.add_output_metadata({"dagster/uri": MetadataValue.path(store.url(kind, keys[0]))})

    def load_input(self, context: InputContext) -> Any:
        store = self.staging.store()
        kind = context.asset_key.to_user_string()
        keys = sorted(context.asset_partition_keys) if context.has_asset_partitions else [WHOLE]
        wants_one = context.dagster_type.typing_type is pd.DataFrame
        if len(keys) == 1 and (wants_one or context.dagster_type.typing_type is Any):
            return frame(store, _found(store, kind, keys[0]))
        if wants_one:
            raise Failure(
                f"{kind} was requested for {len(keys)} partitions as one frame. Annotate the input as "
                "dict[str, pd.DataFrame] to get a frame per partition, or take one partition per run "
                "(BackfillPolicy.multi_run(1)).",
                allow_retries=False,
            )
        if set(keys) == set(KEYS):  # of all partitions, those that were staged
            found = [file for file in store.staged_files(kind, keys) if file is not None]
            return {file.partition_key: frame(store, file) for file in found}
        return {key: frame(store, _found(store, kind, key)) for key in keys}


class WarehouseIOManager(ConfigurableIOManager):
    """Fills the table of an asset `warehouse/<schema>/<table>`, and reads it as a frame.

    An asset returns what its table should hold: a `CopyFrom` of staged files, a query, or the table itself,
    which is then updated by its own query, `music_assets/warehouse/sql`. The engines are in
    `music_assets.warehouse`.
    """

    warehouse: ResourceDependency[WarehouseResource]

    def handle_output(self, context: OutputContext, obj: CopyFrom | Table | SelectBase) -> None:
        warehouse = self.warehouse.open()
        table = declared_table(context.asset_key)
        if isinstance(obj, CopyFrom):
            done = warehouse.load(obj, context.run_id)
            if done.protected:
                context.log.warning(
                    f"{table.fullname}: {len(done.protected)} filled partitions were not replaced by empty "
                    f"files: {', '.join(done.protected)}"
                )
            # Logged, as metadata of the output would be stored with each of its partitions.
            context.log.info(
                f"{table.fullname}: {len(done.loaded)} partitions loaded, {len(done.unchanged)} unchanged"
            )
            advanced("staging tables", table.name, 1, 1, sum(done.loaded.values()), unchanged=not done.loaded)
        else:
            rows = warehouse.update(obj) if isinstance(obj, Table) else warehouse.fill(table, obj)
            context.add_output_metadata({"dagster/row_count": rows})
            advanced("published tables", table.fullname, 1, 1, rows)

    def load_input(self, context: InputContext) -> pd.DataFrame:
        """The table as a frame; of a staging table, the slices of the partitions in this run."""
        _, schema, name = context.asset_key.path
        known = METADATA.tables.get(f"{schema}.{name}")
        with self.warehouse.open().transaction(f"reading {schema}.{name}") as connection:
            if known is None:
                return pd.read_sql(select("*").select_from(table(name, schema=schema)), connection)
            query = select(known)
            if "slice" in known.c and context.has_asset_partitions:
                query = query.where(known.c.slice.in_(list(context.asset_partition_keys)))
            return pd.read_sql(query, connection)


def frame(store: StagingStore, file: StagedFile) -> pd.DataFrame:
    """The rows of a staged file as a frame."""
    return pd.DataFrame(read_rows(store, file))


def declared_table(key: AssetKey) -> Table:
    """The table that an asset `warehouse/<schema>/<table>` fills.

    Raises:
        Failure: no such table is declared.
    """
    found = METADATA.tables.get(".".join(key.path[1:]))
    if found is None:
        raise Failure(
            f"{key.to_user_string()} is not a declared table: declare it in music_assets/tables, or give the "
            "asset another IO manager.",
            allow_retries=False,
        )
    return found


def _found(store: StagingStore, kind: str, key: str) -> StagedFile:
    file = store.staged_file(kind, key)
    if file is None:
        raise Failure(
            f"{kind} has no partition {key}: materialize {kind} for {key} first.", allow_retries=False
        )
    return file

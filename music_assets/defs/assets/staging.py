"""`staged_json`, which records what passed validation, and the staging tables, which are loaded from it.

How a file is validated is in `music_assets.staging`, how a load works in `music_assets.warehouse.engine`.
"""

from collections.abc import Mapping
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    BackfillPolicy,
    MaterializeResult,
    PartitionsDefinition,
    asset,
)
from sqlalchemy import Table

from music_assets.defs.assets.common import (
    OWNERS,
    REFRESH,
    STAGED_JSON,
    STAGING,
    definition_metadata,
    terms_of,
)
from music_assets.defs.partitions import backfill_policy, days, days_policy, keys_of, msd_directories
from music_assets.defs.resources import StagingResource
from music_assets.progress import advanced
from music_assets.staging import manifests
from music_assets.tables import STAGED, STAGED_BY_DAY
from music_assets.warehouse.manifest import CopyFrom, Manifest

NAME, NAME_BY_DAY = "staged_json", "staged_json_refresh"


def _manifest_asset(
    name: str,
    kinds: Mapping[str, Table],
    partitions_def: PartitionsDefinition[str],
    policy: BackfillPolicy,
    *,
    group: str,
) -> AssetsDefinition:
    @asset(
        name=name,
        deps=list(kinds),
        partitions_def=partitions_def,
        backfill_policy=policy,
        group_name=group,
        owners=OWNERS,
        kinds={"json", "python"},
        description=(
            "What may be loaded: each partition's files of all kinds, compared with the columns and keys of "
            "their staging tables. Its manifest names the files that passed (rows, bytes, checksum), also "
            "in the form that Redshift's COPY reads; a file that fails is left out with its problems, and "
            "the others go on. A file that another program wrote into the staging area is validated here."
        ),
    )
    def staged_json(context: AssetExecutionContext, staging: StagingResource) -> MaterializeResult[None]:
        store, keys = staging.store(), keys_of(context)
        for done, key in enumerate(keys, start=1):
            entries = manifests.record(store, name, kinds, key)
            refused = [entry for entry in entries.values() if not entry.passed]
            problems = [f"{entry.kind}: {problem}" for entry in refused for problem in entry.problems]
            for problem in problems:
                context.log.error("%s %s is refused: %s", name, key, problem)
            passed = [entry for entry in entries.values() if entry.passed]
            context.add_asset_metadata(
                {
                    "dagster/partition_row_count": sum(entry.rows for entry in passed),
                    "files": len(passed),
                    "bytes": sum(entry.bytes for entry in passed),
                    "refused": len(refused),
                    "problems": problems,
                },
                asset_key=name,
                partition_key=key,
            )
            advanced(name, key, done, len(keys), sum(entry.rows for entry in passed))
        return MaterializeResult()

    return staged_json


def _staging_table(
    kind: str,
    table: Table,
    manifest: str,
    partitions_def: PartitionsDefinition[str],
    policy: BackfillPolicy,
    *,
    group: str,
) -> AssetsDefinition:
    key = AssetKey(["warehouse", "staging", kind])

    @asset(
        key=key,
        deps=[manifest],
        io_manager_key="warehouse_tables",
        partitions_def=partitions_def,
        backfill_policy=policy,
        group_name=group,
        owners=OWNERS,
        kinds={"sql", "table"},
        tags=terms_of(table),
        metadata=definition_metadata(table, **{"dagster/table_name": f"staging.{kind}"}),
        description=(
            f"`{kind}` as staged, one slice per partition, each recorded in `meta.loads` with its checksum. "
            "A slice that is loaded already is not loaded again; the slices of a run are replaced in one "
            "transaction."
        ),
    )
    def staging_table(context: AssetExecutionContext, staging: StagingResource) -> Any:
        store, keys = staging.store(), keys_of(context)
        read = store.each(lambda partition: manifests.read(store, manifest, partition).get(kind), keys)
        passed = [entry for entry in read if entry is not None and entry.passed]
        for entry in passed:
            shown = {"dagster/partition_row_count": entry.rows}
            context.add_asset_metadata(shown, asset_key=key, partition_key=entry.partition_key)
        files = (
            Manifest(kind, one.partition_key, one.url, one.rows, one.bytes, one.checksum) for one in passed
        )
        return CopyFrom(kind, tuple(files))

    return staging_table


staged_json = _manifest_asset(NAME, STAGED, msd_directories, backfill_policy, group=STAGED_JSON)
staged_json_refresh = _manifest_asset(NAME_BY_DAY, STAGED_BY_DAY, days, days_policy, group=REFRESH)
staging_tables = [
    _staging_table(kind, table, NAME, msd_directories, backfill_policy, group=STAGING)
    for kind, table in STAGED.items()
]
refresh_tables = [
    _staging_table(kind, table, NAME_BY_DAY, days, days_policy, group=REFRESH)
    for kind, table in STAGED_BY_DAY.items()
]

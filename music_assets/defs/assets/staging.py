"""The gate and the staging tables: what was staged is checked, then loaded as it is.

One gate and one table for each staged kind, made by the factories here. What the gate looks at is
`music_assets.staging.validation`, how a load goes `music_assets.warehouse.engine`.
"""

from typing import Any

from dagster import AssetExecutionContext, AssetIn, AssetKey, AssetsDefinition, asset

from music_assets.defs.assets.common import (
    GATE,
    OWNERS,
    STAGING,
    column_schema,
    definition_metadata,
    reporter,
    terms_of,
)
from music_assets.defs.manifests import read_verdicts
from music_assets.defs.partitions import backfill_policy, msd_directories
from music_assets.defs.resources import StagingResource
from music_assets.defs.slices import StagedSlices
from music_assets.progress import advanced
from music_assets.staging.errors import DamagedFile
from music_assets.staging.store import StagedFile, StagingStore
from music_assets.staging.validation import check_file, gate_version
from music_assets.tables import METADATA, STAGED
from music_assets.warehouse.manifest import CopyFrom, Manifest, Verdict


def _gate(kind: str) -> AssetsDefinition:
    key = AssetKey(["staged_json", kind])

    @asset(
        key=key,
        ins={"rows": AssetIn(kind)},
        io_manager_key="manifests",
        partitions_def=msd_directories,
        backfill_policy=backfill_policy,
        group_name=GATE,
        owners=OWNERS,
        kinds={"json", "python"},
        tags=terms_of(STAGED[kind]),
        code_version=gate_version(STAGED[kind]),
        metadata={"dagster/column_schema": column_schema(STAGED[kind])},
        description=(
            f"The gate for `{kind}`: each partition's file is held against the columns and keys of "
            f"`staging.{kind}` and gets a manifest (rows, bytes, checksum), or is refused with the reasons "
            "and left out. Other partitions go on."
        ),
    )
    def staged_json(
        context: AssetExecutionContext, rows: StagedSlices, staging: StagingResource
    ) -> dict[str, Any]:
        store, name = staging.store(), key.to_user_string()
        report = reporter(context, key)
        keys = context.partition_keys
        before = dict(zip(keys, read_verdicts(store, name, keys), strict=True))
        made: dict[str, Verdict] = {}
        for done, partition in enumerate(keys, start=1):
            receipt, verdict = rows.staged_file(partition), before[partition]
            kept = verdict is not None and verdict.stands(receipt.checksum, gate_version(STAGED[kind]))
            if verdict is None or not kept:
                verdict = made[partition] = judge(store, receipt)
            if not verdict.passed:
                context.log.error("%s %s is refused: %s", kind, partition, "; ".join(verdict.problems))
            report(
                partition,
                {
                    "dagster/partition_row_count": verdict.manifest.rows,
                    "bytes": verdict.manifest.bytes,
                    "checksum": verdict.manifest.checksum,
                    "refused": not verdict.passed,
                    "problems": list(verdict.problems),
                },
            )
            advanced("staged_json", f"{kind} {partition}", done, len(keys), kept=kept)
        return made

    return staged_json


def judge(store: StagingStore, receipt: StagedFile) -> Verdict:
    """The verdict on one staged file."""
    kind, slice_ = receipt.kind, receipt.partition_key
    table = METADATA.tables[f"staging.{kind}"]
    try:
        checked = check_file(table, store.read(receipt), slice_)
    except DamagedFile as error:
        problems = [str(error)]
    else:
        problems = list(checked.problems)
        if not problems and checked.rows != receipt.rows:
            problems.append(f"it has {checked.rows} rows, its receipt says {receipt.rows}")
    manifest = Manifest(kind, slice_, store.url(kind, slice_), receipt.rows, receipt.bytes, receipt.checksum)
    return Verdict(manifest, gate_version(table), tuple(problems))


def _staging_table(kind: str) -> AssetsDefinition:
    key = AssetKey(["warehouse", "staging", kind])

    @asset(
        key=key,
        ins={"manifests": AssetIn(["staged_json", kind])},
        io_manager_key="warehouse_tables",
        partitions_def=msd_directories,
        backfill_policy=backfill_policy,
        group_name=STAGING,
        owners=OWNERS,
        kinds={"sql", "table"},
        tags=terms_of(STAGED[kind]),
        metadata=definition_metadata(STAGED[kind], **{"dagster/table_name": f"staging.{kind}"}),
        description=(
            f"`{kind}` as landed, a slice a partition, each noted in `meta.loads` with its checksum. A slice "
            "that is there already is not loaded again; the slices of a run are replaced in one transaction."
        ),
    )
    def staging_table(context: AssetExecutionContext, manifests: list[Any]) -> CopyFrom:
        report = reporter(context, key)
        for manifest in manifests:
            report(
                manifest.slice, {"dagster/partition_row_count": manifest.rows, "checksum": manifest.checksum}
            )
        return CopyFrom(kind, tuple(manifests))

    return staging_table


gates = [_gate(kind) for kind in STAGED]
staging_tables = [_staging_table(kind) for kind in STAGED]

"""Dagster assets made of stages: the loop over a run's partition keys, what the UI shows, progress.

What a stage is, and which of its partitions are up to date, is in `stages`.
"""

import inspect
from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    DataVersion,
    Failure,
    MaterializeResult,
    MetadataValue,
    PartitionsDefinition,
    multi_asset,
)

from music_assets.defs.assets.common import code_reference, staged_spec
from music_assets.defs.partitions import backfill_policy, keys_of, msd_directories
from music_assets.defs.stages import Built, InputMissing, Plan, Stage, build
from music_assets.progress import advanced
from music_assets.staging.conversion import convert
from music_assets.staging.partitions import Metadata
from music_assets.staging.store import StagedFile, StagingStore, fingerprint

# A partition's file and what is shown of it.
_Shown = tuple[StagedFile, dict[str, Any]]
# A run with this tag computes its partitions though they are up to date.
FORCE = "music_assets/force"


def stage_asset(
    stage: Stage,
    *,
    partitions_def: PartitionsDefinition[str] = msd_directories,
    policy: BackfillPolicy = backfill_policy,
) -> AssetsDefinition:
    """The asset of a stage, or the assets of one that writes several kinds in a pass."""

    @multi_asset(
        name=stage.name,
        specs=[_spec(stage, kind) for kind in stage.outputs],
        can_subset=len(stage.outputs) > 1,
        partitions_def=partitions_def,
        backfill_policy=policy,
        required_resource_keys=stage.resources | {"staging"},
        pool=stage.pool,
    )
    def materialize(context: AssetExecutionContext) -> Iterator[MaterializeResult[Any]]:
        resources = {name: getattr(context.resources, name) for name in stage.resources}
        selected = context.op_execution_context.selected_output_names
        outputs = [kind for kind in stage.outputs if kind in selected]
        keys = keys_of(context)
        store = context.resources.staging.store()
        convert(store)
        plan = Plan(store, resources)
        if stage.observed is not None:
            _observe(context, stage.observed, {key: plan.depends_on(stage, key) for key in keys})
        finished: dict[str, list[_Shown]] = {kind: [] for kind in outputs}
        try:
            built = build(
                stage, keys, plan, run_id=context.run.run_id, outputs=outputs, force=FORCE in context.run.tags
            )
            for done, partition in enumerate(built, start=1):
                for kind, file in partition.files.items():
                    finished[kind].append((file, _metadata(context, store, partition, kind)))
                rows = partition.files[outputs[0]].rows
                advanced(outputs[0], partition.key, done, len(keys), rows, unchanged=partition.unchanged)
        except Exception as error:
            _record_finished(context, finished)
            if isinstance(error, InputMissing):
                raise Failure(str(error), allow_retries=False) from error
            raise
        for kind in outputs:
            for file, metadata in finished[kind]:
                context.add_asset_metadata(metadata, asset_key=kind, partition_key=file.partition_key)
            # Dagster gives the partitions of a run one version. Alone, a partition has its checksum.
            checksums = [file.checksum for file, _ in finished[kind]]
            version = checksums[0] if len(keys) == 1 else fingerprint(*checksums)
            yield MaterializeResult(asset_key=kind, data_version=DataVersion(version))

    return materialize


def _record_finished(context: AssetExecutionContext, finished: dict[str, list[_Shown]]) -> None:
    """Record what a step that fails has finished: Dagster would show all of its partitions as failed."""
    for kind, shown in finished.items():
        for file, metadata in shown:
            tags = {"dagster/data_version": file.checksum}
            context.log_event(
                AssetMaterialization(kind, partition=file.partition_key, metadata=metadata, tags=tags)
            )


def _observe(context: AssetExecutionContext, asset: str, versions: dict[str, str]) -> None:
    """Record the versions of what the run reads, so that it is not called out of date for being observed
    later."""
    for key, version in versions.items():
        tags = {"dagster/data_version": version}
        context.log_event(AssetObservation(asset, partition=key, tags=tags))
    context.op_execution_context.get_step_execution_context().wipe_input_asset_version_info(AssetKey(asset))


def _spec(stage: Stage, kind: str) -> AssetSpec:
    about = dict(stage.attributes)
    code = inspect.unwrap(stage.function).__code__
    description = about.pop("descriptions", {}).get(kind, stage.description)
    return staged_spec(
        kind,
        deps=[*stage.inputs, *stage.after],
        description=description,
        code_version=stage.version,
        metadata=code_reference(code.co_filename, code.co_firstlineno),
        **about,
    )


def _metadata(
    context: AssetExecutionContext, store: StagingStore, partition: Built, kind: str
) -> dict[str, Any]:
    run_metadata = partition.run_metadata.get(kind, {})
    for reason in run_metadata.get("reasons", ()):
        context.log.warning(f"{kind} {partition.key}: {reason}")
    return metadata_of(store, partition.files[kind], run_metadata, unchanged=partition.unchanged)


def metadata_of(
    store: StagingStore, file: StagedFile, run_metadata: Metadata, *, unchanged: bool
) -> dict[str, Any]:
    """What the UI and the summary show of a staged file and of this run."""
    shown = {**file.metadata, **run_metadata}
    changes = shown.pop("changes", ())
    # What was in the way when an unchanged partition was computed is not so now, or not known to be.
    stored = () if unchanged else file.metadata.get("reasons", ())
    reasons = [*stored, *run_metadata.get("reasons", ()), *changes]
    shown["reasons"] = list(dict.fromkeys(reasons))
    return {
        "dagster/partition_row_count": file.rows,
        "dagster/uri": MetadataValue.path(store.url(file.kind, file.partition_key)),
        "bytes": file.bytes,
        "checksum": file.checksum,
        "unchanged": unchanged,
        **{name: _shown(name, value) for name, value in shown.items()},
    }


def _shown(name: str, value: object) -> object:
    """A value as Dagster's UI shows it: a preview as a table, lists and maps as JSON."""
    if name == "preview":
        return MetadataValue.md(str(value))
    return MetadataValue.json(value) if isinstance(value, list | dict) else value

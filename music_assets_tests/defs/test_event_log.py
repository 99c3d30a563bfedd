"""The command line's event log: written in batches, and read as Dagster's own."""

import os
from pathlib import Path

import pytest
from dagster import (
    AssetExecutionContext,
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    asset,
    materialize,
)

from music_assets.defs.event_log import BatchingEventLog
from music_assets.defs.instance import dagster_instance
from music_assets.defs.partitions import backfill_policy, msd_directories

FIRST, LAST = "AA", "AF"
KEYS = {"AA", "AB", "AC", "AD", "AE", "AF"}


@asset(partitions_def=msd_directories, backfill_policy=backfill_policy)
def counted(context: AssetExecutionContext) -> None:
    for place, key in enumerate(context.partition_keys):
        context.add_asset_metadata({"place": place}, partition_key=key)


def materialize_range(instance: DagsterInstance) -> None:
    tags = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": LAST}
    assert materialize([counted], instance=instance, tags=tags).success


def told(instance: DagsterInstance) -> dict[str | None, int]:
    """What the log holds of each partition."""
    records = instance.fetch_materializations(AssetKey("counted"), limit=100).records
    places = {}
    for record in records:
        made = record.asset_materialization
        assert made is not None
        places[made.partition] = made.metadata["place"].value
    assert len(records) == len(places)
    return places


def test_dagsters_own_storage_reads_what_was_written_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    own = BatchingEventLog.prepare_insert_event_batch

    def counting(self: BatchingEventLog, events: list[object]) -> object:
        batches.append(len(events))
        return own(self, events)

    monkeypatch.setattr(BatchingEventLog, "prepare_insert_event_batch", counting)
    with dagster_instance(tmp_path) as instance:
        assert isinstance(instance.event_log_storage, BatchingEventLog)
        assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "1000"
        materialize_range(instance)
        written = told(instance)
        (run,) = instance.get_runs()
    assert batches == [len(KEYS)]
    with DagsterInstance.from_config(str(tmp_path)) as plain:
        assert not isinstance(plain.event_log_storage, BatchingEventLog)
        assert told(plain) == written == {key: place for place, key in enumerate(sorted(KEYS))}
        assert set(plain.get_materialized_partitions(AssetKey("counted"))) == KEYS
        log = plain.all_logs(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
        assert len(log) == len(KEYS)
        assert plain.get_latest_materialization_event(AssetKey("counted")) == log[-1]


def test_a_home_of_dagsters_own_storage_goes_on(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with DagsterInstance.from_config(str(tmp_path)) as plain:
        materialize_range(plain)
    with dagster_instance(tmp_path) as instance:
        assert set(told(instance)) == KEYS
        materialize_range(instance)
        assert len(instance.get_runs()) == 2

"""The event log of the command line and the UI: written in batches, and read as Dagster's own."""

import os
from pathlib import Path

import pytest
from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    asset,
    asset_check,
    materialize,
)
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from music_assets.defs.event_log import BatchingEventLog
from music_assets.defs.instance import dagster_instance, prepare_dagster_home
from music_assets.defs.partitions import backfill_policy, msd_directories
from music_assets_tests.support.sandbox import wait_until

FIRST, LAST = "AA", "AF"
KEYS = {"AA", "AB", "AC", "AD", "AE", "AF"}


@asset(partitions_def=msd_directories, backfill_policy=backfill_policy)
def counted(context: AssetExecutionContext) -> None:
    for place, key in enumerate(context.partition_keys):
        context.add_asset_metadata({"place": place}, partition_key=key)


RANGE = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": LAST}


def materialize_range(instance: DagsterInstance) -> None:
    assert materialize([counted], instance=instance, tags=RANGE).success


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
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home as `music-assets ui` prepares it."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", raising=False)
    prepare_dagster_home(tmp_path)
    return tmp_path


def test_what_the_ui_plans_is_written_together_and_a_failed_partition_is_known(home: Path) -> None:
    """An asset check that is planned with it is written too."""

    @asset(partitions_def=msd_directories, backfill_policy=backfill_policy)
    def broken(context: AssetExecutionContext) -> None:
        context.log_event(AssetMaterialization("broken", partition=FIRST))
        raise ValueError("broken")

    @asset_check(asset=broken)
    def looked_at() -> AssetCheckResult:
        raise AssertionError("its asset is broken")

    with DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance.event_log_storage, BatchingEventLog)
        job = Definitions([broken], asset_checks=[looked_at]).resolve_implicit_global_asset_job_def()
        run = instance.create_run_for_job(job, tags=RANGE)
        planned = {"of_type": DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
        assert len(instance.all_logs(run.run_id, **planned)) == len(KEYS)
        assert len(instance.all_logs(run.run_id, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)) == 1
        assert not job.execute_in_process(instance=instance, raise_on_error=False, tags=RANGE).success
        status = get_and_update_asset_status_cache_value(instance, AssetKey("broken"), msd_directories)
        assert status
        failed = status.deserialize_failed_partition_subsets(msd_directories)
        assert set(failed.get_partition_keys()) == KEYS - {FIRST}


def test_a_log_that_is_watched_shows_events_while_its_run_goes_on(home: Path) -> None:
    """Dagster watches the run's file, and what is written lies beside it until that is closed."""
    with DagsterInstance.from_config(str(home)) as writer, DagsterInstance.from_config(str(home)) as reader:
        run = writer.create_run_for_job(Definitions([counted]).resolve_implicit_global_asset_job_def())
        seen: list[str] = []
        reader.watch_event_logs(run.run_id, None, lambda event, _: seen.append(event.message))
        for number in range(3):
            writer.report_engine_event(f"event {number}", run)
            assert wait_until(lambda last=f"event {number}": last in seen, 30)


def test_a_moved_home_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for home in (tmp_path / "before", tmp_path / "after"):
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        if home.name == "after":
            (tmp_path / "before").rename(home)
        prepare_dagster_home(home)
        with DagsterInstance.from_config(str(home)) as instance:
            materialize_range(instance)
    with DagsterInstance.from_config(str(home)) as instance:
        assert len(instance.fetch_materializations(AssetKey("counted"), limit=100).records) == 2 * len(KEYS)
    assert not (tmp_path / "before").exists()

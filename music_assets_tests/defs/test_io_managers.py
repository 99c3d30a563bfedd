"""What an asset that somebody adds gets and may return: frames, without knowing a class of ours."""

# No `from __future__ import annotations`: Dagster reads the annotations of assets.
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dagster import (
    AssetIn,
    AssetSpec,
    BackfillPolicy,
    DagsterInstance,
    ExecuteInProcessResult,
    asset,
    materialize,
)

from music_assets.defs.io_managers import JsonLinesIOManager, WarehouseIOManager
from music_assets.defs.partitions import backfill_policy, msd_directories
from music_assets.defs.resources import StagingResource
from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets.staging.store import StagingStore
from music_assets.warehouse.manifest import CopyFrom, Manifest
from music_assets_tests.support.staged_rows import row

SEEN: dict[str, Any] = {}
ABOUT: dict[str, Any] = {"partitions_def": msd_directories, "backfill_policy": backfill_policy}
upstream = AssetSpec("numbers", partitions_def=msd_directories).with_io_manager_key("json_lines")


@asset(**ABOUT, io_manager_key="json_lines")
def one_partition(numbers: pd.DataFrame) -> pd.DataFrame:
    return numbers.assign(n=numbers["n"] * 2)


@asset(**ABOUT, io_manager_key="json_lines")
def several_partitions(numbers: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    SEEN["several"] = sorted(numbers)
    return {key: frame.assign(n=frame["n"] + 1) for key, frame in numbers.items()}


@asset(**ABOUT)
def any_mapping(numbers: Mapping[str, pd.DataFrame]) -> None:
    SEEN["mapping"] = {key: len(frame) for key, frame in numbers.items()}


@asset(**ABOUT)
def no_annotation(numbers) -> None:  # type: ignore[no-untyped-def]
    SEEN["plain"] = type(numbers).__name__


@asset
def all_partitions(numbers: dict[str, pd.DataFrame]) -> None:
    SEEN["all"] = sorted(numbers)


@asset(**ABOUT, io_manager_key="json_lines")
def wrong_partitions(numbers: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {"ZZ": pd.DataFrame({"n": [1]})}


@pytest.fixture
def store(tmp_path: Path) -> StagingStore:
    """Two partitions of the input, of one and two rows."""
    SEEN.clear()
    store = StagingStore(str(tmp_path))
    for key, count in (("AA", 1), ("AB", 2)):
        rows = [{"n": n, "reasons": ["x"]} for n in range(count)]
        write_partition(store, "numbers", key, Staged(rows), fingerprint="", run_id="")
    return store


def run(folder: Path, of: Any, first: str | None, last: str | None = None) -> ExecuteInProcessResult:
    staging = StagingResource(url=str(folder))
    ends = {"start": first, "end": last or first} if first else {}
    return materialize(
        [upstream, of],
        selection=[of],
        resources={"json_lines": JsonLinesIOManager(staging=staging)},
        tags={f"dagster/asset_partition_range_{end}": str(key) for end, key in ends.items()},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def failure(result: ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return str(event.step_failure_data.error)


def staged(store: StagingStore, kind: str, key: str) -> list[int]:
    file = store.staged_file(kind, key)
    assert file is not None
    return [one["n"] for one in read_rows(store, file)]


def test_one_partition_is_a_frame(store: StagingStore, tmp_path: Path) -> None:
    assert run(tmp_path, one_partition, "AB").success
    assert staged(store, "one_partition", "AB") == [0, 2]


def test_several_partitions_are_a_mapping_of_frames(store: StagingStore, tmp_path: Path) -> None:
    assert run(tmp_path, several_partitions, "AA", "AB").success
    assert SEEN["several"] == ["AA", "AB"]
    assert staged(store, "several_partitions", "AB") == [1, 2]
    assert run(tmp_path, any_mapping, "AA", "AB").success
    assert SEEN["mapping"] == {"AA": 1, "AB": 2}


def test_a_mapping_of_one_partition_is_a_mapping(store: StagingStore, tmp_path: Path) -> None:
    assert run(tmp_path, several_partitions, "AA").success
    assert SEEN["several"] == ["AA"]


def test_without_annotation_it_depends_on_how_many_there_are(store: StagingStore, tmp_path: Path) -> None:
    assert run(tmp_path, no_annotation, "AA").success and SEEN["plain"] == "DataFrame"
    assert run(tmp_path, no_annotation, "AA", "AB").success and SEEN["plain"] == "dict"


def test_an_unpartitioned_asset_gets_the_partitions_that_are_staged(
    store: StagingStore, tmp_path: Path
) -> None:
    assert run(tmp_path, all_partitions, None).success
    assert SEEN["all"] == ["AA", "AB"]


def test_a_frame_of_several_partitions_is_refused_with_what_to_do(
    store: StagingStore, tmp_path: Path
) -> None:
    said = failure(run(tmp_path, one_partition, "AA", "AB"))
    assert "numbers was requested for 2 partitions as one frame" in said
    assert "dict[str, pd.DataFrame]" in said


def test_a_missing_partition_is_named(store: StagingStore, tmp_path: Path) -> None:
    said = failure(run(tmp_path, one_partition, "AC"))
    assert "numbers has no partition AC: materialize numbers for AC first." in said


def test_rows_of_other_partitions_are_refused(store: StagingStore, tmp_path: Path) -> None:
    said = failure(run(tmp_path, wrong_partitions, "AA", "AB"))
    assert "wrong_partitions returned rows of ZZ, and this run is for AA, AB" in said


# -- tables


@asset(ins={"songs": AssetIn(["warehouse", "msd", "songs"])})
def whole_table(songs: pd.DataFrame) -> None:
    SEEN["songs"] = songs


@asset(**ABOUT, ins={"votes": AssetIn(["warehouse", "staging", "artist_votes"])})
def slices_of_a_table(votes: pd.DataFrame) -> None:
    SEEN["votes"] = sorted(votes["slice"])


@asset(ins={"mine": AssetIn(["warehouse", "mine", "notes"])})
def own_table(mine: pd.DataFrame) -> None:
    SEEN["mine"] = mine.to_dict("list")


@pytest.fixture
def warehouse(tmp_path: Path) -> Any:
    """A DuckDB warehouse with two slices of votes and a table that somebody added."""
    settings = Settings.from_environment({}, data=str(tmp_path / "data"))
    found = resources(settings)["warehouse"]
    store = StagingStore(settings.staging)
    manifests = []
    for key in ("AA", "AB"):
        votes = row("artist_votes", artist_id="AR", spotify_artist_id=key, votes=1, agreement=1.0)
        file = write_partition(store, "artist_votes", key, Staged([votes]), fingerprint="", run_id="")
        url = store.url("artist_votes", key)
        manifests.append(Manifest("artist_votes", key, url, file.rows, file.bytes, file.checksum))
    found.open().load(CopyFrom("artist_votes", tuple(manifests)), "run")
    with found.open().transaction("adding") as connection:
        connection.exec_driver_sql("CREATE SCHEMA mine")
        connection.exec_driver_sql("CREATE TABLE mine.notes AS SELECT 1 AS n")
    return found


def read(warehouse: Any, of: Any, key: str | None = None) -> None:
    SEEN.clear()
    keys = {"msd/songs": {}, "mine/notes": {}, "staging/artist_votes": {"partitions_def": msd_directories}}
    specs = [
        AssetSpec(["warehouse", *name.split("/")], **about).with_io_manager_key("warehouse_tables")
        for name, about in keys.items()
    ]
    with DagsterInstance.ephemeral() as instance:
        result = materialize(
            [*specs, of],
            selection=[of],
            instance=instance,
            partition_key=key,
            resources={"warehouse_tables": WarehouseIOManager(warehouse=warehouse)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    assert result.success


def test_a_table_is_a_frame(warehouse: Any) -> None:
    read(warehouse, whole_table)
    assert "track_id" in SEEN["songs"].columns and len(SEEN["songs"]) == 0


def test_of_a_staging_table_a_partition_gets_its_own_slice(warehouse: Any) -> None:
    read(warehouse, slices_of_a_table, "AB")
    assert SEEN["votes"] == ["AB"]


def test_a_table_that_somebody_added_can_be_read(warehouse: Any) -> None:
    read(warehouse, own_table)
    assert SEEN["mine"] == {"n": [1]}


def test_the_policy_of_stages_is_several_partitions_per_run() -> None:
    """Which is why an input of a frame asks for one partition per run, or a mapping."""
    assert backfill_policy == BackfillPolicy.multi_run(max_partitions_per_run=104)

"""The gate's verdicts as they are kept: each beside its manifest, and new where a file was damaged."""

from pathlib import Path

import pytest
from dagster import AssetExecutionContext, AssetKey, asset, materialize

from music_assets.defs.assets.common import reporter
from music_assets.defs.assets.staging import gates
from music_assets.defs.json_lines import JsonLinesIOManager
from music_assets.defs.manifests import ManifestIOManager, read_verdicts
from music_assets.defs.partitions import backfill_policy, msd_directories
from music_assets.defs.resources import StagingResource
from music_assets.defs.slices import Made, Slices
from music_assets.staging.store import StagingStore
from music_assets_tests.warehouse.rows import row

NAME = "staged_json/spotify_artists"
GATE = next(gate for gate in gates if gate.key == AssetKey(["staged_json", "spotify_artists"]))


@asset(partitions_def=msd_directories, backfill_policy=backfill_policy, io_manager_key="json_lines")
def spotify_artists(context: AssetExecutionContext) -> Slices:
    """An artist a partition, and none for AC."""

    def make(key: str, before: object) -> Made:
        return Made([row("spotify_artists", spotify_artist_id=key)] if key != "AC" else [])

    return Slices(context.partition_keys, lambda key: "1", make, reporter(context, "spotify_artists"))


@pytest.fixture
def store(tmp_path: Path) -> StagingStore:
    return StagingStore(str(tmp_path))


def run(folder: Path, *selection: object) -> dict[str, dict[str, object]]:
    """Materialise AA to AC; what the gate told of each partition."""
    staging = StagingResource(url=str(folder))
    result = materialize(
        [spotify_artists, GATE],
        selection=list(selection) or None,
        resources={
            "json_lines": JsonLinesIOManager(staging=staging),
            "manifests": ManifestIOManager(staging=staging),
            "staging": staging,
        },
        tags={"dagster/asset_partition_range_start": "AA", "dagster/asset_partition_range_end": "AC"},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    told = result.asset_materializations_for_node("staged_json__spotify_artists")
    return {str(one.partition): {name: value.value for name, value in one.metadata.items()} for one in told}


def passed(store: StagingStore) -> list[bool]:
    return [bool(verdict and verdict.passed) for verdict in read_verdicts(store, NAME, ["AA", "AB", "AC"])]


def test_each_file_gets_a_verdict_and_each_with_rows_a_manifest_for_copy(
    store: StagingStore, tmp_path: Path
) -> None:
    run(tmp_path)
    receipt = store.staged_file("spotify_artists", "AA")
    assert receipt is not None
    assert passed(store) == [True, True, True]
    entry = {"url": store.url("spotify_artists", "AA"), "mandatory": True}
    assert store.read_json(NAME, "AA", ".manifest") == {
        "entries": [{**entry, "meta": {"content_length": receipt.bytes}}]
    }
    assert store.read_json(NAME, "AC", ".manifest") is None  # COPY would find nothing to load


@pytest.mark.parametrize("damage", [b"", b"half of it"], ids=["emptied", "cut"])
def test_a_damaged_file_is_refused_alone_and_made_again_by_the_next_run(
    store: StagingStore, tmp_path: Path, damage: bytes
) -> None:
    run(tmp_path, spotify_artists)
    Path(store.path("spotify_artists", "AB")).write_bytes(damage)
    told = run(tmp_path, GATE)
    assert [told[key]["refused"] for key in ("AA", "AB", "AC")] == [False, True, False]
    assert "Run again: spotify_artists rebuilds AB" in str(told["AB"]["problems"])
    assert store.read_json(NAME, "AB", ".manifest") is None
    told = run(tmp_path)
    assert [told[key]["refused"] for key in ("AA", "AB", "AC")] == [False, False, False]
    assert passed(store) == [True, True, True]


def test_a_file_that_passed_is_not_looked_at_again(store: StagingStore, tmp_path: Path) -> None:
    run(tmp_path)
    verdict = Path(store.path(NAME, "AA", ".manifest.json"))
    before = verdict.stat().st_mtime_ns
    run(tmp_path)
    assert verdict.stat().st_mtime_ns == before

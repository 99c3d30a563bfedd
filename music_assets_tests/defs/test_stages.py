"""Stages: one partition at a time, unchanged ones left alone, one place that knows what is up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance, ExecuteInProcessResult, materialize

from music_assets.defs import stages
from music_assets.defs.io_managers import JsonLinesIOManager
from music_assets.defs.resources import StagingResource
from music_assets.defs.stage_assets import FORCE, stage_asset
from music_assets.defs.stages import InputMissing, Partition, Plan, Stage, build, stage
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets.staging.rows import Row, encode_for
from music_assets.staging.store import StagedFile, StagingStore
from music_assets_tests.support.staged_rows import row


@dataclass
class Source:
    """Stands for a resource: what it gives changes with `version`, and it may fail for a partition."""

    version: str = "1"
    breaks: str | None = None
    incomplete: set[str] = field(default_factory=set)
    computed: list[str] = field(default_factory=list)
    sessions: list[list[str]] = field(default_factory=list)


def source_version(source: Source) -> Any:
    return lambda key: source.version


@contextmanager
def session_of(keys: list[str], source: Source) -> Iterator[str]:
    source.sessions.append(list(keys))
    yield "open"


@stage("numbers", version="1", depends_on=source_version, session=session_of)
def numbers(partition: Partition, source: Source, session: str) -> Staged:
    assert session == "open"
    if partition.key == source.breaks:
        raise RuntimeError(f"{partition.key} broke")
    source.computed.append(partition.key)
    rows = [{"n": n} for n in range(ord(partition.key[1]) - ord("A"))]
    return Staged(rows, {"count": len(rows)}, {"spent": 1}, complete=partition.key not in source.incomplete)


def nothing_spent(file: StagedFile) -> dict[str, int]:
    return {"spent": 0, "count_before": file.metadata["count"]}


numbers.when_unchanged = nothing_spent


@stage("doubled", inputs=("numbers",), version="1")
def doubled(numbers: list[Row]) -> Staged:
    return Staged([{"n": 2 * one["n"]} for one in numbers])


@stage("pair", outputs=("ones", "twos"), version="1")
def pair(partition: Partition) -> dict[str, Staged]:
    return {
        "ones": Staged([{"n": 1}]),
        "twos": Staged(encode_for("twos", [{"n": 2}, {"n": 2}], partition.key)),
    }


@pytest.fixture
def store(tmp_path: Path) -> StagingStore:
    return StagingStore(str(tmp_path))


@pytest.fixture
def source() -> Source:
    return Source()


def run(one: Stage, store: StagingStore, source: Source, *keys: str, run_id: str = "run") -> dict[str, bool]:
    """Build these partitions in a run of their own; whether each was unchanged."""
    built = build(one, keys, Plan(store, {"source": source}), run_id=run_id)
    return {partition.key: partition.unchanged for partition in built}


def rows(store: StagingStore, kind: str, key: str) -> list[Row]:
    file = store.staged_file(kind, key)
    assert file is not None
    return read_rows(store, file)


def test_a_stage_is_its_function() -> None:
    """To be tested or tried in a notebook without anything around it."""
    assert doubled([{"n": 2}]).rows == [{"n": 4}]


def test_each_partition_gets_a_file_of_its_own(store: StagingStore, source: Source) -> None:
    assert run(numbers, store, source, "AA", "AB", "AC") == {"AA": False, "AB": False, "AC": False}
    assert [len(rows(store, "numbers", key)) for key in ("AA", "AB", "AC")] == [0, 1, 2]


def test_unchanged_partitions_are_left_alone(store: StagingStore, source: Source) -> None:
    run(numbers, store, source, "AA", "AB")
    assert run(numbers, store, source, "AA", "AB", "AC") == {"AA": True, "AB": True, "AC": False}
    assert source.computed == ["AA", "AB", "AC"]


def test_what_it_depends_on_rebuilds_it(store: StagingStore, source: Source) -> None:
    run(numbers, store, source, "AA")
    source.version = "2"
    assert run(numbers, store, source, "AA") == {"AA": False}


def test_another_version_of_the_code_rebuilds_it(
    store: StagingStore, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(numbers, store, source, "AA")
    monkeypatch.setattr(numbers, "version", "2")
    assert run(numbers, store, source, "AA") == {"AA": False}


def test_other_input_rebuilds_what_reads_it_and_equal_input_does_not(
    store: StagingStore, source: Source
) -> None:
    run(numbers, store, source, "AB")
    run(doubled, store, source, "AB")
    source.version = "2"
    run(numbers, store, source, "AB", run_id="another")
    assert run(doubled, store, source, "AB") == {"AB": True}  # the rows came out the same
    write_partition(store, "numbers", "AB", Staged([{"n": 7}]), fingerprint="", run_id="")
    assert run(doubled, store, source, "AB") == {"AB": False}


def test_an_incomplete_partition_is_built_again(store: StagingStore, source: Source) -> None:
    source.incomplete = {"AB"}
    run(numbers, store, source, "AA", "AB")
    assert run(numbers, store, source, "AA", "AB") == {"AA": True, "AB": False}


def test_a_run_that_fails_goes_on_where_it_stopped(store: StagingStore, source: Source) -> None:
    source.breaks = "AC"
    with pytest.raises(RuntimeError):
        run(numbers, store, source, "AA", "AB", "AC", "AD")
    source.breaks = None
    run(numbers, store, source, "AA", "AB", "AC", "AD")
    assert source.computed == ["AA", "AB", "AC", "AD"]


def test_a_session_is_given_the_partitions_that_will_be_built(store: StagingStore, source: Source) -> None:
    run(numbers, store, source, "AB")
    run(numbers, store, source, "AA", "AB", "AC")
    assert source.sessions == [["AB"], ["AA", "AC"]]


def test_a_session_holds_so_many_partitions_however_large_the_run(
    store: StagingStore, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "PARTITIONS_A_SESSION", 2)
    run(numbers, store, source, "AA", "AB", "AC", "AD", "AE")
    assert source.sessions == [["AA", "AB"], ["AC", "AD"], ["AE"]]
    assert source.computed == ["AA", "AB", "AC", "AD", "AE"]


def test_a_stage_of_several_outputs_writes_them_in_one_pass(store: StagingStore, source: Source) -> None:
    run(pair, store, source, "AB")
    assert rows(store, "ones", "AB") == [{"n": 1}]
    assert rows(store, "twos", "AB") == [{"n": 2}, {"n": 2}]
    ones, twos = (store.staged_file(kind, "AB") for kind in ("ones", "twos"))
    assert ones is not None and twos is not None and ones.fingerprint == twos.fingerprint
    assert run(pair, store, source, "AB") == {"AB": True}


def test_missing_input_is_named_and_the_others_go_on(store: StagingStore, source: Source) -> None:
    run(numbers, store, source, "AB")
    with pytest.raises(InputMissing, match=r"Left out AA, AC: numbers is missing: materialize it first\."):
        run(doubled, store, source, "AA", "AB", "AC")
    assert rows(store, "doubled", "AB") == [{"n": 0}]


def test_a_damaged_input_is_left_out_and_rebuilt_by_the_next_run(store: StagingStore, source: Source) -> None:
    run(numbers, store, source, "AB", "AC")
    Path(store.path("numbers", "AB")).write_bytes(b"half of it")
    with pytest.raises(InputMissing, match="Left out AB: .* has 10 bytes"):
        run(doubled, store, source, "AB", "AC")
    assert rows(store, "doubled", "AC") == [{"n": 0}, {"n": 2}]
    run(numbers, store, source, "AB", "AC")
    assert run(doubled, store, source, "AB", "AC") == {"AB": False, "AC": True}


# -- as Dagster assets


RANGE_END = "dagster/asset_partition_range_end"


def in_dagster(
    folder: Path,
    source: Source,
    *chosen: Stage,
    more_tags: Mapping[str, str] = MappingProxyType({}),
    without_tags: bool = False,
    **options: Any,
) -> ExecuteInProcessResult:
    tags = {"dagster/asset_partition_range_start": "AA", RANGE_END: "AC", **more_tags}
    staging = StagingResource(url=str(folder))
    return materialize(
        [stage_asset(one) for one in chosen],
        resources={
            "staging": staging,
            "source": source,
            "json_lines": JsonLinesIOManager(staging=staging),
        },
        tags={} if without_tags else tags,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        **options,
    )


def shown(result: ExecuteInProcessResult, node: str, name: str) -> dict[str, Any]:
    events = result.asset_materializations_for_node(node)
    return {str(one.partition): one.metadata[name].value for one in events}


@pytest.fixture(autouse=True)
def declared_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The UI's description of an asset comes from its table; these stages have none."""
    from music_assets.defs import stage_assets
    from music_assets.tables import METADATA

    def spec(kind: str, **about: Any) -> Any:
        from dagster import AssetSpec

        about = {name: about[name] for name in ("deps", "description", "code_version")}
        return AssetSpec(kind, **about).with_io_manager_key("json_lines")

    assert "staging.numbers" not in METADATA.tables
    monkeypatch.setattr(stage_assets, "staged_spec", spec)


def test_each_partition_of_a_run_shows_its_own_metadata(tmp_path: Path, source: Source) -> None:
    result = in_dagster(tmp_path, source, numbers)
    assert shown(result, "numbers", "dagster/partition_row_count") == {"AA": 0, "AB": 1, "AC": 2}
    assert shown(result, "numbers", "count") == {"AA": 0, "AB": 1, "AC": 2}
    assert shown(result, "numbers", "spent") == {"AA": 1, "AB": 1, "AC": 1}
    again = in_dagster(tmp_path, source, numbers)
    assert shown(again, "numbers", "unchanged") == {"AA": True, "AB": True, "AC": True}
    assert shown(again, "numbers", "spent") == {"AA": 0, "AB": 0, "AC": 0}
    assert shown(again, "numbers", "count_before") == {"AA": 0, "AB": 1, "AC": 2}


def test_a_step_that_fails_shows_what_it_has_finished(tmp_path: Path, source: Source) -> None:
    """Else Dagster shows all of the run's partitions as failed, and tries all of them again."""

    def recorded(name: str) -> dict[str | None, AssetMaterialization]:
        records = instance.fetch_materializations(AssetKey(name), limit=10).records
        return {one.partition_key: one.asset_materialization for one in records if one.asset_materialization}

    instance = DagsterInstance.ephemeral()
    source.breaks = "AB"
    assert not in_dagster(tmp_path, source, numbers, raise_on_error=False, instance=instance).success
    assert recorded("numbers")["AA"].metadata["spent"].value == 1
    assert recorded("numbers").keys() == {"AA"}
    source.breaks = None
    assert shown(in_dagster(tmp_path, source, numbers), "numbers", "spent") == {"AA": 0, "AB": 1, "AC": 1}
    Path(StagingStore(str(tmp_path)).path("numbers", "AB")).write_bytes(b"half of it")
    both, only = [numbers, doubled], [stage_asset(doubled)]
    in_dagster(tmp_path, source, *both, selection=only, raise_on_error=False, instance=instance)
    assert recorded("doubled").keys() == {"AA", "AC"}
    last = recorded("doubled")["AC"]
    assert last.tags and last.tags["dagster/data_version"] == last.metadata["checksum"].value


def test_stages_follow_one_another_in_a_run(tmp_path: Path, store: StagingStore, source: Source) -> None:
    in_dagster(tmp_path, source, numbers, doubled)
    assert rows(store, "doubled", "AC") == [{"n": 0}, {"n": 2}]


def test_a_missing_input_fails_the_step_for_good_with_what_to_do(tmp_path: Path, source: Source) -> None:
    result = in_dagster(
        tmp_path, source, numbers, doubled, selection=[stage_asset(doubled)], raise_on_error=False
    )
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "numbers is missing: materialize it first" in str(failure.step_failure_data.error)


LONG = "x" * 5000


@stage("spotify_artists", version="1")
def artists(partition: Partition) -> Staged:
    """One row that fits, one to be truncated, one that cannot be made to fit."""
    ids: dict[str, dict[str, Any]] = {"fits": {}, "truncated": {"name": LONG}, "bad": {"url": LONG}}
    rows = [row("spotify_artists", spotify_artist_id=id_, **values) for id_, values in ids.items()]
    return Staged(rows, {"requested": 3}, {"reasons": ["reason of the stage"]})


def test_a_row_too_long_for_its_table_does_not_cost_its_partition(
    tmp_path: Path, store: StagingStore, source: Source
) -> None:
    result = in_dagster(tmp_path, source, artists)
    found = [
        (one["spotify_artist_id"], len(one["name"] or "")) for one in rows(store, "spotify_artists", "AA")
    ]
    assert found == [("fits", 0), ("truncated", 4096)]
    left_out = [
        "Truncated to what its column holds: name in 1 row.",
        "Left out as too long: 1 row: bad, url has more than 256 bytes.",
    ]
    assert shown(result, "spotify_artists", "reasons")["AA"] == ["reason of the stage", *left_out]
    assert shown(result, "spotify_artists", "dagster/partition_row_count")["AA"] == 2
    again = in_dagster(tmp_path, source, artists)  # what was left out is shown of an unchanged partition too
    assert shown(again, "spotify_artists", "reasons")["AA"] == left_out


# -- rebuilding


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"half")])
def test_a_file_that_was_removed_or_cut_is_built_again(
    store: StagingStore, source: Source, harm: Any
) -> None:
    run(pair, store, source, "AA", "AB")
    harm(Path(store.path("twos", "AB")))
    assert run(pair, store, source, "AA", "AB") == {"AA": True, "AB": False}
    assert rows(store, "twos", "AB") == [{"n": 2}, {"n": 2}]


def test_a_run_with_the_tag_builds_what_is_up_to_date(tmp_path: Path, source: Source) -> None:
    in_dagster(tmp_path, source, numbers)
    again = in_dagster(tmp_path, source, numbers, more_tags={FORCE: "true"})
    assert shown(again, "numbers", "unchanged") == {"AA": False, "AB": False, "AC": False}


def test_a_partition_alone_has_its_checksum_as_data_version(tmp_path: Path, source: Source) -> None:
    def versions(last: str) -> set[str]:
        done = in_dagster(tmp_path, source, numbers, more_tags={RANGE_END: last})
        return {one.tags["dagster/data_version"] for one in done.asset_materializations_for_node("numbers")}

    (alone,) = versions("AA")
    file = StagingStore(str(tmp_path)).staged_file("numbers", "AA")
    assert file is not None and alone == file.checksum
    (together,) = versions("AC")
    assert versions("AC") == {together} != {alone}


def test_a_run_for_no_partition_says_how_to_choose_one(tmp_path: Path, source: Source) -> None:
    done = in_dagster(tmp_path, source, numbers, without_tags=True, raise_on_error=False)
    (failure,) = [event for event in done.all_events if event.is_step_failure]
    assert "--partition AB" in str(failure.step_failure_data.user_failure_data.description)

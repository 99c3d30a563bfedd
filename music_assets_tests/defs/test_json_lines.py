"""The JSON Lines IO manager: one partition at a time, kept where nothing changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetExecutionContext, Definitions, asset, materialize

from music_assets.defs.assets.common import reporter
from music_assets.defs.json_lines import JsonLinesIOManager
from music_assets.defs.partitions import backfill_policy, msd_directories
from music_assets.defs.resources import StagingResource
from music_assets.defs.slices import Made, Slices, StagedSlices
from music_assets.staging.rows import encode_for
from music_assets_tests.warehouse.rows import row

ASKED: list[str] = []
EXPECTED: list[list[str]] = []
INPUT = {"version": "1"}
COMPLETE = {"AB": True}


@asset(partitions_def=msd_directories, backfill_policy=backfill_policy, io_manager_key="json_lines")
def numbers(context: AssetExecutionContext) -> Slices:
    def make(key: str, before: object) -> Made:
        if key == INPUT.get("breaks"):
            raise RuntimeError(f"{key} broke")
        ASKED.append(key)
        beside = {"letters": Made([{"letter": key}])}
        rows = [{"n": n} for n in range(ord(key[1]) - ord("A"))]
        return Made(rows, {"count": len(rows)}, complete=COMPLETE.get(key, True), beside=beside)

    keys = context.partition_keys
    report = reporter(context, "numbers")
    return Slices(keys, lambda key: INPUT["version"], make, report, expect=EXPECTED.append)


@asset(partitions_def=msd_directories, backfill_policy=backfill_policy, io_manager_key="json_lines")
def doubled(context: AssetExecutionContext, numbers: StagedSlices) -> Slices:
    def make(key: str, before: object) -> Made:
        return Made([{"n": 2 * row["n"]} for row in numbers[key]])

    def made_from(key: str) -> str:
        return numbers.staged_file(key).checksum

    return Slices(context.partition_keys, made_from, make, reporter(context, "doubled"))


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    ASKED.clear()
    EXPECTED.clear()
    INPUT.clear()
    INPUT["version"] = "1"
    COMPLETE["AB"] = True


def run(folder: Path, first: str, last: str, *assets: object, **options: object):
    staging = StagingResource(url=str(folder))
    return materialize(
        list(assets) or [numbers],
        resources={"json_lines": JsonLinesIOManager(staging=staging), "staging": staging},
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        **options,
    )


def staged(folder: Path, kind: str) -> StagedSlices:
    return StagedSlices(StagingResource(url=str(folder)).store(), kind)


def test_each_partition_of_a_run_gets_a_file_of_its_own(tmp_path: Path) -> None:
    run(tmp_path, "AA", "AC")
    assert [len(staged(tmp_path, "numbers")[key]) for key in ("AA", "AB", "AC")] == [0, 1, 2]


def test_each_partition_gets_its_own_metadata(tmp_path: Path) -> None:
    made = run(tmp_path, "AA", "AC").asset_materializations_for_node("numbers")
    rows = {one.partition: one.metadata["dagster/partition_row_count"].value for one in made}
    assert rows == {"AA": 0, "AB": 1, "AC": 2}
    assert {one.partition: one.metadata["count"].value for one in made} == rows


def test_what_was_made_from_the_same_is_kept(tmp_path: Path) -> None:
    run(tmp_path, "AA", "AB")
    made = run(tmp_path, "AA", "AC").asset_materializations_for_node("numbers")
    assert ASKED == ["AA", "AB", "AC"]
    assert {one.partition: one.metadata["kept"].value for one in made} == {
        "AA": True,
        "AB": True,
        "AC": False,
    }


def test_an_asset_is_told_at_first_what_it_will_be_asked_for(tmp_path: Path) -> None:
    run(tmp_path, "AB", "AB")
    run(tmp_path, "AA", "AD")
    assert EXPECTED == [["AB"], ["AA", "AC", "AD"]]


def test_rows_that_are_encoded_already_are_kept_as_they_are(tmp_path: Path) -> None:
    @asset(partitions_def=msd_directories, backfill_policy=backfill_policy, io_manager_key="json_lines")
    def encoded(context: AssetExecutionContext) -> Slices:
        def make(key: str, before: object) -> Made:
            return Made(encode_for("encoded", [{"n": 1}, {"n": 2}], key))

        return Slices(context.partition_keys, lambda key: "same", make, reporter(context, "encoded"))

    run(tmp_path, "AA", "AA", encoded)
    assert staged(tmp_path, "encoded")["AA"] == [{"n": 1}, {"n": 2}]
    assert staged(tmp_path, "encoded").staged_file("AA").rows == 2


def test_other_input_makes_it_again(tmp_path: Path) -> None:
    run(tmp_path, "AA", "AB")
    INPUT["version"] = "2"
    run(tmp_path, "AA", "AB")
    assert ASKED == ["AA", "AB", "AA", "AB"]


def test_what_was_left_incomplete_is_made_again(tmp_path: Path) -> None:
    COMPLETE["AB"] = False
    run(tmp_path, "AA", "AB")
    run(tmp_path, "AA", "AB")
    assert ASKED == ["AA", "AB", "AB"]


def test_a_run_that_fails_goes_on_where_it_stopped(tmp_path: Path) -> None:
    INPUT["breaks"] = "AC"
    assert not run(tmp_path, "AA", "AD", raise_on_error=False).success
    del INPUT["breaks"]
    assert run(tmp_path, "AA", "AD").success
    assert ASKED == ["AA", "AB", "AC", "AD"]


def test_what_fell_off_in_the_same_pass_is_kept_beside(tmp_path: Path) -> None:
    run(tmp_path, "AA", "AB")
    assert staged(tmp_path, "letters")["AB"] == [{"letter": "AB"}]
    mine, beside = (staged(tmp_path, kind).staged_file("AB") for kind in ("numbers", "letters"))
    assert mine.fingerprint == beside.fingerprint


def test_downstream_reads_partition_by_partition(tmp_path: Path) -> None:
    run(tmp_path, "AA", "AC", numbers, doubled)
    assert staged(tmp_path, "doubled")["AC"] == [{"n": 0}, {"n": 2}]


def test_a_missing_input_is_named_with_what_to_do(tmp_path: Path) -> None:
    result = run(tmp_path, "AA", "AB", numbers, doubled, selection=[doubled], raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "materialise numbers for AA first" in str(failure.step_failure_data.error)


def test_the_io_manager_works_inside_definitions(tmp_path: Path) -> None:
    staging = StagingResource(url=str(tmp_path))
    Definitions.validate_loadable(
        Definitions(assets=[numbers, doubled], resources={"json_lines": JsonLinesIOManager(staging=staging)})
    )


LONG = "x" * 5000


@asset(partitions_def=msd_directories, backfill_policy=backfill_policy, io_manager_key="json_lines")
def spotify_artists(context: AssetExecutionContext) -> Slices:
    """One row that fits, one to be cut, one that cannot be made to fit."""

    def make(key: str, before: object) -> Made:
        ids = {"fits": {}, "cut": {"name": LONG}, "bad": {"url": LONG}}
        rows = [row("spotify_artists", spotify_artist_id=id_, **values) for id_, values in ids.items()]
        return Made(rows, {"asked": 3}, {"reasons": ["said by the asset"]})

    return Slices(context.partition_keys, lambda key: "1", make, reporter(context, "spotify_artists"))


def test_a_row_too_long_for_its_table_does_not_cost_its_partition(tmp_path: Path) -> None:
    made = run(tmp_path, "AA", "AA", spotify_artists).asset_materializations_for_node("spotify_artists")
    rows = staged(tmp_path, "spotify_artists")["AA"]
    assert [(one["spotify_artist_id"], len(one["name"] or "")) for one in rows] == [
        ("fits", 0),
        ("cut", 4096),
    ]
    assert made[0].metadata["dagster/partition_row_count"].value == 2
    assert made[0].metadata["reasons"].value == [
        "said by the asset",
        "Cut to what its column holds: name of 1 rows.",
        "1 rows are too long and were left out: bad, url has more than 256 bytes.",
    ]


def test_what_was_left_out_is_told_of_a_kept_partition_too(tmp_path: Path) -> None:
    run(tmp_path, "AA", "AA", spotify_artists)
    made = run(tmp_path, "AA", "AA", spotify_artists).asset_materializations_for_node("spotify_artists")
    assert made[0].metadata["kept"].value is True
    assert any("were left out: bad" in one for one in made[0].metadata["reasons"].value)

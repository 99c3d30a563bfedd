"""Validation: a file that passes can be loaded, and one that fails says why."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String

from music_assets.staging.limits import MAX_ROW_BYTES
from music_assets.staging.store import checksum
from music_assets.staging.validation import Checked, check_file
from music_assets.tables import STAGED
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.manifest import CopyFrom, Manifest
from music_assets_tests.support.staged_rows import row

TABLE = STAGED["mapped_songs"]


def mapped(**values: Any) -> dict[str, Any]:
    good = {"track_id": "TRAAAAA", "status": "matched", "rank": 1, "score": 0.9, "accepted": True}
    return {"slice": "AA", **row("mapped_songs", **{**good, "reasons": ["title equal"], **values})}


def packed(lines: list[Any]) -> bytes:
    return gzip.compress(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def problems(lines: list[Any], table=TABLE) -> tuple[str, ...]:
    return check_file(table, packed(lines), "AA").problems


def test_a_good_file_passes_and_is_counted() -> None:
    checked = check_file(TABLE, packed([mapped(), mapped(spotify_track_id="x", rank=2)]), "AA")
    assert (checked.rows, checked.problems) == (2, ())


def test_an_empty_file_passes() -> None:
    assert problems([]) == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"score": "high"}, "score is not a number in 1 row, such as TRAAAAA NULL"),
        ({"rank": 2**31}, "rank is not a whole number that fits"),
        ({"rank": 1.5}, "rank is not a whole number that fits"),
        ({"accepted": 1}, "accepted is not true or false"),
        ({"reasons": "title equal"}, "reasons is not a list or a map"),
        ({"fetched_at": "yesterday"}, "fetched_at is not a date"),
        ({"status": "x" * 17}, "status is not text of at most 16 bytes"),
        ({"status": "é" * 9}, "status is not text of at most 16 bytes"),  # Redshift counts bytes
        ({"fetched_at": "2026-11-22T07:00:00+02:00"}, "fetched_at is not a date"),  # the zone would be lost
        ({"fetched_at": "2026-02-30 07:00:00"}, "fetched_at is not a date"),
        ({"fetched_at": 5}, "fetched_at is not a date"),
        ({"rank": True}, "rank is not a whole number that fits"),
        ({"track_id": None}, "track_id is missing"),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_named(values: dict[str, Any], said: str) -> None:
    found = problems([mapped(spotify_track_id="other"), mapped(**values)])
    assert len(found) == 1
    assert said in found[0]


def test_a_field_the_table_lacks_and_one_the_file_lacks_are_named() -> None:
    short = mapped()
    del short["margin"]
    found = problems([{**short, "mood": "blue"}])
    assert "field 'mood' is not a column (1 row)" in found
    assert "field 'margin' is missing in some rows" in found


def test_fields_kept_for_other_assets_alone_are_no_strangers() -> None:
    search = {"slice": "AA", **row("spotify_search", track_id="TRA", status="pending"), "tracks": []}
    assert problems([search], STAGED["spotify_search"]) == ()
    assert problems([{**mapped(), "tracks": []}]) == ("field 'tracks' is not a column (1 row)",)


def test_a_key_that_comes_twice_is_named() -> None:
    (said,) = problems([mapped(spotify_track_id="x"), mapped(spotify_track_id="x")])
    assert said.startswith("the key track_id, spotify_track_id is not unique")
    assert "TRAAAAA x" in said


def test_rows_of_another_slice_are_refused() -> None:
    (said,) = problems([{**mapped(), "slice": "AB"}])
    assert said.startswith("slice is not 'AA' in 1 row")


def test_a_row_longer_than_copy_takes_is_refused_by_name() -> None:
    reasons = ["x" * 60_000] * 70
    (said,) = problems([mapped(), mapped(track_id="TRAAAAB", reasons=reasons)])
    assert len(reasons) * 60_000 > MAX_ROW_BYTES
    assert said == "the row has more than the 4194304 bytes that COPY accepts in 1 row, such as TRAAAAB NULL"


@pytest.mark.parametrize(
    "reasons",
    [["é" * 32_768], [{"nested": [{"deep": "x" * 65_536}]}], [{"x" * 65_536: 1}]],
    ids=["bytes, not characters", "nested", "the name of a field"],
)
def test_a_text_in_a_list_longer_than_copy_takes_is_refused_by_name(reasons: list[Any]) -> None:
    (said,) = problems([mapped(), mapped(track_id="TRAAAAB", reasons=reasons)])
    assert said.startswith("reasons holds a text of more than the 65535 bytes")
    assert said.endswith("such as TRAAAAB NULL")


def test_a_long_row_of_short_texts_passes() -> None:
    assert problems([mapped(reasons=["x" * 65_535] * 60)]) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip at all",
        gzip.compress(b'{"slice":"AA"'),
        gzip.compress(b'{"slice":"AA"}\n' * 5000)[:-40],
        gzip.compress(b"[1, 2]\n"),
    ],
    ids=["not gzip", "broken JSON", "truncated", "no objects"],
)
def test_what_is_no_json_lines_file_is_refused(content: bytes) -> None:
    assert check_file(TABLE, content, "AA").problems


@given(st.binary(max_size=200))
def test_nothing_in_a_file_makes_validation_fail(text: bytes) -> None:
    assert check_file(TABLE, gzip.compress(text), "AA").problems or not text.strip(b"\n")


@pytest.mark.parametrize("kind", STAGED)
def test_whatever_passes_can_be_loaded_by_duckdb(kind: str, tmp_path: Path) -> None:
    """Each column at the edge of what validation accepts."""
    table = STAGED[kind]
    most = {"slice": "AA"} | {
        str(column.name): _edge(column) for column in table.columns if column.name != "slice"
    }
    path = tmp_path / "edge.json.gz"
    path.write_bytes(packed([most]))
    assert check_file(table, path.read_bytes(), "AA") == Checked(1, ())
    manifest = Manifest(kind, "AA", str(path), 1, path.stat().st_size, checksum(path.read_bytes()))
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", tmp_path / "p.duckdb")
    assert warehouse.load(CopyFrom(kind, (manifest,)), "run").loaded == {"AA": 1}


def _edge(column: Any) -> Any:
    edges = {
        "INTEGER": 2**31 - 1,
        "BIGINTEGER": -(2**63),
        "DOUBLE": 1.7976931348623157e308,
        "BOOLEAN": True,
        "DATETIME": "2026-11-22T07:00:00.123456",
        "DATE": "2026-02-28",
    }
    if isinstance(column.type, String):
        return "é" * (column.type.length // 2)
    return edges.get(type(column.type).__name__.upper(), ["x" * 65_535])

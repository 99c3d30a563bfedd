"""The gate: a file that passes can be loaded, and one that does not is told why."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from music_assets.warehouse.gate import MAX_ROW_BYTES, check_file
from music_assets.warehouse.schema import STAGED
from music_assets_tests.warehouse.rows import row

TABLE = STAGED["mapped_songs"]


def mapped(**values: Any) -> dict[str, Any]:
    good = {"track_id": "TRAAAAA", "status": "matched", "rank": 1, "score": 0.9, "accepted": True}
    return {"slice": "AA", **row("mapped_songs", **{**good, "reasons": ["title equal"], **values})}


def problems(tmp_path: Path, lines: list[Any], table=TABLE) -> tuple[str, ...]:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(line) + b"\n" for line in lines)))
    return check_file(table, str(path), "AA").problems


def test_a_good_file_passes_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.json.gz"
    lines = [mapped(), mapped(spotify_track_id="x", rank=2)]
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(line) + b"\n" for line in lines)))
    checked = check_file(TABLE, str(path), "AA")
    assert (checked.rows, checked.problems) == (2, ())


def test_an_empty_file_passes(tmp_path: Path) -> None:
    assert problems(tmp_path, []) == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"score": "high"}, "score is not a number in 1 rows, such as TRAAAAA NULL"),
        ({"rank": 2**31}, "rank is not a whole number that fits"),
        ({"rank": 1.5}, "rank is not a whole number that fits"),
        ({"accepted": 1}, "accepted is not true or false"),
        ({"reasons": "title equal"}, "reasons is not a list or a map"),
        ({"fetched_at": "yesterday"}, "fetched_at is not a date"),
        ({"status": "x" * 17}, "status is not text of at most 16 bytes"),
        ({"status": "é" * 9}, "status is not text of at most 16 bytes"),  # Redshift counts bytes
        ({"track_id": None}, "track_id is missing"),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_named(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    found = problems(tmp_path, [mapped(spotify_track_id="other"), mapped(**values)])
    assert len(found) == 1
    assert said in found[0]


def test_a_field_the_table_lacks_and_one_the_file_lacks_are_named(tmp_path: Path) -> None:
    short = mapped()
    del short["margin"]
    found = problems(tmp_path, [{**short, "mood": "blue"}])
    assert "field 'mood' is not a column (1 rows)" in found
    assert "field 'margin' is missing in some rows" in found


def test_fields_kept_for_other_assets_alone_are_no_strangers(tmp_path: Path) -> None:
    search = {"slice": "AA", **row("spotify_search", track_id="TRA", status="pending"), "tracks": []}
    assert problems(tmp_path, [search], STAGED["spotify_search"]) == ()
    assert problems(tmp_path, [{**mapped(), "tracks": []}]) == ("field 'tracks' is not a column (1 rows)",)


def test_a_key_that_comes_twice_is_named(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, [mapped(spotify_track_id="x"), mapped(spotify_track_id="x")])
    assert said.startswith("the key track_id, spotify_track_id is not unique")
    assert "TRAAAAA x" in said


def test_rows_of_another_slice_are_refused(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, [{**mapped(), "slice": "AB"}])
    assert said.startswith("slice is not 'AA' in 1 rows")


def test_a_row_longer_than_copy_takes_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, [mapped(reasons=["x" * (MAX_ROW_BYTES + 1)])])
    assert any("longer than" in said for said in found)


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
def test_what_is_no_json_lines_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(content)
    assert check_file(TABLE, str(path), "AA").problems

"""Rows are made to fit what COPY accepts: truncated where the column says so, else left out, and counted."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.staging.limits import MAX_ROW_BYTES, longest_text
from music_assets.staging.rows import decode, encode
from music_assets.staging.validation import check_file
from music_assets.tables import METADATA, STAGED
from music_assets_tests.support.staged_rows import row


def track(id_: str = "6rqhFgbbKwnb9MLmUQDhG6", **values: Any) -> dict[str, Any]:
    return row("spotify_tracks", spotify_track_id=id_, source="api", **values)


def fitted(*rows: dict[str, Any]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Rows as they are written, and what was changed or left out; each file passes validation."""
    encoded = encode(list(rows), "AA", STAGED["spotify_tracks"])
    assert check_file(STAGED["spotify_tracks"], encoded.content, "AA").problems == ()
    assert encoded.validation is not None
    assert encoded.rows == len(gzip.decompress(encoded.content).splitlines())
    return decode(encoded.content), encoded.changes


def test_rows_that_fit_stay_as_they_are() -> None:
    rows, changes = fitted(track(name="x" * 4096), track("b", name=None))
    assert [one["name"] for one in rows] == ["x" * 4096, None]
    assert changes == ()


@given(st.text(st.characters(exclude_categories=["Cs", "Cn", "Cc"]), min_size=1, max_size=40))
def test_a_name_is_cut_between_characters_never_within_one(piece: str) -> None:
    name = piece * (4097 // len(piece) + 1)
    ((cut,), changes) = fitted(track(name=name))
    assert name.startswith(cut["name"])
    assert 4096 - 4 < len(cut["name"].encode()) <= 4096
    assert changes == ("Truncated to what its column holds: name in 1 row.",)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"isrc": "é" * 17}, "isrc has more than 32 bytes"),
        ({"available_markets": ["x" * 65_536]}, "available_markets holds a text of 65,536 bytes, of 65,535"),
        ({"artists": [{"name": "x" * 60_000}] * 70}, "COPY accepts 4,194,304"),
    ],
    ids=["not to be cut", "text in a list", "row"],
)
def test_a_row_that_cannot_be_made_to_fit_is_left_out_and_named(values: dict[str, Any], why: str) -> None:
    rows, changes = fitted(track("good"), track("bad", **values), track("fine"))
    assert [one["spotify_track_id"] for one in rows] == ["good", "fine"]
    (left_out,) = changes
    assert left_out.startswith("Left out as too long: 1 row: bad, ")
    assert why in left_out


def test_what_was_truncated_and_left_out_is_counted() -> None:
    long = "x" * 5000
    bad = [track(f"bad {n}", isrc=long) for n in range(4)]
    _, changes = fitted(track("a", name=long), track("b", name=long, album_name=long), *bad)
    assert changes == (
        "Truncated to what its column holds: album_name in 1 row, name in 2 rows.",
        "Left out as too long: 4 rows: bad 0, isrc has more than 32 bytes; bad 1, isrc has more than 32 "
        "bytes; bad 2, isrc has more than 32 bytes, ….",
    )


def test_the_longest_text_is_found_however_deep() -> None:
    assert longest_text({"a": [{"bb": ["ccc", None, 1.5, {"é" * 4: True}]}]}) == 8
    assert longest_text([]) == 0


def test_columns_that_are_cut_say_so_and_are_no_keys() -> None:
    columns = [column for table in METADATA.tables.values() for column in table.columns]
    assert any(column.info["truncate"] for column in columns)
    for column in columns:
        assert column.info["truncate"] == (column.comment or "").endswith("Longer ones are cut."), column
        assert not (column.info["truncate"] and column.info["key"]), column


def test_lists_are_within_the_limit_of_super_where_the_row_is() -> None:
    assert MAX_ROW_BYTES < 16 * 1024 * 1024

"""Rows as gzip JSON Lines: what goes in comes out, and the same rows give the same bytes."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.staging.rows import decode, encode

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.text(min_size=1, max_size=8).filter(lambda name: name not in ("slice", "fetched_at"))


@given(st.lists(st.dictionaries(fields, values, max_size=5), max_size=8))
def test_rows_come_back_as_they_were(rows) -> None:
    content, count = encode(rows, "AB")
    assert count == len(rows)
    assert decode(content) == rows
    assert all(orjson.loads(line)["slice"] == "AB" for line in gzip.decompress(content).split(b"\n") if line)


@given(st.lists(st.dictionaries(fields, values, max_size=5), max_size=8))
def test_the_same_rows_give_the_same_bytes(rows) -> None:
    assert encode(rows, "AB") == encode(rows, "AB")


def test_every_kind_of_missing_in_a_frame_becomes_null_and_zeros_stay() -> None:
    frame = pd.DataFrame(
        {
            "text": pd.Series(["a", None], dtype="str"),
            "whole": pd.Series([0, None], dtype="Int64"),
            "real": [0.0, float("nan")],
            "lists": [["x"], []],
        }
    )
    assert decode(encode(frame, "AA")[0]) == [
        {"text": "a", "whole": 0, "real": 0.0, "lists": ["x"]},
        {"text": None, "whole": None, "real": None, "lists": []},
    ]


@pytest.mark.parametrize(
    "when",
    [
        datetime(2026, 11, 22, 7, 0, tzinfo=UTC),
        datetime(2026, 11, 22, 9, 0, tzinfo=timezone(timedelta(hours=2))),
        "2026-11-22T07:00:00Z",
        "2026-11-22T07:00:00+00:00",
        "2026-11-22T07:00:00",
    ],
    ids=str,
)
def test_times_are_utc_without_a_zone(when) -> None:
    (row,) = decode(encode([{"fetched_at": when}], "AA")[0])
    assert row == {"fetched_at": "2026-11-22T07:00:00"}


def test_what_json_cannot_hold_is_an_error() -> None:
    with pytest.raises(TypeError):
        encode([{"value": object()}], "AA")

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
from music_assets.staging.validation import Checked, check_file
from music_assets.tables import STAGED
from music_assets_tests.support.staged_rows import row

NOT_TEXT = "\0\ufffe\uffff" + "".join(map(chr, range(0xFDD0, 0xFDF0)))
# NUL and noncharacters cannot be stored: they are replaced, which has a test of its own.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NOT_TEXT))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
fields = texts.filter(lambda name: name and name not in ("slice", "fetched_at"))


@given(st.lists(st.dictionaries(fields, values, max_size=5), max_size=8))
def test_rows_come_back_as_they_were(rows) -> None:
    encoded = encode(rows, "AB")
    assert encoded.rows == len(rows)
    assert decode(encoded.content) == rows
    lines = gzip.decompress(encoded.content).split(b"\n")
    assert all(orjson.loads(line)["slice"] == "AB" for line in lines if line)


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
    assert decode(encode(frame, "AA").content) == [
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
    (row,) = decode(encode([{"fetched_at": when}], "AA").content)
    assert row == {"fetched_at": "2026-11-22T07:00:00"}


def test_what_json_cannot_hold_is_an_error() -> None:
    with pytest.raises(TypeError):
        encode([{"value": object()}], "AA")


@pytest.mark.parametrize("broken", ["\ud83d", "\0", "\ufdd0", "\uffff"])
def test_what_is_no_character_is_replaced_and_counted(broken: str) -> None:
    """JSON refuses half a surrogate pair, PostgreSQL and Redshift NUL, Redshift noncharacters."""
    rows = [{"name": f"a{broken}b", "more": [{"deep": broken}]}, {"name": "fine", "more": []}]
    encoded = encode(rows, "AB")
    assert decode(encoded.content) == [{"name": "a\ufffdb", "more": [{"deep": "\ufffd"}]}, rows[1]]
    assert encoded.changes == ("Replaced by U+FFFD what is not a character in the texts of 1 row.",)


def test_a_backslash_is_no_nul() -> None:
    encoded = encode([{"name": "a\\u0000b"}], "AB")
    assert decode(encoded.content) == [{"name": "a\\u0000b"}]
    assert encoded.changes == ()


def test_rows_that_do_not_fit_their_table_are_left_out_and_counted() -> None:
    good = row("artist_votes", artist_id="AR1", spotify_artist_id="x", votes=1, agreement=1.0)
    rows = [good, {**good, "artist_id": "AR2", "votes": "many"}, {**good, "artist_id": None}, good]
    encoded = encode(rows, "AB", STAGED["artist_votes"])
    assert decode(encoded.content) == [good]
    assert encoded.changes == (
        "Left out: artist_id is missing in 1 row, such as NULL x.",
        "Left out: votes is not a whole number that fits in 1 row, such as AR2 x.",
        "Left out: the key artist_id, spotify_artist_id is not unique in 1 row, such as AR1 x.",
    )
    assert check_file(STAGED["artist_votes"], encoded.content, "AB") == Checked(1, ())


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**70, 10**400])
def test_a_number_that_json_cannot_hold_costs_its_row_alone(number: int) -> None:
    good = row("artist_votes", artist_id="AR1", spotify_artist_id="x", votes=1, agreement=1.0)
    encoded = encode([good, {**good, "artist_id": "AR2", "votes": number}], "AB", STAGED["artist_votes"])
    assert decode(encoded.content) == [good] and encoded.validation is not None
    assert encoded.changes == ("Left out: votes is not a whole number that fits in 1 row, such as AR2 x.",)


def test_rows_with_other_fields_than_their_table_are_not_stamped() -> None:
    """Which refuses the file where it is recorded, with the fields named."""
    rows = [row("artist_votes", artist_id="AR1", spotify_artist_id="x") | {"mood": "blue"}]
    assert encode(rows, "AB", STAGED["artist_votes"]).validation is None

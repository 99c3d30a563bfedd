"""A body comes out as it went in, whatever JSON may hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.ledger.records import pack, unpack

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs too
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(BODIES)
def test_any_json_survives(body: object) -> None:
    assert unpack(pack(body)) == body


@pytest.mark.parametrize("body", ["\ud800", 2**64, {"\udfff": -(2**63) - 1}])
def test_what_fast_json_cannot_write_survives(body: object) -> None:
    assert unpack(pack(body)) == body


@pytest.mark.parametrize("damaged", [b"", b"\x00", (pack({"n": 1}) or b"")[:-2]])
def test_damage_is_named(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(damaged)

"""Partitions: their keys, how they are named on a command line, how they are cut into runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.defs.partitions import KEYS, PARTITIONS_A_RUN, PartitionsError, parse_partitions, runs_of


def test_there_are_676_keys_without_a_slash() -> None:
    assert len(KEYS) == 676
    assert (KEYS[0], KEYS[-1]) == ("AA", "ZZ")


@pytest.mark.parametrize(
    ("spec", "keys"),
    [
        ("AB", ["AB"]),
        ("ab", ["AB"]),
        ("A/B", ["AB"]),
        ("AY...BB", ["AY", "AZ", "BA", "BB"]),
        ("AB, ZZ ,AB", ["AB", "ZZ"]),
        ("A*", [key for key in KEYS if key[0] == "A"]),
        ("*B", [key for key in KEYS if key[1] == "B"]),
        ("*", list(KEYS)),
    ],
)
def test_what_a_specification_names(spec: str, keys: list[str]) -> None:
    assert parse_partitions(spec) == keys


@pytest.mark.parametrize(
    "spec", ["", " , ", "A", "ABC", "A1", "AB...", "...AB", "BB...AA", "ÄB", "A?", "[AB]"]
)
def test_what_names_nothing_is_refused_with_the_part_and_the_forms(spec: str) -> None:
    with pytest.raises(PartitionsError, match=r"AB, AA\.\.\.AZ, A\*"):
        parse_partitions(spec)


def test_one_bad_part_is_named_among_good_ones() -> None:
    with pytest.raises(PartitionsError, match="^'A9' names no partition"):
        parse_partitions("AA,A9")


@given(st.sets(st.sampled_from(KEYS)))
def test_runs_cover_the_keys_once_as_neighbours(keys: set[str]) -> None:
    covered = []
    for first, last in runs_of(keys):
        run = KEYS[KEYS.index(first) : KEYS.index(last) + 1]
        assert 1 <= len(run) <= PARTITIONS_A_RUN
        covered += run
    assert covered == sorted(keys)


def test_the_whole_msd_is_a_run_for_four_letters_each() -> None:
    runs = runs_of(KEYS)
    assert len(runs) == -(-len(KEYS) // PARTITIONS_A_RUN)
    assert runs[1] == ("EA", "HZ")

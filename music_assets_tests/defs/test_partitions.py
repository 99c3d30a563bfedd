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


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("AA-AZ", "AA...AZ"),
        ("AA..AZ", "AA...AZ"),
        ("AA:AZ", "AA...AZ"),
        ("aa … az", "AA...AZ"),
        ("a/a to a/z", "AA...AZ"),
        ("BB...AA", "AA...BB"),
        ("A-C", "AA...CZ"),
        ("a", "A*"),
        ("A?", "A*"),
        ("data/msd/a/b", "AB"),
        ("/mnt/msd/A/B/C/", "AB"),
        ("A/B/C/TRABCXX128F423E0CC.h5", "AB"),
        ("TRABCXX128F423E0CC", "AB"),
    ],
)
def test_a_form_that_is_nearly_right_is_given_as_it_should_be(spec: str, meant: str) -> None:
    with pytest.raises(PartitionsError, match="names no partition: .* Did you mean") as raised:
        parse_partitions(f"BC,{spec}")
    assert str(raised.value).endswith(f"with commas. Did you mean {meant}?")
    assert parse_partitions(meant)


@pytest.mark.parametrize("spec", ["ABC", "A1", "AA;AB", "AB...", "[AB]", "ÄB"])
def test_nothing_is_guessed_where_nothing_is_near(spec: str) -> None:
    with pytest.raises(PartitionsError) as raised:
        parse_partitions(spec)
    assert "Did you mean" not in str(raised.value)


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


def test_the_whole_msd_is_one_run_a_letter() -> None:
    runs = runs_of(KEYS)
    assert len(runs) == 26
    assert runs[1] == ("BA", "BZ")

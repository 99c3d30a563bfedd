"""The MSD's lists of wrong links and of duplicates; lines made up in their formats."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.corrections import CorrectionsError, read_duplicates, read_sid_mismatches

A, B, C, D = (f"TRA{letter}AAA128F429{letter}538" for letter in "ABCD")

MISMATCHES = f"""\
ERROR: <SOUMNSI12AB0182807 {A}> Paper Lanterns  -  Harbour  !=  The Foxes  -  Night Ferry

ERROR: <SOCMRBE12AB018C546 {B}> Orchid - Salt != Orchid - Sand
ERROR: <SOCMRBE12AB018C546> Orchid - Salt != Orchid - Sand
something else
"""

DUPLICATES = f"""\
# made in March
%1 2 - Paper Lanterns - Harbour
{C}
{A}
%3 - Orchid - Salt
{B}
%4 - Orchid - Sand
{D}
{A}
TRX
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "list.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_wrong_links_are_read_by_track(tmp_path: Path) -> None:
    found = read_sid_mismatches(written(tmp_path, MISMATCHES))
    assert set(found.by_track) == {A, B}
    assert found.by_track[B] == "Orchid - Salt != Orchid - Sand"


def test_lines_of_wrong_links_that_cannot_be_parsed_are_counted_and_named(tmp_path: Path) -> None:
    path = written(tmp_path, MISMATCHES)
    found = read_sid_mismatches(path)
    assert [number for number, _ in found.malformed] == [4, 5]
    assert found.warning is not None
    assert "list.txt: line 4, " in found.warning and "left out, as were 1 more" in found.warning


def test_duplicates_are_known_by_the_smallest_of_their_group(tmp_path: Path) -> None:
    found = read_duplicates(written(tmp_path, DUPLICATES))
    assert found.by_track == {A: A, C: A}


def test_ids_in_two_groups_or_in_none_are_left_out_and_named(tmp_path: Path) -> None:
    path = written(tmp_path, f"{B}\n{DUPLICATES}")
    assert [line for _, line in read_duplicates(path).malformed] == [B, A, "TRX"]


def test_a_list_without_fault_has_no_warning(tmp_path: Path) -> None:
    path = written(tmp_path, f"%1\n{A}\n{B}\n")
    assert read_duplicates(path).warning is None


def test_lines_may_end_as_windows_ends_them(tmp_path: Path) -> None:
    assert read_duplicates(written(tmp_path, f"%1\r\n{A}\r\n{B}\r\n")).by_track == {A: A, B: A}


@pytest.mark.parametrize("read", [read_sid_mismatches, read_duplicates])
def test_a_list_that_is_not_there_is_named(read: object, tmp_path: Path) -> None:
    with pytest.raises(CorrectionsError, match="missing.txt cannot be read: No such file"):
        read(tmp_path / "missing.txt")  # type: ignore[operator]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_line_is_fatal_or_lost(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "list.txt"
    path.write_text(text, encoding="utf-8", newline="")
    for read in (read_sid_mismatches, read_duplicates):
        found = read(path)
        assert len(found.malformed) <= text.count("\n") + text.count("\r") + 1
        assert all(line for _, line in found.malformed)

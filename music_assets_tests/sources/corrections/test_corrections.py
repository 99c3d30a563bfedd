"""Corrections by partition: each knows its own, and a change touches no other."""

from __future__ import annotations

from pathlib import Path

from music_assets.sources.corrections import Corrections, Override, PartitionCorrections

A, B = "TRAAAAW128F429D538", "TRABAAB128F429CF47"
SPOTIFY = "4uLU6hMCjMI75M1A2tKUQC"


def test_without_files_nothing_is_known() -> None:
    known = Corrections.read()
    assert known.partition("AA") == PartitionCorrections()
    assert known.partition("AA").as_text == ""
    assert known.warnings == ()


def test_files_are_read_together_and_split_by_partition(tmp_path: Path) -> None:
    overrides, mismatches, duplicates = (tmp_path / name for name in ("o.csv", "m.txt", "d.txt"))
    overrides.write_text(f"track_id,spotify_track_id,note\n{A},{SPOTIFY},sure\n")
    mismatches.write_text(f"ERROR: <SOUMNSI12AB0182807 {B}> a - b != c - d\nodd\n")
    duplicates.write_text(f"%1\n{A}\n{B}\n")
    known = Corrections.read(overrides, mismatches, duplicates)
    assert known.partition("AA") == PartitionCorrections({A: Override(A, SPOTIFY, "sure")}, set(), {A: A})
    assert known.partition("AB") == PartitionCorrections({}, {B}, {B: A})
    assert known.partition("ZZ") == PartitionCorrections()
    assert len(known.warnings) == 1 and known.warnings[0].startswith("m.txt: line 2, 'odd'")


def test_a_change_shows_in_its_partition_alone() -> None:
    one = Corrections({A: Override(A, SPOTIFY, "sure")}, [B])
    two = Corrections({A: Override(A, SPOTIFY, "quite sure")}, [B])
    assert one.partition("AA").as_text != two.partition("AA").as_text
    assert one.partition("AB").as_text == two.partition("AB").as_text != ""


def test_the_order_of_the_lines_does_not_matter() -> None:
    both = {A: Override(A, SPOTIFY, ""), "TRAAZ" + A[5:]: Override("TRAAZ" + A[5:], None, "")}
    turned = dict(reversed(both.items()))
    assert Corrections(both).partition("AA").as_text == Corrections(turned).partition("AA").as_text

"""The stage that reads the MSD: each partition as it is read alone, and what is missing."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from music_assets.defs.assets.msd import missing_files, read_msd, reading_ahead
from music_assets.defs.assets.msd_partition import read_partition
from music_assets.defs.resources import MsdResource
from music_assets.defs.stages import Plan, build
from music_assets.sources.msd import MsdRoot
from music_assets.staging.partitions import read_rows
from music_assets.staging.store import StagingStore
from music_assets_tests.support.msd_songs import song, write_in_place

KEYS = [f"A{letter}" for letter in "ABCDEFGHIJ"]


@pytest.fixture
def msd(tmp_path: Path) -> MsdResource:
    """Ten partitions of three songs, one of them with a broken file."""
    folder = tmp_path / "msd"
    songs = [song(f"TR{key}{letter}DE128F4230A1B") for key in KEYS for letter in "XYZ"]
    paths = write_in_place(folder, *songs)
    paths[7].write_bytes(b"no HDF5")
    return MsdResource(path=str(folder), sample="")


def test_a_partition_is_staged_as_it_is_read_alone(msd: MsdResource, tmp_path: Path) -> None:
    store = StagingStore(str(tmp_path / "staging"))
    built = list(build(read_msd, KEYS, Plan(store, {"msd": msd}), run_id="run"))
    assert [one.files["msd_songs"].metadata["songs"] for one in built] == [3, 3, 2, *[3] * 7]
    assert "is not an HDF5 file" in built[2].files["msd_songs"].metadata["set_aside_files"][0]
    alone = read_partition(MsdRoot.open(Path(str(msd.path))), "AA")
    assert store.read(built[0].files["msd_songs"]) == alone.msd_songs.content
    assert [row["track_id"] for row in read_rows(store, built[0].files["msd_songs"])] == [
        f"TRAA{letter}DE128F4230A1B" for letter in "XYZ"
    ]


def test_a_changed_file_makes_its_partition_out_of_date(msd: MsdResource, tmp_path: Path) -> None:
    store = StagingStore(str(tmp_path / "staging"))
    list(build(read_msd, KEYS[:2], Plan(store, {"msd": msd}), run_id="run"))
    (path, *_) = (Path(str(msd.path)) / "A" / "B").rglob("*.h5")
    path.unlink()
    plan = Plan(store, {"msd": msd})
    assert plan.is_current(read_msd, "AA") and not plan.is_current(read_msd, "AB")
    (built,) = build(read_msd, ["AB"], plan, run_id="run")
    assert built.run_metadata["msd_songs"]["reasons"] == [
        "Partition AB has 2 MSD files, it had 3 before: is a part of the MSD missing?"
    ]


def test_an_empty_partition_says_so() -> None:
    assert missing_files("AA", 0, 0) == ["Partition AA has no MSD files: it is empty."]
    assert missing_files("AA", 3, 2) == []


def test_reading_ahead_ends_with_its_context(msd: MsdResource) -> None:
    with reading_ahead(KEYS, msd) as read:
        assert read("AA")[0].songs == 3
    with pytest.raises(StopIteration):
        read("AB")


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "[a](javascript:b)",
        "![a](http://b/c.png)",
        "a | b",
        "*a* _b_ `c` #d",
        "a\n\n# b",
    ],
)
def test_the_preview_shows_texts_and_draws_nothing_of_them(text: str, tmp_path: Path) -> None:
    write_in_place(tmp_path, song("TRAAXDE128F4230A1B", title=text))
    *_, line = read_partition(MsdRoot.open(tmp_path), "AA").preview.splitlines()
    cells = [unescape(cell.strip()) for cell in line.strip("|").split("|")]
    assert cells[2] == " ".join(text.split("\n"))
    assert not set(html_of_cell(line)) & set("<>[]()!*_`#")


def html_of_cell(line: str) -> str:
    """The third cell, without its entities."""
    return re.sub(r"&#\d+;", "", line.split("|")[3])

"""What of the MSD is there, against what a whole copy has."""

from __future__ import annotations

from pathlib import Path

from music_assets.sources.download import FULL_SET, SUBSET, count_msd


def song(root: Path, letters: str, name: str | None = None) -> None:
    folder = root / letters[0] / letters[1] / letters[2]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / (name or f"TR{letters}AW128F429D538.h5")).touch()


def test_whole_copies_have_the_sizes_the_msd_gives() -> None:
    assert (len(FULL_SET.directories), FULL_SET.songs) == (676, 1_000_000)
    assert (len(SUBSET.directories), SUBSET.songs) == (35, 10_000)
    assert {"AA", "AZ", "BI"} <= SUBSET.directories
    assert "BJ" not in SUBSET.directories


def test_a_part_of_the_subset_says_what_it_lacks(tmp_path: Path) -> None:
    for letters in ("AAA", "AAB", "BIZ"):
        song(tmp_path, letters)
    count = count_msd(tmp_path)
    assert count.songs_in == {"AA": 2, "BI": 1}
    assert str(count) == "3 of 10,000 songs in 2 of 35 directories of the subset"
    assert count.missing == sorted(SUBSET.directories - {"AA", "BI"})
    assert not count.is_whole


def test_a_directory_beyond_the_subset_means_the_full_set(tmp_path: Path) -> None:
    song(tmp_path, "AAA")
    song(tmp_path, "ZZZ")
    count = count_msd(tmp_path)
    assert count.expected is FULL_SET
    assert len(count.missing) == 674


def test_all_directories_with_all_songs_are_whole(tmp_path: Path) -> None:
    for key in SUBSET.directories:
        song(tmp_path, key + "A")
    count = count_msd(tmp_path)
    assert count.missing == []
    assert not count.is_whole  # 35 songs
    count.songs_in["AA"] += 10_000 - count.songs
    assert count.is_whole


def test_files_elsewhere_and_other_files_are_not_counted_as_songs(tmp_path: Path) -> None:
    song(tmp_path, "AAA")
    song(tmp_path, "AAB", "TRAAAAW128F429D538.h5")  # letters of another folder
    song(tmp_path, "AAA", "._TRAAAAW128F429D538.h5")
    song(tmp_path, "AAA", "notes.txt")
    (tmp_path / "A" / "A" / "aa").mkdir()
    count = count_msd(tmp_path)
    assert (count.songs, count.misplaced) == (1, 1)


def test_the_real_files_are_counted(shared: Path) -> None:
    count = count_msd(shared / "msd")
    assert (count.songs, count.misplaced) == (145, 0)

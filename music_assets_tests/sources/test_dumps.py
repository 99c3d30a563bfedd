"""Dumps and their indexes: built once, whole or not at all, and never from a damaged file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

from music_assets.sources import dumps
from music_assets.sources.dumps import DumpDamaged, IndexUnusable
from music_assets.sources.musicbrainz import MusicBrainz, MusicBrainzFiles
from music_assets_tests.support.dumps import recording, write_canonical


def opened(folder: Path) -> int:
    """How many recordings an index of the dump in the folder has."""
    files = MusicBrainzFiles.find(folder)
    assert files is not None
    with MusicBrainz.open(files, folder / "cache") as musicbrainz:
        return dumps.count(musicbrainz._db, "SELECT count(*) FROM canonical.recordings")


def test_an_index_is_built_once_and_again_for_another_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_canonical(tmp_path, [recording(1, "One")])
    assert opened(tmp_path) == 1
    index = tmp_path / "cache" / "musicbrainz_canonical.duckdb"
    before = index.stat().st_mtime_ns
    assert opened(tmp_path) == 1 and index.stat().st_mtime_ns == before
    write_canonical(tmp_path, [recording(1, "One"), recording(2, "Two")])
    assert opened(tmp_path) == 2
    monkeypatch.setattr("music_assets.sources.musicbrainz.candidates.VERSION", 999)
    before = index.stat().st_mtime_ns
    assert opened(tmp_path) == 2 and index.stat().st_mtime_ns != before
    assert sorted(path.suffix for path in index.parent.iterdir()) == [
        ".duckdb",
        ".lock",
    ]  # nothing is left over


def test_what_a_killed_process_had_unpacked_is_removed_by_the_next(tmp_path: Path) -> None:
    write_canonical(tmp_path, [recording(1, "One")])
    for _ in range(2):  # to build the index, and where it is built
        for name in ("musicbrainz_canonical.building", "musicbrainz_canonical.8864.building"):
            (tmp_path / "cache" / name / "tables").mkdir(parents=True)
        assert opened(tmp_path) == 1
        assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".duckdb", ".lock"]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6])
def test_a_dump_cut_short_is_named_and_leaves_no_index(tmp_path: Path, share: float) -> None:
    file = write_canonical(
        tmp_path, [recording(n, f"Song {hashlib.md5(bytes([n])).hexdigest()}") for n in range(250)]
    )
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(DumpDamaged, match=f"{file.name}.*download it again"):
        opened(tmp_path)
    assert not list((tmp_path / "cache").glob("*.duckdb*")) and not list(
        (tmp_path / "cache").glob("*.building")
    )


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x28\xb5\x2f\xfd rubbish", b"BZh9 rubbish"])
def test_what_is_no_dump_is_named(tmp_path: Path, content: bytes) -> None:
    write_canonical(tmp_path, []).write_bytes(content)
    with pytest.raises(DumpDamaged):
        opened(tmp_path)


def test_a_first_line_that_is_not_csv_is_named(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_bytes(b"mbid,b\rpm\n1,2\n")
    with duckdb.connect() as db, pytest.raises(DumpDamaged, match=r"one\.csv.* first line is not CSV"):
        dumps.read_csv(db, file, ["mbid"])


def test_a_dump_that_is_not_that_of_its_checksum_is_not_used(tmp_path: Path) -> None:
    file = write_canonical(tmp_path, [recording(1, "One")])
    beside = file.with_name(f"{file.name}.sha256")
    beside.write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
    assert opened(tmp_path) == 1
    write_canonical(tmp_path, [recording(1, "Other")])
    with pytest.raises(DumpDamaged, match="SHA-256"):
        opened(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write_canonical(tmp_path, [recording(1, "One")])
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(IndexUnusable, match="cache"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["a%20b?c#d'e [x]*", "artist_credit_name=no value"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "recording_name=no value" / name
    write_canonical(folder, [recording(1, "One")])
    assert opened(folder) == 1
    with duckdb.connect(str(folder / "cache" / "musicbrainz_canonical.duckdb"), read_only=True) as index:
        assert "no value" not in str(index.execute("FROM recordings").fetchall())

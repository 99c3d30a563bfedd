"""The archive is read once into an index, the folder as it lies; both give the same ids."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from music_assets.sources.dumps import DumpDamaged, IndexUnusable
from music_assets.sources.echonest import EchoNestArchive, SongIds, find_archive
from music_assets_tests.support.echonest_archive import shares, write_archive
from music_assets_tests.support.sandbox import catalogue, songs_frame, truth

SONGS = songs_frame(300)
SONG_IDS = list(SONGS["song_id"])


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("echonest"), SONGS)


def ids_in(path: Path, cache: Path) -> dict[str, SongIds]:
    with EchoNestArchive.open(path, cache) as archive:
        return archive.ids_of(SONG_IDS)


def test_it_knows_what_the_archive_knows_by_song_id(tracks: Path, tmp_path: Path) -> None:
    became = write_archive(tmp_path / "archive.tar.bz2", SONGS, tracks)
    with EchoNestArchive.open(tmp_path / "archive.tar.bz2", tmp_path / "cache") as archive:
        ids = archive.ids_of([*SONG_IDS, "SOUNKNOWN000000000"])
    found = {song_id: of.tracks for song_id, of in ids.items() if of.tracks}
    assert found.keys() == {id_ for id_, kind in became.items() if kind not in ("empty", "elsewhere")}
    right = dict(zip(SONG_IDS, (truth(tracks)[id_] for id_ in SONGS["track_id"]), strict=True))
    for song_id, tracks_ in found.items():
        hits = [id_ in right[song_id] for id_ in tracks_]
        assert ids[song_id].albums.keys() == tracks_.keys()
        assert {"right": all(hits), "moved": hits[1:] and all(hits[1:]) and not hits[0]}.get(
            became[song_id], not any(hits)
        )


def test_the_sandboxs_archive_has_some_of_everything(tracks: Path, tmp_path: Path) -> None:
    became = write_archive(tmp_path / "a", SONGS, tracks)
    count = shares(became)
    assert count.keys() == {"right", "moved", "wrong", "dead", "elsewhere", "empty"}
    assert 0.6 < 1 - (count["elsewhere"] + count["empty"]) / 300 < 0.8
    assert write_archive(tmp_path / "b", SONGS, tracks) == became
    assert write_archive(tmp_path / "c", SONGS, tracks, seed=1) != became


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.bz2", "folder"])
def test_every_form_of_it_says_the_same(tracks: Path, tmp_path: Path, name: str) -> None:
    write_archive(tmp_path / "reference.tar", SONGS, tracks, broken=3)
    write_archive(tmp_path / name, SONGS, tracks, broken=3)  # nothing beside them is lost
    expected = ids_in(tmp_path / "reference.tar", tmp_path / "cache")
    with EchoNestArchive.open(tmp_path / name, tmp_path / "other") as archive:
        assert archive.ids_of(SONG_IDS) == expected and len(expected) > 150


def test_an_unpacked_archive_may_lie_in_its_folder(tracks: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar", SONGS, tracks)
    with tarfile.open(tmp_path / "a.tar") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    expected = ids_in(tmp_path / "a.tar", tmp_path / "cache")
    assert ids_in(tmp_path / "unpacked", tmp_path / "none") == expected
    assert ids_in(tmp_path / "unpacked" / "millionsongdataset_echonest", tmp_path / "none") == expected
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["millionsongdataset_echonest.tar.bz2", "millionsongdataset_echonest"])
def test_it_is_found_in_the_folder_of_downloads_by_its_name(tracks: Path, tmp_path: Path, name: str) -> None:
    assert find_archive(tmp_path) is None
    write_archive(tmp_path / name, SONGS, tracks)
    assert find_archive(tmp_path) == tmp_path / name


def test_an_archive_is_read_once_and_again_when_it_changes(tracks: Path, tmp_path: Path) -> None:
    path, cache = tmp_path / "a.tar.gz", tmp_path / "cache"

    def index_after_opening() -> int:
        EchoNestArchive.open(path, cache).close()
        return (cache / "echonest.sqlite").stat().st_mtime_ns

    write_archive(path, SONGS[:100], tracks)
    built = index_after_opening()
    assert index_after_opening() == built
    write_archive(path, SONGS, tracks)
    assert len(ids_in(path, cache)) > 150
    rebuilt = index_after_opening()
    assert rebuilt > built
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert index_after_opening() > rebuilt


def test_an_index_of_the_previous_version_is_not_rebuilt(tracks: Path, tmp_path: Path) -> None:
    path, cache = tmp_path / "a.tar", tmp_path / "cache"
    write_archive(path, SONGS, tracks)
    expected = ids_in(path, cache)
    with sqlite3.connect(cache / "echonest.sqlite") as db:
        db.execute("ALTER TABLE about ADD COLUMN counts TEXT NOT NULL DEFAULT '{}'")
    before = (cache / "echonest.sqlite").stat().st_ino
    assert ids_in(path, cache) == expected and (cache / "echonest.sqlite").stat().st_ino == before


KILLED = """
import os, pathlib, sys
from music_assets.sources.echonest import EchoNestArchive
pathlib.Path.replace = lambda *paths: os.kill(os.getpid(), 9)  # the last moment before the index is in place
EchoNestArchive.open(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
"""


def test_a_pass_that_was_killed_is_repeated(tracks: Path, tmp_path: Path) -> None:
    path, cache = tmp_path / "a.tar", tmp_path / "cache"
    write_archive(path, SONGS, tracks)
    assert subprocess.run([sys.executable, "-c", KILLED, str(path), str(cache)]).returncode == -9
    assert (cache / "echonest.building").exists() and not (cache / "echonest.sqlite").exists()
    assert ids_in(path, cache) == ids_in(path, tmp_path / "afresh")
    assert not (cache / "echonest.building").exists()


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.bz2"])
def test_an_archive_that_ends_early_is_damaged(tracks: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_archive(path, SONGS, tracks)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 - 100])
    with pytest.raises(DumpDamaged, match="download it again"):
        EchoNestArchive.open(path, tmp_path / "cache")
    path.write_bytes(whole)
    assert len(ids_in(path, tmp_path / "cache")) > 150


def test_what_is_not_an_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.tar.bz2").write_text("<html>not here any more</html>")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DumpDamaged, match=r"text\.tar\.bz2"):
        EchoNestArchive.open(tmp_path / "text.tar.bz2", tmp_path / "cache")
    with pytest.raises(DumpDamaged, match="holds no XX/SOXX"):
        EchoNestArchive.open(tmp_path / "empty", tmp_path / "cache")


def test_an_index_that_cannot_be_read_is_rebuilt(tracks: Path, tmp_path: Path) -> None:
    path, cache = tmp_path / "a.tar", tmp_path / "cache"
    write_archive(path, SONGS, tracks)
    expected = ids_in(path, cache)
    (cache / "echonest.sqlite").write_bytes(b"no database" * 100)
    assert ids_in(path, cache) == expected
    with sqlite3.connect(cache / "echonest.sqlite") as db:
        db.execute("DROP TABLE about")
    assert ids_in(path, cache) == expected


def test_a_cache_that_cannot_be_written_is_named(tracks: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar", SONGS[:5], tracks)
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexUnusable, match=r"echonest\.sqlite"):
        EchoNestArchive.open(tmp_path / "a.tar", tmp_path / "file" / "cache")

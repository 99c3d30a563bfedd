"""Of an archive the songs are taken, and nothing of a hostile one lands outside the target."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music_assets.sources.download import BadArchive, unpack_songs
from music_assets_tests.sources.download.server import SONG_NAMES, entry, song_path, songs, tar_of

SONG_FILES = sorted(song_path(name) for name in SONG_NAMES)
HOSTILE = [
    entry("/tmp/music_assets_absolute.h5", b"x"),
    entry("../outside.h5", b"x"),
    entry("MillionSongSubset/../../A/B/C/TRABCXX128F423E0CC.h5", b"x"),
    entry("MillionSongSubset/A/A/A/../../../../outside.h5", b"x"),
    entry("C:\\..\\outside.h5", b"x"),
    entry("MillionSongSubset/A/A/A/TRAAAZZ128F429D538.h5", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    entry("MillionSongSubset/A/A/A/TRAAAZY128F429D538.h5", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    entry("MillionSongSubset/A/A/B", type=tarfile.SYMTYPE, linkname="../../../../.."),
    entry("MillionSongSubset/A/A/A/TRAAAZX128F429D538.h5", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    entry("MillionSongSubset/A/A/A/TRAAAZW128F429D538.h5", type=tarfile.FIFOTYPE),
]


def files(folder: Path) -> list[str]:
    return sorted(
        str(Path(at, name).relative_to(folder)) for at, _, names in os.walk(folder) for name in names
    )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "msd"
    folder.mkdir()
    return folder


def archive_of(folder: Path, content: bytes) -> Path:
    path = folder / "subset.tar.gz"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "prefix", ["MillionSongSubset/data/", "MillionSongSubset/", "./MillionSongSubset/", ""]
)
@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_both_layouts_become_one(tmp_path: Path, target: Path, prefix: str, mode: str) -> None:
    done = unpack_songs(archive_of(tmp_path, tar_of(*songs(prefix), mode=mode)), target)
    assert files(target) == SONG_FILES
    assert (done.songs, dict(done.left_out)) == (len(SONG_FILES), {})
    one = target / song_path(SONG_NAMES[0])
    assert one.read_bytes() == f"song {SONG_NAMES[0]} ".encode() * 200
    assert one.stat().st_mtime == 1_300_000_000
    assert done.bytes == sum((target / name).stat().st_size for name in SONG_FILES)


def test_what_is_not_a_song_is_left_out_and_counted(tmp_path: Path, target: Path) -> None:
    others = [
        entry("MillionSongSubset", type=tarfile.DIRTYPE),
        entry("MillionSongSubset/AdditionalFiles/subset_msd_summary_file.h5", b"x"),
        entry("MillionSongSubset/A/A/A/._TRAAAAW128F429D538.h5", b"x"),
        entry("MillionSongSubset/A/A/B/TRAAAAW128F429D538.h5", b"x"),  # below letters not its own
        entry("LICENSE", b"x"),
    ]
    done = unpack_songs(archive_of(tmp_path, tar_of(*others, *songs())), target)
    assert files(target) == SONG_FILES
    assert dict(done.left_out) == {"files that are not songs": 4}


def test_hostile_entries_leave_nothing_anywhere(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down" / "msd"
    folder.mkdir(parents=True)
    archive = archive_of(tmp_path, tar_of(*HOSTILE, *songs(), *HOSTILE))
    done = unpack_songs(archive, folder)
    assert files(tmp_path) == sorted(["subset.tar.gz", *(f"deep/down/msd/{name}" for name in SONG_FILES)])
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert not Path("/tmp/music_assets_absolute.h5").exists()
    assert dict(done.left_out) == {"files that are not songs": 10, "links, devices and the like": 10}
    assert done.songs == len(SONG_FILES)


def test_a_song_that_comes_twice_is_taken_once(tmp_path: Path, target: Path) -> None:
    again = entry("data/" + song_path(SONG_NAMES[0]), b"another content")
    done = unpack_songs(archive_of(tmp_path, tar_of(*songs(), again)), target)
    assert dict(done.left_out) == {"songs for the second time": 1}
    assert (target / song_path(SONG_NAMES[0])).read_bytes().startswith(b"song")


def test_an_archive_of_too_many_bytes_is_refused(tmp_path: Path, target: Path) -> None:
    with pytest.raises(BadArchive, match="more songs than any copy of the subset"):
        unpack_songs(archive_of(tmp_path, tar_of(*songs())), target, most_bytes=10_000)


def test_a_name_that_would_fill_the_memory_is_refused(tmp_path: Path, target: Path) -> None:
    long_name = entry("././@LongLink", b"a" * (2 << 20), type=tarfile.GNUTYPE_LONGNAME)
    with pytest.raises(BadArchive, match="name or attributes of 2,097,152 bytes"):
        unpack_songs(archive_of(tmp_path, tar_of(long_name, *songs())), target)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_an_archive_cut_short_is_named_and_leaves_nothing(tmp_path: Path, target: Path, share: float) -> None:
    content = tar_of(*songs())
    with pytest.raises(BadArchive, match="fetch it again"):
        unpack_songs(archive_of(tmp_path, content[: int(len(content) * share)]), target)


def test_a_wrong_checksum_inside_is_seen(tmp_path: Path, target: Path) -> None:
    content = bytearray(tar_of(*songs()))
    content[-8] ^= 0xFF  # gzip's CRC-32
    with pytest.raises(BadArchive):
        unpack_songs(archive_of(tmp_path, bytes(content)), target)


@pytest.mark.parametrize(
    "content", [b"", b"<html>not here</html>", b"PK\x03\x04", gzip.compress(b"no tar at all" * 99, mtime=0)]
)
def test_what_is_not_an_archive_is_named(tmp_path: Path, target: Path, content: bytes) -> None:
    with pytest.raises(BadArchive, match="subset.tar.gz"):
        unpack_songs(archive_of(tmp_path, content), target)


def test_an_archive_without_songs_says_what_it_had(tmp_path: Path, target: Path) -> None:
    with pytest.raises(BadArchive, match="holds no song file of the MSD .1 left out: links, devices"):
        unpack_songs(archive_of(tmp_path, tar_of(HOSTILE[5])), target)


@settings(max_examples=150)
@given(data=st.data())
def test_no_archive_whatever_gets_out(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Random names of hostile parts and random kinds: all that appears lies below the target."""
    part = st.sampled_from(
        ["..", ".", "", "A", "B", "TRAAAAW128F429D538.h5", "x.h5", "MillionSongSubset", "\\"]
    )
    name = st.lists(part, min_size=1, max_size=7).map("/".join)
    kind = st.sampled_from(
        [
            tarfile.REGTYPE,
            tarfile.SYMTYPE,
            tarfile.LNKTYPE,
            tarfile.DIRTYPE,
            tarfile.FIFOTYPE,
            tarfile.CHRTYPE,
        ]
    )
    drawn = data.draw(st.lists(st.tuples(name, kind, name), max_size=8))
    entries = [
        entry(path, b"x" if type_ == tarfile.REGTYPE else b"", type=type_, linkname=link)
        for path, type_, link in drawn
    ]
    place = tmp_path_factory.mktemp("hostile")
    target = place / "in" / "msd"
    target.mkdir(parents=True)
    archive = archive_of(place, tar_of(*entries, *songs(), mode="w"))
    unpack_songs(archive, target)
    assert [name for name in files(place) if not name.startswith("in/msd/")] == ["subset.tar.gz"]
    assert set(SONG_FILES) <= set(files(target))


def test_the_standard_library_reads_the_same(tmp_path: Path, target: Path) -> None:
    """What is taken is byte for byte what the archive holds."""
    content = tar_of(*songs())
    unpack_songs(archive_of(tmp_path, content), target)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            inside = tar.extractfile(member)
            assert inside is not None
            assert (target / member.name.split("/", 1)[1]).read_bytes() == inside.read()

"""Files that would crash HDF5, fill the memory, hang, or make it read other files are set aside by name."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tables
from h5py import h5d, h5p, h5s
from pandas.testing import assert_frame_equal

from music_assets.sources.msd import read_msd
from music_assets.sources.msd.errors import UnreadableFile
from music_assets.sources.msd.hdf5 import fast_reader, isolated
from music_assets.sources.msd.hdf5.storage import stored_type
from music_assets.sources.msd.layout import TABLES, TAG_ARRAYS, Item
from music_assets_tests.support.msd_songs import (
    TRACK,
    song,
    terms,
    write_aggregate_file,
    write_in_place,
    write_summary_file,
)

GOOD = "TRABCZZ128F4230A1B"
SECRET = "a line of another file of this machine"
MUSICBRAINZ, METADATA = TABLES["musicbrainz"], TABLES["metadata"]
SIMILAR, TERMS = TAG_ARRAYS["similar_artists"], TAG_ARRAYS["artist_terms"]
Spoil = Callable[[Path, Path], object]


def _replace(path: Path, item: Item, **storage: Any) -> None:
    """Create a dataset of the layout in another way."""
    with h5py.File(path, "r+") as file:
        del file[item.path]
        file.create_dataset(item.path, dtype=item.dtype, **storage)


def _link(path: Path, item: Item, link: Any) -> None:
    with h5py.File(path, "r+") as file:
        del file[item.path]
        file[item.path] = link


def _other_file(path: Path, place: Path, item: Item = SIMILAR) -> None:
    with h5py.File(place, "w") as other:
        values = np.zeros(3, item.dtype)
        if not item.dtype.names:
            values[:] = SECRET.encode()
        other.create_dataset("x", data=values)
    _link(path, item, h5py.ExternalLink(str(place), "x"))


def _fifo(place: Path) -> str:
    os.mkfifo(place)
    return str(place)


def _secret(place: Path) -> str:
    place.write_text(SECRET * 20)
    return str(place)


def _soft_to_external(path: Path, place: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink(_fifo(place), "/")
    _link(path, TERMS, h5py.SoftLink("/elsewhere/x"))


def _external_group(path: Path, place: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["musicbrainz"]
        file["musicbrainz"] = h5py.ExternalLink(_fifo(place), "/")


def _virtual(path: Path, source: str) -> None:
    layout = h5py.VirtualLayout((4,), SIMILAR.dtype)
    layout[:] = h5py.VirtualSource(source, "x", (4,), SIMILAR.dtype)
    with h5py.File(path, "r+") as file:
        del file[SIMILAR.path]
        file.create_virtual_dataset(SIMILAR.path, layout)


def _bomb(path: Path, item: Item, megabytes: int) -> None:
    """Zeros, deflated, as the first chunk of a dataset: they are beyond the one row that is read."""
    chunk = zlib.compressobj(9)
    block = bytes(1 << 20)
    content = b"".join(chunk.compress(block) for _ in range(megabytes)) + chunk.flush()
    with h5py.File(path, "r+") as file:
        file[item.path].id.write_direct_chunk((0,), content)


def _never_written(path: Path, rows: int) -> None:
    with h5py.File(path, "r+") as file:
        for name in ("artist_terms", "artist_terms_freq", "artist_terms_weight"):
            file[TAG_ARRAYS[name].path].resize(rows, axis=0)


def _huge_chunks(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file[SIMILAR.path]
        properties = h5p.create(h5p.DATASET_CREATE)
        properties.set_chunk((100_000_000,))
        space = h5s.create_simple((1,), (h5s.UNLIMITED,))
        h5d.create(file.id, SIMILAR.path.encode(), stored_type(SIMILAR.dtype), space, properties)


def _wide_rows(path: Path) -> None:
    """Titles of a gigabyte."""
    wider = [
        (name, "S1000000000" if name == "title" else METADATA.dtype[name]) for name in METADATA.dtype.names
    ]
    with h5py.File(path, "r+") as file:
        del file[METADATA.path]
        file.create_dataset(METADATA.path, shape=(1,), dtype=wider)


def _long_tags(path: Path) -> None:
    _replace(path, TAG_ARRAYS["artist_mbtags_count"], data=np.zeros(70, "i4"))
    with h5py.File(path, "r+") as file:
        del file["musicbrainz/artist_mbtags"]
        tags = file.create_dataset("musicbrainz/artist_mbtags", (70,), h5py.string_dtype())
        tags[:] = ["x" * 1_000_000] * 70


ANOTHER_FILE = "is a link to another file|has its values in another file|has its values in other files"
HOSTILE: dict[str, tuple[Spoil, str]] = {
    "a link to another file": (_other_file, "metadata/similar_artists is a link to another file"),
    "a table in another file": (lambda path, place: _other_file(path, place, METADATA), ANOTHER_FILE),
    "a link to a pipe": (
        lambda path, place: _link(path, SIMILAR, h5py.ExternalLink(_fifo(place), "x")),
        ANOTHER_FILE,
    ),
    "a link to a link to a pipe": (_soft_to_external, "is a link to another place"),
    "a group in a pipe": (_external_group, "musicbrainz/songs is a link to another file"),
    "values in another file": (
        lambda path, place: _replace(path, SIMILAR, shape=(4,), external=[(_secret(place), 0, 80)]),
        "metadata/similar_artists has its values in another file",
    ),
    "values in a pipe": (
        lambda path, place: _replace(path, SIMILAR, shape=(4,), external=[(_fifo(place), 0, 80)]),
        ANOTHER_FILE,
    ),
    "a virtual dataset of another file": (
        lambda path, place: (_other_file(path, place), _virtual(path, str(place))),
        "has its values in other files",
    ),
    "a virtual dataset of a pipe": (lambda path, place: _virtual(path, _fifo(place)), ANOTHER_FILE),
    "a table that inflates": (lambda path, _: _bomb(path, METADATA, 300), "metadata/songs has .* compressed"),
    "years that inflate": (
        lambda path, _: _bomb(path, MUSICBRAINZ, 300),
        "musicbrainz/songs has .* compressed",
    ),
    "tags that inflate": (lambda path, _: _bomb(path, TERMS, 300), "metadata/artist_terms has .* compressed"),
    "tags that nobody wrote": (lambda path, _: _never_written(path, 3_000_000), "more than any MSD file"),
    "more tags than there is memory": (
        lambda path, _: _never_written(path, 1 << 40),
        "more than any MSD file",
    ),
    "chunks of gigabytes": (lambda path, _: _huge_chunks(path), "has chunks of 2,000,000,000 bytes"),
    "rows of a gigabyte": (lambda path, _: _wide_rows(path), "1 row, more than any MSD file"),
    "tags of megabytes": (lambda path, _: _long_tags(path), "bytes of tags at row 0, more than any MSD file"),
}


def _assert_only_this_is_set_aside(bad: Path, good: Path, reason: str) -> None:
    songs, artists, set_aside = read_msd([bad, good])
    assert songs["track_id"].tolist() == [GOOD]
    assert SECRET[:10] not in str(artists["similar_artists"].tolist())
    ((path, why),) = set_aside
    assert path == bad
    assert re.search(reason, why), why


def _pair(folder: Path) -> tuple[Path, Path]:
    fields = {"terms": terms("a", "b", "c"), "similar_artists": ["AR2"], "mbtags": [{"tag": "x", "count": 1}]}
    bad, good = write_in_place(folder, song(**fields), song(GOOD, **fields))
    return bad, good


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_set_aside_and_its_neighbour_read(tmp_path: Path, kind: str) -> None:
    spoil, reason = HOSTILE[kind]
    bad, good = _pair(tmp_path / "msd")
    spoil(bad, tmp_path / "elsewhere")
    _assert_only_this_is_set_aside(bad, good, reason)


@pytest.mark.parametrize("rows", [2, 600])
def test_what_is_too_much_for_a_song_is_too_much_in_a_file_of_many(tmp_path: Path, rows: int) -> None:
    many, (good,) = tmp_path / "1.h5", write_in_place(tmp_path / "msd", song(GOOD))
    write_aggregate_file(many, [song(f"TRABC{n:013d}", terms=terms("rock")) for n in range(rows)])
    _never_written(many, 3_000_000)
    _assert_only_this_is_set_aside(many, good, "more than any MSD file")


@pytest.mark.parametrize("write", [write_aggregate_file, write_summary_file])
def test_a_file_of_many_songs_may_be_larger_than_one_of_a_song(
    tmp_path: Path, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is for what is read at once."""
    monkeypatch.setattr(
        isolated,
        "_SERVE",
        f"from music_assets.sources.msd.hdf5 import checks, h5py_reader\n"
        f"h5py_reader.MOST_BYTES = checks.MOST_BYTES = 6_000_000\n{isolated._SERVE}",
    )
    isolated._processes.process = None
    songs = [song(f"TRABC{n:013d}", terms=terms("rock")) for n in range(2_000)]
    write(tmp_path / "many.h5", songs)
    read = read_msd(tmp_path / "many.h5")
    isolated._processes.ended()
    assert read.set_aside == [] and len(read.songs) == 2_000


def test_values_below_a_damaged_index_are_not_taken_for_zeros(tmp_path: Path) -> None:
    """HDF5 finds nothing there and says nothing: titles would be empty, and songs without terms."""
    bad, good = _pair(tmp_path / "msd")
    whole, complete = bad.read_bytes(), read_msd(bad)
    set_aside = set()
    for node in re.finditer(b"TREE[\0\1]\0", whole):
        damaged, (kind, entries) = bytearray(whole), struct.unpack_from("<BxH", whole, node.start() + 4)
        for children in (16, 32, 40):  # bytes of a group's entries, of chunks' of one and of two dimensions
            if kind == (children != 16):
                last = node.start() + 24 + entries * children
                damaged[last : last + children - 8] = bytes(children - 8)
        bad.write_bytes(damaged)
        read = read_msd([bad, good])
        assert GOOD in read.songs["track_id"].tolist()
        if read.set_aside:
            set_aside.add(read.set_aside[0].reason)
        else:
            assert_frame_equal(read.songs[read.songs["track_id"] == TRACK], complete.songs)
    for place in (METADATA, MUSICBRAINZ, SIMILAR, TERMS):
        assert f"is damaged: {place.path} has no values at row 0" in set_aside


def test_an_array_that_its_group_lists_is_not_taken_for_one_that_is_not_there(tmp_path: Path) -> None:
    """HDF5 looks names up in sorted order: of a group out of order it finds some members, and not others."""
    (path,) = write_in_place(tmp_path, song(terms=terms("rock")))
    damaged = bytearray(whole := path.read_bytes())
    for node in re.finditer(b"SNOD\1", whole):
        (entries,) = struct.unpack_from("<H", whole, node.start() + 6)
        first, last = node.start() + 8, node.start() + 8 + (entries - 1) * 40
        damaged[first : first + 40], damaged[last : last + 40] = (
            whole[last : last + 40],
            whole[first : first + 40],
        )
    path.write_bytes(damaged)
    with pytest.raises(UnreadableFile, match="is listed in it, but cannot be found"):
        isolated.read(str(path))


def test_a_file_on_which_hdf5_aborts_is_named(shared: Path, tmp_path: Path) -> None:
    """One flipped bit: `double free or corruption` in HDF5 2.0."""
    whole = sorted((shared / "msd").rglob("*.h5"))[:12]
    for path in whole[:3]:
        bad = bytearray(path.read_bytes())
        bad[3493] ^= 2
        (tmp_path / path.name).write_bytes(bytes(bad))
    songs, _, set_aside = read_msd([tmp_path, *whole[3:]])
    assert len(songs) == 9
    assert [reason for _, reason in set_aside] == ["HDF5 aborts on it (SIGABRT)"] * 3


def test_a_file_that_takes_too_long_is_named_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = "import signal, time; signal.alarm({seconds}); time.sleep(100)"
    monkeypatch.setattr(isolated, "SECONDS", 1)
    monkeypatch.setattr(isolated, "_processes", isolated._Processes())
    bad, good = _pair(tmp_path)
    os.truncate(bad, 5000)
    with monkeypatch.context() as patched:
        patched.setattr(isolated, "_SERVE", serve)
        _assert_only_this_is_set_aside(bad, good, "takes HDF5 more than 1 s")
    _assert_only_this_is_set_aside(bad, good, "is cut short")
    isolated._processes.ended()


def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = _pair(tmp_path)
    _long_tags(bad)
    monkeypatch.setattr(isolated, "_processes", isolated._Processes())
    monkeypatch.setattr(
        isolated,
        "_SERVE",
        "from music_assets.sources.msd.hdf5 import isolated, h5py_reader\n"
        "h5py_reader.MOST_BYTES = 1 << 40\nimport resource\n"
        "isolated.serve(int(open('/proc/self/statm').read().split()[5]) * 4096 + 40_000_000, 60)",
    )
    _assert_only_this_is_set_aside(bad, good, "memory|damaged")
    isolated._processes.ended()


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("msd/A/B/C/song.h5/within.h5", "cannot be read: Not a directory"),
        (f"{'x' * 300}.h5", "cannot be read: File name too long"),
        (f"{'x/' * 3000}a.h5", "cannot be read: File name too long"),
        ("a\0b.h5", "cannot be read: .*null"),
        ("\udcff.h5", "does not exist"),
        ("\ud800.h5", "cannot be read"),
        ("loop.h5", "cannot be read: Too many levels of symbolic links"),
        ("loop/song.h5", "cannot be read: Too many levels of symbolic links"),
        ("nowhere.h5", "does not exist"),
    ],
)
def test_a_path_that_leads_nowhere_is_set_aside(tmp_path: Path, name: str, reason: str) -> None:
    _, good = _pair(tmp_path / "msd")
    (tmp_path / "msd/A/B/C/song.h5").write_text("a file")
    for loop in ("loop", "loop.h5"):
        (tmp_path / loop).symlink_to(loop)
    (tmp_path / "nowhere.h5").symlink_to("none")
    songs, _, set_aside = read_msd([f"{tmp_path}/{name}", good])
    assert songs["track_id"].tolist() == [GOOD]
    ((_, why),) = set_aside
    assert re.search(reason, why), why


def test_loops_of_links_in_a_folder_cost_nothing_else(tmp_path: Path) -> None:
    from music_assets.sources.msd import MsdRoot

    bad, _ = _pair(tmp_path)
    _loop(bad)
    for loop in ("Q", "A/Q", "A/B/Q"):
        (tmp_path / loop).symlink_to(Path(loop).name)
    root = MsdRoot.open(tmp_path)
    assert root.partitions() == ["AB"]
    assert root.fingerprint("AB")
    songs, _, set_aside = root.read("AB")
    assert songs["track_id"].tolist() == [GOOD]
    assert set_aside == [(bad, "cannot be read: Too many levels of symbolic links")]


def _repack(path: Path, complib: str) -> None:
    """Store an array as PyTables does with another filter."""
    group, name = SIMILAR.path.split("/")
    with tables.open_file(str(path), "a") as file:
        values = file.get_node(f"/{group}", name)[:]
        file.remove_node(f"/{group}", name)
        filters = tables.Filters(1, complib)
        file.create_carray(f"/{group}", name, obj=values, filters=filters, chunkshape=(SIMILAR.chunk,))


@pytest.mark.parametrize("complib", ["blosc", "bzip2", "blosc2"])
def test_a_filter_that_is_missing_is_named(tmp_path: Path, complib: str) -> None:
    bad, good = _pair(tmp_path)
    _repack(bad, complib)
    reason = f"is compressed with {complib} .HDF5 filter [0-9]+., .* `pip install 'music-assets.filters.'`"
    _assert_only_this_is_set_aside(bad, good, reason)


def test_a_file_that_another_process_has_locked_is_read(tmp_path: Path) -> None:
    path, _ = _pair(tmp_path)
    _repack(path, "zlib")
    with path.open("rb") as file:
        code = "import fcntl, time\nfcntl.flock(0, fcntl.LOCK_EX)\nprint(flush=True)\ntime.sleep(100)"
        holder = subprocess.Popen([sys.executable, "-c", code], stdin=file, stdout=subprocess.PIPE)
        assert holder.stdout
        assert holder.stdout.readline()
        with pytest.raises(BlockingIOError), path.open("rb") as mine:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        songs, _, set_aside = read_msd(path)
        holder.kill()
        holder.wait()
    assert songs["track_id"].tolist() == [TRACK] and set_aside == []


def test_text_that_is_not_utf8_is_read_and_noted(tmp_path: Path) -> None:
    one, two = write_in_place(
        tmp_path,
        song(title=b"Caf\xe9 \xff", artist_name="Beyoncé \ufffd"),
        song(GOOD, artist_id="AR2", terms=[{"term": b"m\xfasica", "frequency": 0.5, "weight": 0.5}]),
    )
    read = read_msd([one, two], root=tmp_path)
    assert read.set_aside == []
    assert read.songs["title"].tolist() == ["Caf\ufffd \ufffd", "Paper Engine"]
    assert read.notes == (
        f"A/B/C/{TRACK}.h5: its title is not UTF-8, and the wrong bytes became U+FFFD.",
        f"{GOOD}: its artist_terms is not UTF-8, and the wrong bytes became U+FFFD.",
    )


@pytest.mark.parametrize("times", [1, 2, 100])
@pytest.mark.parametrize("packed", [False, True], ids=["as the MSD", "packed again"])
def test_a_file_that_changes_while_it_is_read_is_read_again_or_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, packed: bool
) -> None:
    path, good = _pair(tmp_path)
    if packed:
        _repack(path, "zlib")
    written = 0

    def changing(read: Callable[..., Any]) -> Callable[..., Any]:
        def read_and_write(*arguments: Any) -> Any:
            nonlocal written
            found = read(*arguments)
            if written < times:
                written += 1
                content = path.read_bytes()
                with path.open("r+b") as file:
                    file.write(content)
                status = path.stat()
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + written))
            return found

        return read_and_write

    monkeypatch.setattr(fast_reader, "read_record", changing(fast_reader.read_record))
    songs, _, set_aside = read_msd([path, good])
    if times == 1:
        assert len(songs) == 2 and set_aside == []
    else:
        ((_, reason), *_) = set_aside
        assert "changed while it was read" in reason

"""The fast reader against the general one: the same song from the same file, or nothing at all."""

from __future__ import annotations

import string
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from music_assets.sandbox.msd.writer import write_song_file
from music_assets.sources.msd import read_msd
from music_assets.sources.msd.columns import Columns
from music_assets.sources.msd.errors import UnreadableFile
from music_assets.sources.msd.hdf5 import fast_reader, isolated
from music_assets.sources.msd.hdf5.prefetch import opened
from music_assets.sources.msd.layout import TABLES, TAG_ARRAYS, Item
from music_assets.sources.msd.records import Record
from music_assets_tests.support.msd_songs import TRACK, song, terms, write_in_place

written_again = settings(max_examples=60)

# Text of any script that fits the fields, and numbers of any size they hold.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
tags = st.text(string.ascii_letters + " éя銀", min_size=1, max_size=40)
reals = st.floats(allow_nan=True, allow_infinity=True)
integers = st.integers(-(2**31), 2**31 - 1)
songs = st.fixed_dictionaries(
    {
        "title": texts,
        "artist_name": texts,
        "artist_id": st.text(string.ascii_uppercase + string.digits, max_size=18),
        "artist_latitude": reals,
        "song_hotttnesss": reals,
        "duration": reals,
        "year": integers,
        "track_7digitalid": integers,
        "key": st.integers(0, 11),
        "terms": st.lists(
            st.fixed_dictionaries({"term": tags, "frequency": reals, "weight": reals}), max_size=70
        ),
        "mbtags": st.lists(st.fixed_dictionaries({"tag": tags, "count": integers}), max_size=40),
        "similar_artists": st.lists(st.text(string.ascii_uppercase, max_size=20), max_size=100),
    }
)


def _fast(path: Path) -> Record | None:
    with opened(str(path)) as file:
        assert file is not None
        return fast_reader.read_record(file.descriptor, file.status.st_size)


def _general(path: Path) -> Record:
    _, records = isolated.read(str(path))  # as HDF5 does not survive every damage
    (record,) = records
    return record


def assert_same(one: Record, other: Record) -> None:
    """Both records make the same rows of both frames."""
    frames = []
    for record in (one, other):
        columns = Columns()
        columns.add(TRACK, record, "file")
        frames.append(columns.frames())
    assert_frame_equal(frames[0][0], frames[1][0])
    assert_frame_equal(frames[0][1], frames[1][1])


@given(fields=songs)
@example(fields={"terms": terms(*(f"term {n}" for n in range(32)))})  # a full chunk, and one more
@example(fields={"terms": terms(*(f"term {n}" for n in range(33)))})
@example(fields={"title": b"Paper\0rubbish", "release": b"Caf\xe9", "similar_artists": ["X" * 20]})
@written_again
def test_both_read_the_same_song(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "song.h5"
    write_song_file(path, song(**fields))

    record = _fast(path)

    assert record is not None
    assert_same(record, _general(path))


def test_both_read_the_same_from_real_files(shared: Path) -> None:
    for path in sorted((shared / "msd").rglob("*.h5")):
        record = _fast(path)
        assert record is not None, path
        assert_same(record, _general(path))


# Other ways to store the same values, in the MSD's chunks where nothing else is said.
Storage = dict[str, Any]
STORAGES: dict[str, Storage] = {
    "as the MSD has it": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "no shuffle": {"compression": "gzip", "compression_opts": 1},
    "no deflate": {"shuffle": True},
    "no filter": {},
    "lzf": {"compression": "lzf", "shuffle": True},
    "checksums": {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True},
    "chunks of one row": {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (1,)},
    "contiguous": {"chunks": None, "maxshape": None},
}


def _swap(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder(">")


def _widen(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Each field one step wider, so that offsets move as well."""
    if dtype.names:
        return np.dtype([(name, _widen(dtype[name])) for name in dtype.names])
    return {"S": np.dtype(f"S{dtype.itemsize + 8}"), "i": np.dtype("i8")}.get(dtype.kind, dtype)


def _reorder(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([(name, dtype[name]) for name in reversed(dtype.names)]) if dtype.names else dtype


def _variable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.names:
        return np.dtype([(name, _variable(dtype[name])) for name in dtype.names])
    return h5py.string_dtype() if dtype.kind == "S" else dtype


TYPES: dict[str, Callable[[np.dtype[Any]], np.dtype[Any]]] = {
    "as they are": lambda dtype: dtype,
    "big-endian": _swap,
    "wider": _widen,
    "in another order": _reorder,
    "text of variable length": _variable,
}


def _store_again(path: Path, item: Item, storage: Storage, change: Callable[..., np.dtype[Any]]) -> None:
    with h5py.File(path, "r+") as file:
        values = file[item.path][:]
        del file[item.path]
        dtype = change(values.dtype)
        again = np.empty(len(values), dtype=dtype)
        if dtype.names:
            for name in dtype.names:
                again[name] = values[name]
        else:
            again[:] = values
        stored = {"chunks": (item.chunk,), "maxshape": (None,)} | storage
        file.create_dataset(item.path, data=again, dtype=dtype, **stored)


@pytest.mark.parametrize("item", [*TABLES.values(), *TAG_ARRAYS.values()], ids=lambda item: item.path)
@given(fields=songs, storage=st.sampled_from(sorted(STORAGES)), types=st.sampled_from(sorted(TYPES)))
@settings(written_again, max_examples=15)
def test_a_dataset_stored_otherwise_reads_the_same(
    tmp_path: Path, item: Item, fields: dict[str, Any], storage: str, types: str
) -> None:
    assume((storage, types) != ("checksums", "text of variable length"))  # HDF5 cannot store that
    # Nothing is missing, so that every dataset has values.
    fields |= {
        "terms": fields["terms"] or terms("rock"),
        "similar_artists": ["AR2", *fields["similar_artists"]][:9],
    }
    fields["mbtags"] = [*fields["mbtags"], {"tag": "x", "count": 3}]
    path = tmp_path / "song.h5"
    write_song_file(path, song(**fields))
    as_the_msd_has_it = _general(path)

    _store_again(path, item, STORAGES[storage], TYPES[types])

    assert_same(_general(path), as_the_msd_has_it)
    record = _fast(path)
    if record is not None:  # it may leave any file to the general reader, but not misread one
        assert_same(record, as_the_msd_has_it)


def test_text_padded_with_nuls_loses_those_within_it(tmp_path: Path) -> None:
    path = tmp_path / "song.h5"
    write_song_file(path, song(terms=terms("rock")))
    _store_again(
        path, TAG_ARRAYS["artist_terms"], {}, TYPES["as they are"]
    )  # h5py pads where the MSD ends text
    with h5py.File(path, "r+") as file:
        file["metadata/artist_terms"][0] = b"ro\0ck"

    assert read_msd(path).artists["terms"].tolist() == [terms("rock")]


def test_a_chunk_that_skipped_a_filter_is_read_by_the_general_reader(tmp_path: Path) -> None:
    path = tmp_path / "song.h5"
    write_song_file(path, song(similar_artists=["AR2"]))
    values = np.zeros(409, "S20")
    values[0] = "AR3"
    with h5py.File(path, "r+") as file:
        shuffle = 0b01  # the first of the two filters: deflated it is
        stored = zlib.compress(values.tobytes())
        file["metadata/similar_artists"].id.write_direct_chunk((0,), stored, shuffle)

    assert _fast(path) is None
    assert read_msd(path).artists["similar_artists"].tolist() == [["AR3"]]


@pytest.mark.parametrize("libver", ["v108", "v110", "latest"])
def test_newer_hdf5_formats_are_read_by_the_general_reader(tmp_path: Path, libver: str) -> None:
    old, new = tmp_path / "old.h5", tmp_path / "new.h5"
    write_song_file(old, song(terms=terms("rock")))
    with h5py.File(old) as source, h5py.File(new, "w", libver=libver) as target:
        for group in source:
            source.copy(group, target)
        target.create_group("more").create_dataset("x", data=[1])

    songs_read, artists, set_aside = read_msd(new)

    assert set_aside == []
    assert songs_read["title"].tolist() == ["Paper Engine"]
    assert artists["terms"].tolist() == [terms("rock")]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Record]:
    fields = song(terms=terms(*(f"term {n}" for n in range(40))), similar_artists=["AR2"] * 50)
    (path,) = write_in_place(tmp_path_factory.mktemp("good"), fields)
    return path, path.read_bytes(), _general(path)


@given(data=st.data())
@settings(written_again, max_examples=300)
def test_damage_is_never_read_as_something_else_than_hdf5_reads(
    good: tuple[Path, bytes, Record], data: st.DataObject
) -> None:
    path, whole, undamaged = good
    bad = bytearray(whole)
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        bad[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(bad[: data.draw(st.sampled_from([len(bad), len(bad) // 2]))]))

    record = _fast(path)

    if record is not None and record != undamaged:
        try:
            expected = _general(path)
        except UnreadableFile:
            pytest.fail("the fast reader made something of what HDF5 cannot read")
        assert_same(record, expected)


@given(size=st.integers(0, 70_000))
@settings(written_again)
def test_a_file_cut_short_is_not_read(good: tuple[Path, bytes, Record], size: int) -> None:
    path, whole, _ = good
    path.write_bytes(whole[:size])

    songs_read, _, set_aside = read_msd(path)

    assert _fast(path) is None
    assert len(songs_read) == 0
    assert len(set_aside) == 1

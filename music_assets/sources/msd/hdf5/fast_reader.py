"""Reading a one-song file of the MSD's own layout, below what the HDF5 library needs to find its data.

The library, and h5py on top of it, spend nearly all their time on what is the same in a million
files: the structure, the types, un-shuffling a thousand rows of which one is used. Here `structure`
finds the chunks, igzip inflates them, and only the rows in use are un-shuffled.

That is right only for datasets stored exactly as the layout says, so the stored description of
each (type, chunk, filters) must equal, byte for byte, the one HDF5 itself writes for the layout. At
the least difference, or fault, `read_record` returns None and `h5py_reader` reads the file: it knows
every other way a file can be stored, and has the words for what is wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from music_assets.sources.msd.hdf5.checks import MOST_BYTES
from music_assets.sources.msd.hdf5.storage import empty_file
from music_assets.sources.msd.hdf5.structure import Stored, StoredFile, UnsupportedLayout
from music_assets.sources.msd.layout import ANALYSIS, ANALYSIS_ARRAYS, METADATA, TABLES, TAG_ARRAYS
from music_assets.sources.msd.records import Arrays, Record, Tags

_ITEMS = {**TABLES, **TAG_ARRAYS, **ANALYSIS_ARRAYS}
_WHOLE = 4 << 20  # bytes of a file that are read at once for its arrays, most of which are in them
_InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says an instance


_Damage = (UnsupportedLayout, OSError, struct.error, ValueError, OverflowError, _InflateError)


def _bytes_of(field: str) -> slice:
    begins = METADATA.fields[field][1] if METADATA.fields else 0
    return slice(begins, begins + METADATA[field].itemsize)


# Where a song's slices of the arrays begin; zero in a file of one song.
_CUT_TERMS, _CUT_SIMILAR, _CUT_MBTAGS = *map(_bytes_of, ("idx_artist_terms", "idx_similar_artists")), slice(4)
_ZERO = bytes(4)


class _Place(NamedTuple):
    """One dataset of the layout, and how its stored form must be described."""

    group: bytes
    name: bytes
    description: bytes
    rows: int  # of a chunk
    itemsize: int
    text: bool
    dtype: np.dtype[Any]
    width: int  # values in a row; 0 of one dimension


def read_record(descriptor: int, size: int) -> Record | None:
    """The one song of a file in the MSD's own layout; None for any other file, and for damaged ones.

    `descriptor` is open for reading, as by `prefetch`; `size` is the file's.
    """
    try:
        return _record(StoredFile.opened(descriptor, size))
    except _Damage:
        return None


def read_arrays(descriptor: int, size: int, names: Iterable[str]) -> Arrays | None:
    """The analysis arrays of these names of the one song of a file; None as from `read_record`."""
    try:
        file = StoredFile.opened(descriptor, size, min(size, _WHOLE))
        groups, places = {b"analysis": file.group(b"analysis")}, _places()
        row = np.frombuffer(_row(file, groups, places["analysis"]), ANALYSIS)[0]
        arrays = {}
        for name in names:
            if row[f"idx_{name}"]:
                raise UnsupportedLayout
            arrays[name] = _array(file, groups, places[name])
        return Arrays(row["track_id"], arrays)
    except _Damage:
        return None


def _record(file: StoredFile) -> Record:
    places = _places()
    groups = {name: file.group(name) for name in (b"metadata", b"analysis", b"musicbrainz")}
    metadata = _row(file, groups, places["metadata"])
    analysis = _row(file, groups, places["analysis"])
    musicbrainz = _row(file, groups, places["musicbrainz"])
    if not metadata[_CUT_TERMS] == metadata[_CUT_SIMILAR] == musicbrainz[_CUT_MBTAGS] == _ZERO:
        raise UnsupportedLayout
    tags = Tags(*(_values(file, groups, places[name]) for name in Tags._fields))
    if not len(tags.artist_terms) == len(tags.artist_terms_freq) == len(tags.artist_terms_weight):
        raise UnsupportedLayout
    if len(tags.artist_mbtags) != len(tags.artist_mbtags_count):
        raise UnsupportedLayout
    return Record(metadata, analysis, musicbrainz, tags)


def _row(file: StoredFile, groups: dict[bytes, dict[bytes, int]], place: _Place) -> bytes:
    """The one row of a table.

    A shuffled chunk of n rows has the first bytes of all rows, then the second bytes, and so on:
    row 0 is every n-th byte.
    """
    stored = _found(file, groups, place)
    if stored.length != 1:
        raise UnsupportedLayout
    (chunk,) = file.chunks(stored, (0,))
    return _inflated(chunk, place)[:: place.rows]


def _values(file: StoredFile, groups: dict[bytes, dict[bytes, int]], place: _Place) -> list[Any]:
    """All values of an array; text without the NULs that pad it."""
    stored = _found(file, groups, place)
    if not stored.length:
        return []
    values: list[Any] = []
    begins = range(0, stored.length, place.rows)
    for begin, chunk in zip(begins, file.chunks(stored, begins), strict=True):
        values += _unshuffled(_inflated(chunk, place), place, min(stored.length - begin, place.rows))
    return values


def _array(file: StoredFile, groups: dict[bytes, dict[bytes, int]], place: _Place) -> npt.NDArray[np.float64]:
    """All values of an array of numbers, of one or two dimensions."""
    stored = _found(file, groups, place)
    found = np.empty((stored.length, place.width or 1))
    begins = range(0, stored.length, place.rows)
    for begin, chunk in zip(begins, file.chunks(stored, begins) if begins else (), strict=True):
        planes = np.frombuffer(_inflated(chunk, place), np.uint8).reshape(place.dtype.itemsize, -1)
        rows = found[begin : begin + place.rows]
        rows[:] = np.ascontiguousarray(planes.T[: rows.size]).view(place.dtype).reshape(rows.shape)
    return found if place.width else found[:, 0]


def _found(file: StoredFile, groups: dict[bytes, dict[bytes, int]], place: _Place) -> Stored:
    members = groups[place.group]
    if place.name not in members:
        raise UnsupportedLayout
    stored = file.dataset(members[place.name])
    if stored.description != place.description or stored.length * place.itemsize > MOST_BYTES:
        raise UnsupportedLayout
    return stored


def _inflated(chunk: bytes, place: _Place) -> bytes:
    if len(chunk) > place.rows * place.itemsize + 1024:  # so that what it inflates to is bounded, too
        raise UnsupportedLayout
    inflated: bytes = isal_zlib.decompress(chunk)
    if len(inflated) != place.rows * place.itemsize:
        raise UnsupportedLayout
    return inflated


def _unshuffled(chunk: bytes, place: _Place, length: int) -> list[Any]:
    """The first rows of a shuffled chunk."""
    width = place.itemsize
    if place.text:  # the last bytes of most text are NULs in all rows
        width = max(1, -(-len(chunk.rstrip(b"\0")) // place.rows))
    planes = np.frombuffer(chunk, np.uint8, width * place.rows).reshape(width, place.rows)
    dtype = f"S{width}" if place.text else place.dtype
    values: list[Any] = np.frombuffer(planes.T[:length].tobytes(), dtype).tolist()
    return values


@cache
def _places() -> dict[str, _Place]:
    """The datasets of the layout, described as in an empty file that HDF5 writes."""
    image = empty_file(_ITEMS.values())
    file = StoredFile(-1, image, len(image))
    places = {}
    for name, item in _ITEMS.items():
        group, _, dataset = item.path.encode().partition(b"/")
        description = file.dataset(file.group(group)[dataset]).description
        size, text = item.dtype.itemsize * (item.width or 1), item.dtype.kind == "S"
        places[name] = _Place(group, dataset, description, item.chunk, size, text, item.dtype, item.width)
    return places

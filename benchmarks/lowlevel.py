"""Why the reader follows the files' structure itself: what h5py's low-level API costs, call by call.

    python -m benchmarks.lowlevel [--root DIR] [--files N] [--rounds N]

The first table is of single calls on the nine datasets that hold metadata and tags; the second of
whole readers made of them, whose frames equal `read_msd`'s:

- chunks: the type and the creation properties of each dataset must equal the layout's; the stored
  chunks are fetched, inflated by igzip, and un-shuffled as far as rows are in use.
- reads: HDF5 inflates, un-shuffles and converts. Only the types that a conversion could hide are
  compared, and what belongs together is read at one length, which HDF5 checks.
- chunks, unchecked: nothing is compared. It would misread a file of another kind, and shows what
  is left to gain by cheaper checks.

Files are opened without a lock and without a chunk cache, the fastest way found. Opening datasets
through their groups, the stdio driver and a file's image (the last row of the first table) are slower.
"""

from __future__ import annotations

import argparse
import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from h5py import h5d, h5f, h5p, h5s
from isal import isal_zlib
from pandas.testing import assert_frame_equal

from benchmarks.common import files_below, in_turns, msd_root, ratio
from benchmarks.reader import floor
from music_assets.sources.msd import MsdRead, read_msd
from music_assets.sources.msd.columns import Columns
from music_assets.sources.msd.hdf5.storage import empty_file
from music_assets.sources.msd.layout import ANALYSIS, TABLES, TAG_ARRAYS
from music_assets.sources.msd.records import Record, Tags

TRACK_ID = slice(ANALYSIS.fields["track_id"][1], ANALYSIS.itemsize)  # type: ignore[index]
MOST_ROWS = 8192  # of an array; an artist has some dozen tags and a hundred similar artists


class Kind(NamedTuple):
    """One dataset of the layout, as HDF5 describes it."""

    path: bytes
    type: Any
    properties: Any
    rows: int  # of a chunk
    dtype: np.dtype[Any]


class NotOfThisKind(Exception):
    """A file that is laid out otherwise."""


@cache
def kinds() -> dict[str, Kind]:
    """The nine datasets, from a file of the layout that HDF5 wrote."""
    file = h5f.open_file_image(empty_file([*TABLES.values(), *TAG_ARRAYS.values()]))
    found = {}
    for name, item in {**TABLES, **TAG_ARRAYS}.items():
        dataset = h5d.open(file, item.path.encode())
        properties = dataset.get_create_plist()
        found[name] = Kind(item.path.encode(), dataset.get_type().copy(), properties, item.chunk, item.dtype)
    return found


@cache
def access() -> Any:
    """How files are opened: without a lock, without a chunk cache."""
    properties = h5p.create(h5p.FILE_ACCESS)
    properties.set_file_locking(False, True)
    properties.set_cache(0, 0, 0, 0.75)
    return properties


class Reader(ABC):
    """Reads files of one song by low-level calls."""

    def read(self, paths: list[str]) -> MsdRead:
        columns = Columns()
        for path in paths:
            file = h5f.open(path.encode(), h5f.ACC_RDONLY, access())
            try:
                record = self.record(file)
            finally:
                file.close()
            track_id = record.analysis[TRACK_ID].split(b"\0", 1)[0].decode()
            columns.add(track_id, record, path)
        return MsdRead(*columns.frames(), [])

    @abstractmethod
    def record(self, file: Any) -> Record: ...


class Chunks(Reader):
    """Fetches stored chunks and decodes them."""

    def __init__(self, checked: bool) -> None:
        self._checked = checked

    def record(self, file: Any) -> Record:
        rows = [self._row(file, kinds()[name]) for name in TABLES]
        lists = {name: self._values(file, kinds()[name]) for name in TAG_ARRAYS}
        if not len(lists["artist_terms"]) == len(lists["artist_terms_freq"]) == len(
            lists["artist_terms_weight"]
        ) or len(lists["artist_mbtags"]) != len(lists["artist_mbtags_count"]):
            raise NotOfThisKind
        return Record(*rows, _tags(lists))

    def _row(self, file: Any, kind: Kind) -> bytes:
        dataset, length = self._found(file, kind)
        if length != 1:
            raise NotOfThisKind
        return self._chunk(dataset, kind, 0)[:: kind.rows]

    def _values(self, file: Any, kind: Kind) -> list[Any]:
        dataset, length = self._found(file, kind)
        values: list[Any] = []
        for begin in range(0, length, kind.rows):
            chunk = self._chunk(dataset, kind, begin)
            values += _unshuffled(chunk, kind, min(length - begin, kind.rows))
        return values

    def _found(self, file: Any, kind: Kind) -> tuple[Any, int]:
        dataset = h5d.open(file, kind.path)
        dimensions = dataset.get_space().get_simple_extent_dims()
        if len(dimensions) != 1:
            raise NotOfThisKind
        if self._checked and not (
            dataset.get_type().equal(kind.type) and dataset.get_create_plist().equal(kind.properties)
        ):
            raise NotOfThisKind
        return dataset, dimensions[0]

    def _chunk(self, dataset: Any, kind: Kind, begin: int) -> bytes:
        skipped, stored = dataset.read_direct_chunk((begin,))
        inflated: bytes = isal_zlib.decompress(stored)
        if skipped or len(inflated) != kind.rows * kind.dtype.itemsize:
            raise NotOfThisKind
        return inflated


class Reads(Reader):
    """Has HDF5 read into buffers of the layout's types."""

    def __init__(self) -> None:
        self._rows = {name: np.empty(1, kinds()[name].dtype) for name in TABLES}
        self._arrays = {name: np.empty(MOST_ROWS, kinds()[name].dtype) for name in TAG_ARRAYS}
        self._space = cache(lambda length: h5s.create_simple((length,)))

    def record(self, file: Any) -> Record:
        rows = [self._row(file, name) for name in TABLES]
        lists = {
            name: self._texts(file, name) for name in ("artist_terms", "similar_artists", "artist_mbtags")
        }
        for name, beside in (
            ("artist_terms_freq", "artist_terms"),
            ("artist_terms_weight", "artist_terms"),
            ("artist_mbtags_count", "artist_mbtags"),
        ):
            lists[name] = self._numbers(file, name, len(lists[beside]))
        return Record(*rows, _tags(lists))

    def _row(self, file: Any, name: str) -> bytes:
        kind, row = kinds()[name], self._rows[name]
        dataset = h5d.open(file, kind.path)
        if not dataset.get_type().equal(kind.type):
            raise NotOfThisKind
        dataset.read(self._space(1), h5s.ALL, row, kind.type)
        return row.tobytes()

    def _texts(self, file: Any, name: str) -> list[bytes]:
        kind = kinds()[name]
        dataset = h5d.open(file, kind.path)
        length = dataset.get_space().get_simple_extent_npoints()
        if not dataset.get_type().equal(kind.type) or length > MOST_ROWS:
            raise NotOfThisKind
        return self._read(dataset, name, length)

    def _numbers(self, file: Any, name: str, length: int) -> list[Any]:
        dataset = h5d.open(file, kinds()[name].path)
        if not length and dataset.get_storage_size():
            raise NotOfThisKind
        return self._read(dataset, name, length)

    def _read(self, dataset: Any, name: str, length: int) -> list[Any]:
        values = self._arrays[name][:length]
        if length:
            dataset.read(self._space(length), h5s.ALL, values, kinds()[name].type)
        return list(values.tolist())


def _tags(lists: dict[str, list[Any]]) -> Tags:
    return Tags(
        artist_terms=lists["artist_terms"],
        artist_terms_freq=lists["artist_terms_freq"],
        artist_terms_weight=lists["artist_terms_weight"],
        similar_artists=lists["similar_artists"],
        artist_mbtags=lists["artist_mbtags"],
        artist_mbtags_count=lists["artist_mbtags_count"],
    )


def _unshuffled(chunk: bytes, kind: Kind, length: int) -> list[Any]:
    """The first rows of a shuffled chunk; of text, what its longest value takes."""
    width, text = kind.dtype.itemsize, kind.dtype.kind == "S"
    if text:
        width = max(1, -(-len(chunk.rstrip(b"\0")) // kind.rows))
    planes = np.frombuffer(chunk, np.uint8, width * kind.rows).reshape(width, kind.rows)
    return list(np.frombuffer(planes.T[:length].tobytes(), f"S{width}" if text else kind.dtype).tolist())


def every(paths: list[str], call: Callable[[Any, Kind], object] | None) -> None:
    """Open every file and, if there is a call, its nine datasets, and call it with each."""
    for path in paths:
        file = h5f.open(path.encode(), h5f.ACC_RDONLY, access())
        if call is not None:
            for kind in kinds().values():
                call(h5d.open(file, kind.path), kind)
        file.close()


def every_image(paths: list[str]) -> None:
    """Open every file from its bytes, and its nine datasets."""
    for path in paths:
        file = h5f.open_file_image(Path(path).read_bytes())
        for kind in kinds().values():
            h5d.open(file, kind.path)
        file.close()


CALLS: dict[str, Callable[[Any, Kind], object] | None] = {
    "open and close the file": None,
    "and open nine datasets": lambda dataset, kind: None,
    "… and ask their length": lambda dataset, kind: dataset.get_space().get_simple_extent_npoints(),
    "… and compare their types": lambda dataset, kind: dataset.get_type().equal(kind.type),
    "… and compare how they are stored": lambda dataset, kind: dataset.get_create_plist().equal(
        kind.properties
    ),
    "… and fetch the first chunk": lambda dataset, kind: (
        dataset.get_storage_size() and dataset.read_direct_chunk((0,))
    ),
}
READERS = {"chunks": Chunks(checked=True), "reads": Reads(), "chunks, unchecked": Chunks(checked=False)}


def main() -> None:
    parser = argparse.ArgumentParser(description="What h5py's low-level API costs.")
    parser.add_argument("--root", type=Path, help="an MSD root")
    parser.add_argument("--files", type=int, help="only the first so many files")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with msd_root(options.root) as root:
        paths = files_below(root, options.files)
        ours = read_msd(paths)
        for reader in READERS.values():
            theirs = reader.read(paths)
            assert_frame_equal(theirs.songs, ours.songs)
            assert_frame_equal(theirs.artists, ours.artists)
        things: dict[str, Callable[[], object]] = {"the floor": partial(floor, paths)}
        things |= {name: partial(every, paths, call) for name, call in CALLS.items()}
        things["open images, and nine datasets"] = partial(every_image, paths)
        things["read_msd"] = partial(read_msd, paths)
        things |= {name: partial(reader.read, paths) for name, reader in READERS.items()}
        found = in_turns(things, options.rounds)
    print(f"{len(paths)} files, median of {options.rounds} rounds\n")
    print(f"{'':<36}{'µs a file':>10}{'× floor':>10}")
    for name, seconds in found.items():
        if name == "read_msd":
            print("\nwhole readers, with frames")
        a_file = statistics.median(seconds) / len(paths) * 1e6
        print(f"{name:<36}{a_file:>10.0f}{ratio(seconds, found['the floor']):>10.2f}")


if __name__ == "__main__":
    main()

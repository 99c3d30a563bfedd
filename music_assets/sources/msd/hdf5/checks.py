"""What must be true of a dataset before HDF5 reads it: it is in this file, small enough, and can be decoded.

HDF5 does what a file says: it opens the files that this one names, waits for pipes, and fills the memory.
What the values are is in `h5py_reader`, which calls these; what HDF5 does not survive is in `isolated`.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import h5py
from h5py import h5d, h5z

from music_assets.sources.msd.errors import UnreadableFile

# The most bytes of values that a song may have, or that are read at once of many songs: real ones have 40 KB.
MOST_BYTES = 64 << 20
# What HDF5 calls filters that files do not name.
_FILTERS = {307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd"}
_FILTERS |= {305: "lzo", 32013: "zfp", 32017: "sz", 32026: "blosc2"}


def member(file: Any, path: str) -> Any:
    """What is at a path of the file, or None; links to other places are not followed.

    Raises:
        UnreadableFile: it is a link, keeps its values in another file, is too large, or cannot be decoded.
    """
    found = file
    for name in path.split("/"):
        link = found.get(name, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            if isinstance(found, h5py.Group) and name in list(found):  # by walking, not by its sorted index
                raise UnreadableFile(f"is damaged: {path} is listed in it, but cannot be found")
            return None
        if isinstance(link, h5py.ExternalLink):
            raise UnreadableFile(f"{path} is a link to another file, {link.filename}")
        if not isinstance(link, h5py.HardLink):
            raise UnreadableFile(f"{path} is a link to another place in the file")
        found = found[name]
    if isinstance(found, h5py.Dataset):
        _check_storage(path, found)
    return found


def _check_storage(path: str, dataset: Any) -> None:
    created = dataset.id.get_create_plist()
    if created.get_external_count():
        raise UnreadableFile(f"{path} has its values in another file, {_text(created.get_external(0)[0])}")
    if created.get_layout() == h5d.VIRTUAL:
        raise UnreadableFile(f"{path} has its values in other files (it is a virtual dataset)")
    for number in range(created.get_nfilters()):
        code, _, _, name = created.get_filter(number)
        if not h5z.filter_avail(code):
            named = _text(name) or _FILTERS.get(code, "an unknown filter")
            raise UnreadableFile(
                f"{path} is compressed with {named} (HDF5 filter {code}), which cannot be decoded here: "
                "`pip install 'music-assets[filters]'` brings most filters"
            )
    if dataset.chunks and (size := _chunk_bytes(dataset)) > MOST_BYTES:
        raise UnreadableFile(f"{path} has chunks of {size:,} bytes, more than any MSD file")


def check_read(dataset: Any, start: int, stop: int) -> int:
    """Rows of a dataset, before they are read; how many bytes they have.

    No chunk may be larger than its values: deflated, a megabyte of it would fill gigabytes. None may be
    missing: HDF5 takes zeros for the values of a chunk that it does not find.
    """
    size = (stop - start) * int(math.prod(dataset.shape[1:]) * dataset.id.get_type().get_size())
    path = dataset.name.lstrip("/")
    if size > MOST_BYTES:
        raise UnreadableFile(f"{path} has {size:,} bytes for {_rows(stop - start)}, more than any MSD file")
    if dataset.chunks:
        rows, most = dataset.chunks[0], _chunk_bytes(dataset) * 1.1 + 4096
        across = map(range, itertools.repeat(0), dataset.shape[1:], dataset.chunks[1:])
        for place in itertools.product(range(start - start % rows, stop, rows), *across):
            if (stored := dataset.id.get_chunk_info_by_coord(place).size) and stored > most:
                raise UnreadableFile(f"{path} has {stored:,} compressed bytes for a chunk of fewer")
            try:  # by the index that reading uses: the line above walks
                dataset.id.read_direct_chunk(place)
            except RuntimeError:
                raise UnreadableFile(f"is damaged: {path} has no values at row {place[0]}") from None
    return size


def _chunk_bytes(dataset: Any) -> int:
    return int(math.prod(dataset.chunks) * dataset.id.get_type().get_size())


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"

"""The layout in HDF5's own terms: stored types, and empty datasets as the files have them.

`fast_reader` recognises the MSD's layout by these, and the sandbox writes files with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from music_assets.sources.msd.layout import Item


def stored_type(dtype: np.dtype[Any]) -> Any:
    """The HDF5 type the files have for a dtype: numpy's, but text ends with a NUL (h5py would pad it)."""
    if dtype.names:
        stored = h5t.create(h5t.COMPOUND, dtype.itemsize)
        for name in dtype.names:
            offset = dtype.fields[name][1] if dtype.fields else 0
            stored.insert(name.encode(), offset, stored_type(dtype[name]))
        return stored
    if dtype.kind != "S":
        return h5t.py_create(dtype)
    stored = h5t.C_S1.copy()
    stored.set_size(dtype.itemsize)
    stored.set_strpad(h5t.STR_NULLTERM)
    return stored


def create_dataset(file: Any, item: Item) -> None:
    """An empty dataset as the files have it: chunked, extendable on axis 0, shuffled, deflated at level 1."""
    rest = (item.width,) if item.width else ()
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk((item.chunk, *rest))
    properties.set_shuffle()
    properties.set_deflate(1)
    properties.set_alloc_time(h5d.ALLOC_TIME_INCR)
    properties.set_fill_time(h5d.FILL_TIME_ALLOC)
    space = h5s.create_simple((0, *rest), (h5s.UNLIMITED, *rest))
    file.require_group(item.path.partition("/")[0])
    h5d.create(file.id, item.path.encode(), stored_type(item.dtype), space, properties)


def empty_file(items: Iterable[Item]) -> bytes:
    """The bytes of a file with these datasets, all empty, and nothing else."""
    with h5py.File("layout", "w", driver="core", backing_store=False, libver="earliest") as file:
        for item in items:
            create_dataset(file, item)
        file.flush()
        image: bytes = file.id.get_file_image()
        return image

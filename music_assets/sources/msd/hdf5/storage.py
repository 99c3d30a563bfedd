"""The layout in HDF5's own terms: the stored types, and the properties datasets are created with.

`fast_reader` recognises the MSD's layout by these, and the sandbox writes files with them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from h5py import h5d, h5p, h5t

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


def creation_properties(item: Item) -> Any:
    """How a dataset of the files is stored: in chunks, shuffled, deflated at level 1."""
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk((item.chunk, item.width) if item.width else (item.chunk,))
    properties.set_shuffle()
    properties.set_deflate(1)
    properties.set_alloc_time(h5d.ALLOC_TIME_INCR)
    properties.set_fill_time(h5d.FILL_TIME_ALLOC)
    return properties

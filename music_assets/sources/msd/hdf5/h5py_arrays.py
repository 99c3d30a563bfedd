"""The analysis arrays of any MSD file through h5py: the songs of single and aggregate files, one by one.

What is true of all files, and how tables are read, is in `h5py_reader`; the usual files are read faster in
`fast_reader`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np

from music_assets.sources.msd.errors import UnreadableFile
from music_assets.sources.msd.fields import Kind
from music_assets.sources.msd.hdf5.checks import MOST_BYTES, check_read, member
from music_assets.sources.msd.hdf5.h5py_reader import H5pyFile, check_kind, plain_words
from music_assets.sources.msd.layout import ANALYSIS_ARRAYS
from music_assets.sources.msd.records import Arrays


class H5pyAnalysisFile(H5pyFile):
    """An MSD file with its analysis arrays."""

    def arrays(self, names: Sequence[str], track_id: bytes | None = None) -> Iterator[Arrays]:
        """The arrays of these names of every row, or of the first row with this track id, if there is one."""
        with plain_words():
            datasets = {name: self._analysis_array(name) for name in names}
        row = 0
        for block in self.track_ids():
            for found in block:
                if track_id in (None, found):
                    with plain_words():
                        arrays = self._row_arrays(row, datasets)
                    yield Arrays(found, arrays)
                    if track_id is not None:
                        return
                row += 1

    def _analysis_array(self, name: str) -> Any:
        item, table = ANALYSIS_ARRAYS[name], self._tables["analysis"]
        found = member(self._file, item.path)
        if not isinstance(found, h5py.Dataset):
            raise UnreadableFile(f"has no array {item.path}; summary files have none of them")
        if found.shape is None or found.shape[1:] != ((item.width,) if item.width else ()):
            raise UnreadableFile(f"{item.path} has the shape {found.shape}, not {_shape(item.width)}")
        check_kind(item.path, found.dtype, Kind.REAL)
        if (index := f"idx_{name}") not in table.dtype.names:
            raise UnreadableFile(f"analysis/songs has no field {index}")
        check_kind(f"analysis/songs, field {index},", table.dtype[index], Kind.INTEGER)
        return found

    def _row_arrays(self, row: int, datasets: dict[str, Any]) -> dict[str, Any]:
        arrays, size = {}, 0
        for name, dataset in datasets.items():
            start, *after = self._tables["analysis"].fields(f"idx_{name}")[row : row + 2].tolist()
            stop = after[0] if after else len(dataset)
            if not 0 <= start <= stop <= len(dataset):
                raise UnreadableFile(
                    f"idx_{name} is out of range: at row {row} it goes from {start} to {stop}"
                    f" in an array of {len(dataset)}"
                )
            size += check_read(dataset, start, stop)
            if size > MOST_BYTES:
                raise UnreadableFile(f"has {size:,} bytes of arrays at row {row}, more than any MSD file")
            arrays[name] = dataset[start:stop].astype(np.float64)
        return arrays


def _shape(width: int) -> str:
    return f"(n, {width})" if width else "(n,)"

"""Reading any MSD file through h5py: single, aggregate and summary files, however they are stored.

Byte order, chunking, filters, wider numbers and variable-length text do not matter here; the
layout of nearly all files is read faster in `fast_reader`. Whatever is wrong with a file is found here, or in
`checks`, and raised as an `UnreadableFile`; `isolated` runs this where a crash does no harm.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from music_assets.sources.msd.errors import UnreadableFile
from music_assets.sources.msd.fields import KINDS, LISTS, SONG_FIELDS, Kind
from music_assets.sources.msd.hdf5.checks import MOST_BYTES, check_read, member
from music_assets.sources.msd.layout import TABLES, TAG_ARRAYS
from music_assets.sources.msd.records import Record, Tags

_BLOCK = 512  # rows read at once

# The fields that are read, with what each must hold: all that become columns, and what cuts the arrays.
_FIELDS: dict[str, dict[str, Kind]] = {table: {} for table in TABLES}
for _field in SONG_FIELDS:
    _FIELDS[_field.table][_field.name] = _field.kind
for _arrays, _table, _index in LISTS.values():
    _FIELDS[_table][_index] = Kind.INTEGER

_ARRAY_KINDS = {name: KINDS[item.dtype.kind] for name, item in TAG_ARRAYS.items()}


class H5pyFile:
    """An MSD file opened through h5py, to be closed.

    Opening raises `UnreadableFile` where the file is no MSD file at all; `blocks` and `track_ids`
    raise it where a part of it cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = _open(path)
        try:
            with plain_words():
                self._tables = {name: self._table(name) for name in TABLES}
                self._arrays = {name: self._list_arrays(name) for name in LISTS}
            tables = {TABLES[name].path: len(table) for name, table in self._tables.items()}
            self.rows = _common_length("tables", tables)
            if not self.rows:
                raise UnreadableFile("holds no song: its tables have no rows")
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def track_ids(self) -> Iterator[list[bytes]]:
        """The track id of every row, in blocks, reading no other field."""
        column = self._tables["analysis"].fields("track_id")
        for start in range(0, self.rows, _BLOCK):
            stop = min(start + _BLOCK, self.rows)
            with plain_words():
                check_read(self._tables["analysis"], start, stop)
                ids = _text_values(column[start:stop])
            yield ids

    def blocks(self, rows: Sequence[int] | None = None) -> Iterator[list[Record]]:
        """The tracks of the file, or of these rows (ascending), with each its slices of the arrays.

        They come in the blocks that are read at once.
        """
        for start, stop in _runs(range(self.rows) if rows is None else rows):
            with plain_words():
                block = {name: self._block(name, start, stop) for name in TABLES}
                tags = self._tags(start, stop)
            yield [
                Record(**{name: block[name][offset].tobytes() for name in TABLES}, tags=tags[offset])
                for offset in range(stop - start)
            ]

    def _table(self, name: str) -> Any:
        path = TABLES[name].path
        table = member(self._file, path)
        if not isinstance(table, h5py.Dataset):
            raise UnreadableFile(f"is HDF5 without the MSD table {path}")
        if table.dtype.names is None or len(table.shape or ()) != 1:
            raise UnreadableFile(f"{path} is not a table")
        for field, kind in _FIELDS[name].items():
            if field not in table.dtype.names:
                raise UnreadableFile(f"{path} has no field {field}")
            check_kind(f"{path}, field {field},", table.dtype[field], kind)
        return table

    def _list_arrays(self, name: str) -> dict[str, Any] | None:
        """The arrays one list is made of; None in files that have none of them (summary files)."""
        arrays = {array: member(self._file, TAG_ARRAYS[array].path) for array in LISTS[name][0]}
        absent = [array for array, found in arrays.items() if not isinstance(found, h5py.Dataset)]
        if len(absent) == len(arrays):
            return None
        if absent:
            raise UnreadableFile(f"has no array {TAG_ARRAYS[absent[0]].path}, though it has its companions")
        for array, found in arrays.items():
            if len(found.shape or ()) != 1:
                raise UnreadableFile(f"{TAG_ARRAYS[array].path} is not a list")
            check_kind(TAG_ARRAYS[array].path, found.dtype, _ARRAY_KINDS[array])
        _common_length("arrays", {TAG_ARRAYS[array].path: len(found) for array, found in arrays.items()})
        return arrays

    def _block(self, name: str, start: int, stop: int) -> Any:
        """Rows of a table in the layout's own dtype, whatever theirs is."""
        check_read(self._tables[name], start, stop)
        found = self._tables[name][start:stop]
        dtype = TABLES[name].dtype
        block: Any = np.zeros(stop - start, dtype=dtype)
        for field, kind in _FIELDS[name].items():
            where = f"{TABLES[name].path}, field {field},"
            if kind is Kind.TEXT:
                texts = _text_values(found[field])
                if max(map(len, texts)) > dtype[field].itemsize:
                    raise UnreadableFile(f"{where} holds text beyond {dtype[field].itemsize} bytes")
                block[field] = texts
            else:
                block[field] = found[field]
                if kind is Kind.INTEGER and not np.array_equal(block[field], found[field]):
                    raise UnreadableFile(f"{where} holds a number beyond 32 bits")
        return block

    def _tags(self, start: int, stop: int) -> list[Tags]:
        """What the arrays say of each of these rows."""
        values: dict[str, list[list[Any]]] = {}
        size = 0
        for name, (arrays, table, index) in LISTS.items():
            cuts = self._cuts(name, table, index, start, stop)
            found = self._arrays[name]
            for array in arrays:
                if found:
                    size += check_read(found[array], cuts[0], cuts[-1])
                span = found[array][cuts[0] : cuts[-1]] if found else np.empty(0)
                span = _values(span, _ARRAY_KINDS[array])
                if _ARRAY_KINDS[array] is Kind.TEXT:  # of any length, where a file has that
                    size += sum(map(len, span))
                if size > MOST_BYTES:
                    raise UnreadableFile(f"has {size:,} bytes of tags at row {start}, more than any MSD file")
                values[array] = [span[first - cuts[0] : last - cuts[0]] for first, last in pairwise(cuts)]
        return [Tags(*(values[name][row] for name in Tags._fields)) for row in range(stop - start)]

    def _cuts(self, name: str, table: str, index: str, start: int, stop: int) -> list[int]:
        """Where the slices of rows `start` to `stop` begin, and where the last of them ends.

        Row i's slice is `[idx[i] : idx[i + 1]]`, the last row's runs to the end of the array.
        """
        arrays = self._arrays[name]
        if arrays is None:
            return [0] * (stop - start + 1)
        cuts: list[int] = self._tables[table].fields(index)[start : stop + 1].tolist()
        length = len(next(iter(arrays.values())))
        if stop == self.rows:
            cuts.append(length)
        for row, (before, after) in enumerate(pairwise([0, *cuts, length]), start=start - 1):
            if before > after:
                raise UnreadableFile(
                    f"{index} is out of range: at row {max(row, start)} it goes from {before} to {after}"
                    f" in an array of {length}"
                )
        return cuts


def check_kind(where: str, dtype: np.dtype[Any], kind: Kind) -> None:
    text = dtype.kind == "S" or h5py.check_string_dtype(dtype) is not None
    fits = {Kind.TEXT: text, Kind.INTEGER: dtype.kind in "iu", Kind.REAL: dtype.kind in "fiu"}[kind]
    if not fits:
        raise UnreadableFile(f"{where} holds {dtype}, not {kind.value} values")


def _text_values(values: npt.NDArray[Any]) -> list[bytes]:
    """Text as bytes, without NULs."""
    return [value.replace(b"\0", b"") for value in values.tolist()]


def _values(values: npt.NDArray[Any], kind: Kind) -> list[Any]:
    if kind is Kind.TEXT:
        return _text_values(values)
    found: list[Any] = values.astype(np.float64 if kind is Kind.REAL else np.int64).tolist()
    return found


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ascending rows as (start, stop) of neighbours, none longer than a block."""
    all_rows = np.asarray(rows)
    for run in np.split(all_rows, np.flatnonzero(np.diff(all_rows) != 1) + 1):
        for start in range(0, len(run), _BLOCK):
            yield int(run[start]), int(run[start : start + _BLOCK][-1]) + 1


def _common_length(what: str, lengths: dict[str, int]) -> int:
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{path} {length}" for path, length in lengths.items())
        raise UnreadableFile(f"its {what} disagree in length: {each}")
    return next(iter(lengths.values()))


@contextmanager
def plain_words() -> Iterator[None]:
    """Whatever HDF5 makes of a damaged file, as an `UnreadableFile`.

    There is no short list of what h5py raises on damage: OSError, KeyError, RuntimeError,
    ValueError, TypeError, OverflowError and MemoryError have all been met.
    """
    try:
        yield
    except UnreadableFile:
        raise
    except MemoryError as error:
        raise UnreadableFile("needs more memory than any MSD file") from error
    except Exception as error:
        raise UnreadableFile(f"is damaged: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].strip("'\"")


def _open(path: str | Path) -> Any:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFile("is not a file")
        with open(path, "rb"):  # h5py words a refusal less clearly
            pass
    except FileNotFoundError:
        raise UnreadableFile("does not exist") from None
    except PermissionError:
        raise UnreadableFile("may not be read: permission denied") from None
    except OSError as error:  # a loop of links, a name too long, a disk that is gone
        raise UnreadableFile(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UnreadableFile(f"cannot be read: {error} in its path") from None
    try:
        return h5py.File(path, "r", locking=False)  # whoever has it open may keep its lock
    except Exception as error:
        raise UnreadableFile(_why_not_opened(path, status.st_size, error)) from error


def _why_not_opened(path: str | Path, size: int, error: Exception) -> str:
    if not size:
        return "is empty"
    if stored := re.search(r"stored_eof = (\d+)", str(error)):
        return f"is cut short: {size} of {stored[1]} bytes"
    if not h5py.is_hdf5(path):
        return "is not an HDF5 file"
    return f"HDF5 cannot open it: {_first_line(error)}"

"""Records become columns, columns become the two frames: decoding, and what stands for unknown.

Nothing here opens a file. Text is decoded and numbers are masked for many records in one numpy
call; nothing is done a row at a time that can be done a column at a time.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.lib.recfunctions import repack_fields

from music_assets.sources.msd.fields import (
    ARTIST_COLUMNS,
    ARTIST_SCALARS,
    SONG_COLUMNS,
    SONG_FIELDS,
    Field,
    Kind,
)
from music_assets.sources.msd.layout import METADATA, TABLES
from music_assets.sources.msd.records import Record, Tags

_BATCH = 512  # records decoded at once: 3 MB of rows
_ARTIST_ID = slice(METADATA.fields["artist_id"][1], METADATA.fields["artist_id"][1] + 32)  # type: ignore[index]


def decode_text(values: list[bytes], replaced: list[int] | None = None) -> list[str | None]:
    """Text of the files as str, None for "".

    It is UTF-8. What is not (Latin-1, a damaged letter) is replaced by U+FFFD, so that a damaged name costs
    its damaged letters and no more; `replaced` gets the places of such values. A NUL ends the text, as it
    does for HDF5.
    """
    try:  # all at once: as many pieces as values means that no value holds a NUL
        pieces = b"\0".join(values).decode().split("\0")
    except UnicodeDecodeError:
        pieces = []
    if len(pieces) != len(values):
        values = [value.split(b"\0", 1)[0] for value in values]
        pieces = [value.decode("utf-8", "replace") for value in values]
        if replaced is not None:
            pairs = zip(values, pieces, strict=True)
            replaced += (place for place, (value, piece) in enumerate(pairs) if piece.encode() != value)
    return [piece or None for piece in pieces]


class Columns:
    """Tracks as columns, filled record by record and decoded batch by batch."""

    def __init__(self) -> None:
        self._text: dict[str, list[str | None]] = {f.name: [] for f in SONG_FIELDS if f.kind is Kind.TEXT}
        self._numbers: dict[str, list[npt.NDArray[Any]]] = {
            f.name: [] for f in SONG_FIELDS if f.kind is not Kind.TEXT
        }
        self._files: list[str] = []
        self._checksums: list[str] = []
        self._pending: list[Record] = []
        self.notes: set[str] = set()  # what was read and is not as it should be
        self._tags: dict[str, tuple[str, Tags]] = {}  # of each artist: the smallest track id, its tags

    def add(self, track_id: str, record: Record, msd_file: str) -> None:
        """Take in one track; `msd_file` is the name its row will carry."""
        self._files.append(msd_file)
        self._pending.append(record)
        artist_id = record.metadata[_ARTIST_ID].split(b"\0", 1)[0].decode("utf-8", "replace")
        self._add_tags(artist_id, track_id, record.tags)
        if len(self._pending) == _BATCH:
            self._decode()

    def extend(self, other: Columns) -> None:
        """Take in all tracks of `other`."""
        self._decode()
        other._decode()
        for name, text in other._text.items():
            self._text[name] += text
        for name, numbers in other._numbers.items():
            self._numbers[name] += numbers
        self._files += other._files
        self._checksums += other._checksums
        self.notes |= other.notes
        for artist_id, (track_id, tags) in other._tags.items():
            self._add_tags(artist_id, track_id, tags)

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The songs by track_id and the artists by artist_id, with the columns of `fields`."""
        self._decode()
        track_ids = self._text["track_id"]
        order = np.array(sorted(range(len(track_ids)), key=lambda i: track_ids[i] or ""), dtype=np.intp)
        columns: dict[str, Any] = {}
        for field in SONG_FIELDS:
            if field.kind is Kind.TEXT:
                columns[field.name] = _objects(self._text[field.name])[order]
            else:
                columns[field.name] = _numbers(field, self._numbers[field.name])[order]
        columns["msd_file"] = _objects(self._files)[order]
        columns["msd_checksum"] = _objects(self._checksums)[order]
        songs = _frame(columns, SONG_COLUMNS)
        return songs, self._artists(columns)

    def _note(self, where: str, what: str) -> None:
        self.notes.add(f"{where}: its {what} is not UTF-8, and the wrong bytes became U+FFFD.")

    def _texts(self, name: str, track_id: str, tags: Tags) -> list[str | None]:
        """An artist's texts of one array, from the track that has them."""
        replaced: list[int] = []
        texts = decode_text(getattr(tags, name), replaced)
        if replaced:
            self._note(track_id, name)
        return texts

    def _add_tags(self, artist_id: str, track_id: str, tags: Tags) -> None:
        known = self._tags.get(artist_id)
        if known is None or track_id < known[0]:
            self._tags[artist_id] = (track_id, tags)

    def _decode(self) -> None:
        if not self._pending:
            return
        rows: dict[str, Any] = {
            name: np.frombuffer(b"".join([getattr(r, name) for r in self._pending]), dtype=item.dtype)
            for name, item in TABLES.items()
        }
        texts = []
        files = self._files[len(self._checksums) :]
        for field in SONG_FIELDS:
            values = rows[field.table][field.name]
            if field.kind is Kind.TEXT:
                replaced: list[int] = []
                texts.append(decode_text(values.tolist(), replaced))
                for place in replaced:
                    self._note(files[place], field.name)
                self._text[field.name] += texts[-1]
            else:
                self._numbers[field.name].append(values)
        self._checksums += _checksums(texts, rows)
        self._pending = []

    def _artists(self, songs: dict[str, Any]) -> pd.DataFrame:
        """One row per artist, made from the songs' columns (by track_id, so the first is the smallest)."""
        rows: dict[str, list[int]] = {}
        for row, artist_id in enumerate(songs["artist_id"]):
            if artist_id is not None:
                rows.setdefault(artist_id, []).append(row)
        ids = sorted(rows)
        first = np.array([rows[artist_id][0] for artist_id in ids], dtype=np.intp)
        spellings = [_by_frequency(songs["artist_name"][rows[artist_id]]) for artist_id in ids]
        tags = [self._tags[artist_id] for artist_id in ids]
        columns: dict[str, Any] = {name: songs[name][first] for name in ARTIST_SCALARS}
        columns["artist_id"] = _objects(ids)
        columns["artist_name"] = _objects([some[0] if some else None for some in spellings])
        columns["other_names"] = _objects([some[1:] for some in spellings])
        columns["terms"] = _objects([_terms(self._texts("artist_terms", *one), one[1]) for one in tags])
        columns["mbtags"] = _objects([_mbtags(self._texts("artist_mbtags", *one), one[1]) for one in tags])
        columns["similar_artists"] = _objects([_known(self._texts("similar_artists", *one)) for one in tags])
        columns["songs"] = pd.array([len(rows[artist_id]) for artist_id in ids], dtype="Int64")
        columns["first_track_id"] = songs["track_id"][first]
        return _frame(columns, ARTIST_COLUMNS)


def _frame(columns: dict[str, Any], names: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series(columns[name], dtype=columns[name].dtype)  # text stays object: str or None
            for name in names
        },
        copy=False,
    )


def _objects(values: list[Any]) -> npt.NDArray[np.object_]:
    """The values as an array of one dimension, lists among them left whole."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _numbers(field: Field, parts: list[npt.NDArray[Any]]) -> Any:
    if field.kind is Kind.REAL:
        reals = np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
        reals[~np.isfinite(reals)] = np.nan
        return reals
    integers = np.concatenate(parts).astype(np.int64) if parts else np.empty(0, np.int64)
    unknown = np.zeros(len(integers), bool) if field.unknown is None else integers == field.unknown
    return pd.arrays.IntegerArray(integers, unknown)


def _by_frequency(names: Iterable[str | None]) -> list[str]:
    """The spellings, most frequent first, ties by code point."""
    counted = Counter(_known(list(names)))
    return sorted(counted, key=lambda name: (-counted[name], name))


def _checksums(texts: list[list[str | None]], rows: dict[str, npt.NDArray[Any]]) -> list[str]:
    """What tells whether a song is still what was read: BLAKE2b of its texts and of its numbers as stored.

    Left out is how a file is laid out (where arrays begin, what follows the end of a text): the same song has
    the same checksum in a file of its own and in one of many songs.
    """
    numbers = []
    for table in rows.values():
        names = [name for name, (type_, *_) in (table.dtype.fields or {}).items() if type_.kind != "S"]
        packed = repack_fields(table[[name for name in names if not name.startswith("idx_")]])
        numbers.append((packed.tobytes(), packed.itemsize))
    checksums = []
    for place, song in enumerate(zip(*texts, strict=True)):
        one = hashlib.blake2b("\0".join(text or "" for text in song).encode(), digest_size=16)
        for content, size in numbers:
            one.update(content[place * size : (place + 1) * size])
        checksums.append(one.hexdigest())
    return checksums


def _terms(texts: list[str | None], tags: Tags) -> list[dict[str, Any]]:
    """An entry without text says nothing and is dropped, here and below."""
    numbers = (map(_finite, values) for values in (tags.artist_terms_freq, tags.artist_terms_weight))
    return [
        {"term": term, "frequency": frequency, "weight": weight}
        for term, frequency, weight in zip(texts, *numbers, strict=True)
        if term is not None
    ]


def _mbtags(texts: list[str | None], tags: Tags) -> list[dict[str, Any]]:
    counted = zip(texts, tags.artist_mbtags_count, strict=True)
    return [{"tag": tag, "count": count} for tag, count in counted if tag is not None]


def _known(texts: list[str | None]) -> list[str]:
    return [text for text in texts if text is not None]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Writing files as the MSD has them, of one song or many.

The layout is the MSD's own, to the type, chunk, filter and attribute, so that any reader of the MSD reads
them. Which songs are in the sandbox's small MSD is in `songs`.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd
from filelock import FileLock
from h5py import h5d, h5f, h5s

from music_assets.errors import MusicAssetsError
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sources.msd.fields import SONG_COLUMNS, SONG_FIELDS, Field, Kind
from music_assets.sources.msd.hdf5.storage import create_dataset, stored_type
from music_assets.sources.msd.layout import ANALYSIS_ARRAYS, TABLES, TAG_ARRAYS, Item

Song = Mapping[str, Any]

_GROUPS = {
    "": "H5 Song File",
    "metadata": "metadata about the song",
    "analysis": "Echo Nest analysis of the song",
    "musicbrainz": "data about the song coming from MusicBrainz",
}
_SHUFFLE_AND_DEFLATE_1 = 0x010101  # as PyTables packs its filters into a number
_LISTS = ("terms", "mbtags", "similar_artists")
_ARRAYS = {**TAG_ARRAYS, **ANALYSIS_ARRAYS}
# Of the analysis arrays: how many a song has here (real ones have hundreds), and between what values.
_COUNTS = {"segments": 16, "sections": 2, "beats": 8, "bars": 2, "tatums": 16}
_RANGES = {
    "confidence": (0, 1),
    "pitches": (0, 1),
    "timbre": (-60, 60),
    "loudness_max": (-40, 0),
    "loudness_max_time": (0, 0.2),
    "loudness_start": (-60, -20),
}
_DEFAULTS: dict[str, Any] = {"analysis_sample_rate": 22050, "danceability": 0.0, "energy": 0.0}
_MARKER = ".music-assets-sample"  # says which version of the sample is complete
_SAMPLE_VERSION = "2"


class SampleFolderError(MusicAssetsError):
    """The sample cannot be written where it should be: other files are there."""


class SongFieldError(MusicAssetsError, ValueError):
    """A song cannot be written: a field the MSD does not have, or a value that does not fit."""


def write_song_file(path: str | Path, song: Song) -> None:
    """Write one song as the MSD does, tables and arrays.

    `song` has columns of `msd.songs` (`msd_file` is ignored), and may have `terms`
    (`[{"term", "frequency", "weight"}]`), `mbtags` (`[{"tag", "count"}]`), `similar_artists`
    (`[id]`) and analysis arrays by their names (`segments_start`, …). What is None, NaN or not
    there is written as the MSD writes unknown (0, -1, NaN, ""); analysis arrays that are not there
    are small and plausible. Text may be bytes, written as they are.

    Raises:
        SongFieldError: A field the MSD does not have, text too long for its field, or a value
            of another kind.
    """
    write_songs(path, [song])


def write_sample(root: str | Path, sample: Sequence[Song] | None = None) -> Path:
    """Write the sandbox's small MSD, or other songs, below `root`, as `A/B/C/TRABC….h5`.

    A complete sample is left as it is; one that is incomplete or of another version is written again. Two
    processes may call it at once. Returns `root`.

    Raises:
        SampleFolderError: `root` holds HDF5 files that are not the sample's.
    """
    root = Path(root)
    songs = {_song_path(song): song for song in (sample or _sample())}
    if _is_complete(root, set(songs)):
        return root
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f"{_MARKER}.lock"):
        if _is_complete(root, set(songs)):  # another process was first
            return root
        others = _song_files(root) - set(songs)
        if others and not (root / _MARKER).exists():
            raise SampleFolderError(
                f"The sample MSD is not written to {root}: other HDF5 files are there, such as "
                f"{min(others)}. Name an empty folder."
            )
        (root / _MARKER).write_text("incomplete")
        for name in others:
            (root / name).unlink()
        for name, song in songs.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            write_song_file(root / name, song)
        (root / _MARKER).write_text(_SAMPLE_VERSION)
    return root


@cache
def _sample() -> tuple[Song, ...]:
    """Computed once: a run looks several times whether the sample is complete."""
    return tuple(sample_songs())


def _is_complete(root: Path, names: set[str]) -> bool:
    marker = root / _MARKER
    return marker.is_file() and marker.read_text() == _SAMPLE_VERSION and _song_files(root) == names


def _song_files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*.h5")}


def _song_path(song: Song) -> str:
    track_id = song["track_id"]
    return f"{track_id[2]}/{track_id[3]}/{track_id[4]}/{track_id}.h5"


def write_songs(path: str | Path, songs: Sequence[Song], *, arrays: bool = True) -> None:
    """Write songs into one file: one row per song; arrays joined, with `idx_…` where each song's begin.

    Songs are given, and errors raised, as by `write_song_file`.
    """
    tables: dict[str, Any] = {name: np.zeros(len(songs), dtype=item.dtype) for name, item in TABLES.items()}
    parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _ARRAYS}
    begins = dict.fromkeys(_ARRAYS, 0)
    for row, song in enumerate(songs):
        if unknown := set(song) - {*SONG_COLUMNS, *_LISTS, *ANALYSIS_ARRAYS}:
            raise SongFieldError(f"The MSD has no field {', '.join(sorted(unknown))}.")
        for field in SONG_FIELDS:
            tables[field.table][field.name][row] = _value(song, field)
        if arrays:
            for name, array in _song_arrays(song, tables["analysis"]["duration"][row]).items():
                table = tables[_ARRAYS[name].path.partition("/")[0]]
                if f"idx_{name}" in table.dtype.names:  # terms and tags share theirs with their companions
                    table[f"idx_{name}"][row] = begins[name]
                parts[name].append(array)
                begins[name] += len(array)
    # In memory, and then written at once: a full disk is an OSError so, and HDF5 would crash.
    with h5py.File(h5f.open_file_image(_template(arrays), h5f.FILE_IMAGE_OPEN_RW)) as file:
        for name, item in TABLES.items():
            _fill(file, item, tables[name])
            file[item.path].attrs.modify("NROWS", np.int64(len(songs)))
        for name, found in parts.items():
            if found:
                _fill(file, _ARRAYS[name], np.concatenate(found))
        file.flush()
        Path(path).write_bytes(file.id.get_file_image())


def _fill(file: Any, item: Item, values: npt.NDArray[Any]) -> None:
    if len(values):
        dataset = h5d.open(file.id, item.path.encode())
        dataset.set_extent(values.shape)
        # As its own type: h5py's would be converted, and lose the last byte of text that fills a field.
        dataset.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(values), dataset.get_type())


def _value(song: Song, field: Field) -> Any:
    """A song's value as its field holds it."""
    name = field.name
    value = song.get(name, _DEFAULTS.get(name))
    if value is None or (not isinstance(value, str | bytes) and pd.isna(value)):
        if name == "audio_md5":
            return (
                hashlib.md5(repr(song.get("track_id")).encode(), usedforsecurity=False).hexdigest().encode()
            )
        return {Kind.TEXT: b"", Kind.INTEGER: field.unknown or 0, Kind.REAL: np.nan}[field.kind]
    if field.kind is Kind.TEXT:
        return _bytes(name, value, TABLES[field.table].dtype[name].itemsize)
    try:
        return int(value) if field.kind is Kind.INTEGER else float(value)
    except (TypeError, ValueError):
        raise SongFieldError(f"{name} must be a number, not {value!r}.") from None


def _bytes(name: str, value: str | bytes, size: int) -> bytes:
    if not isinstance(value, str | bytes):
        raise SongFieldError(f"{name} must be text, not {value!r}.")
    text = value.encode() if isinstance(value, str) else value
    if len(text) > size:
        raise SongFieldError(f"{name} has {len(text)} bytes of text; the MSD has room for {size}.")
    return text


def _song_arrays(song: Song, duration: float) -> dict[str, npt.NDArray[Any]]:
    terms, mbtags = song.get("terms") or [], song.get("mbtags") or []
    values: dict[str, Any] = {
        "similar_artists": song.get("similar_artists") or [],
        "artist_terms": [one["term"] for one in terms],
        "artist_terms_freq": [one["frequency"] for one in terms],
        "artist_terms_weight": [one["weight"] for one in terms],
        "artist_mbtags": [one["tag"] for one in mbtags],
        "artist_mbtags_count": [one["count"] for one in mbtags],
    }
    arrays = {}
    for name, item in TAG_ARRAYS.items():
        listed = values[name]
        if item.dtype.kind == "S":
            listed = [_bytes(name, value, item.dtype.itemsize) for value in listed]
        arrays[name] = np.array(listed, dtype=item.dtype)
    for name, item in ANALYSIS_ARRAYS.items():
        given = np.asarray(song[name] if name in song else _analysis(song, duration, item), dtype=item.dtype)
        if given.shape[1:] != ((item.width,) if item.width else ()):
            raise SongFieldError(
                f"{name} has shape {given.shape}; the MSD has {item.width or 1} values per row."
            )
        arrays[name] = given
    return arrays


def _analysis(song: Song, duration: float, item: Item) -> npt.NDArray[np.float64]:
    """A small analysis array that could be a song's: starts within its duration, values in range."""
    name = item.path.rpartition("/")[2]
    kind, _, measure = name.partition("_")
    count = _COUNTS[kind]
    if measure == "start":
        length = duration if 0 < duration < 1e6 else 1.0  # neither unknown nor absurd
        return np.round(np.arange(count) * length / count, 5)
    random = np.random.default_rng(zlib.crc32(f"{song.get('track_id')} {name}".encode()))
    return np.round(random.uniform(*_RANGES[measure], (count, item.width) if item.width else count), 3)


@cache
def _template(arrays: bool) -> bytes:
    """A file without songs: filling a copy of it is far faster than creating each.

    Of its attributes, most are PyTables' description of the tables, field by field.
    """
    with h5py.File("template.h5", "w", driver="core", backing_store=False, libver="earliest") as file:
        for name, title in _GROUPS.items():
            group = file.require_group(name or "/")
            _attributes(group, CLASS="GROUP", TITLE=title, VERSION="1.0", FILTERS=_SHUFFLE_AND_DEFLATE_1)
        _attributes(file, PYTABLES_FORMAT_VERSION="2.0")
        for item in TABLES.values():
            create_dataset(file, item)
            _attributes(file[item.path], CLASS="TABLE", TITLE=item.title, VERSION="2.6", NROWS=0)
            for number, field in enumerate(item.dtype.names or ()):
                zero = "" if item.dtype[field].kind == "S" else item.dtype[field].type(0)
                names = {f"FIELD_{number}_NAME": field, f"FIELD_{number}_FILL": zero}
                _attributes(file[item.path], **names)
        for item in _ARRAYS.values() if arrays else ():
            create_dataset(file, item)
            _attributes(file[item.path], CLASS="EARRAY", TITLE=item.title, VERSION="1.0", EXTDIM=np.int32(0))
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _attributes(item: Any, **values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, str):
            text = value.encode() + b"\0"
            attribute = h5py.h5a.create(
                item.id, name.encode(), stored_type(np.dtype(f"S{len(text)}")), h5s.create(h5s.SCALAR)
            )
            attribute.write(np.array(text))
        else:
            item.attrs[name] = value if isinstance(value, np.generic) else np.int64(value)

"""The audio analysis of songs as numpy arrays: `read_analysis` of one, `iter_analysis` of many.

What each array holds is in docs/analysis.md. How a file is read is in `hdf5`; a song's single values
(tempo, key, duration) are columns of `read_songs`, in `reader`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from music_assets.errors import MusicAssetsError
from music_assets.ids import is_msd_track_id
from music_assets.sources.msd.errors import SetAside, UnreadableFile
from music_assets.sources.msd.hdf5 import fast_reader, isolated
from music_assets.sources.msd.hdf5.prefetch import opened
from music_assets.sources.msd.layout import ANALYSIS_ARRAYS
from music_assets.sources.msd.reader import checked_track_id, existing, song_files
from music_assets.sources.msd.records import Arrays
from music_assets.sources.msd.root import MsdRoot

ANALYSIS_FIELDS: tuple[str, ...] = tuple(ANALYSIS_ARRAYS)
Floats = npt.NDArray[np.float64]
Named = str | Path | Iterable[str | Path]


class AnalysisError(MusicAssetsError, ValueError):
    """A song's analysis cannot be read: no such song, file or array, or the file is damaged."""


class Analysis(NamedTuple):
    """One song: its id, the file it is from, and its arrays by name."""

    track_id: str
    path: Path
    arrays: dict[str, Floats]


def read_analysis(
    track: str | Path, fields: str | Iterable[str] | None = None, *, msd: str | Path | None = None
) -> dict[str, Floats]:
    """The analysis arrays of one song, by their names.

    Args:
        track: A file of one song, or an MSD track id (TR…).
        fields: Names of arrays, `ANALYSIS_FIELDS` has them all; all unless given.
        msd: The MSD root that an id is looked up in: a folder, or one aggregate file. Unless given, that of
            the environment variable MUSIC_ASSETS_MSD.

    Returns:
        float64 arrays, with one row per segment, section, beat, bar or tatum; a song may have none of them.

        | array | shape | values |
        |---|---|---|
        | `segments_start`, `sections_…`, `beats_…`, … | (n,) | seconds from the beginning of the audio |
        | `…_confidence` | (n,) | 0 to 1 |
        | `segments_pitches` | (n, 12) | strength of C, C#, … B relative to the strongest, 0 to 1 |
        | `segments_timbre` | (n, 12) | coefficients without unit, around 0; the first is loudness |
        | `segments_loudness_max`, `segments_loudness_start` | (n,) | dB, below 0 for nearly all |
        | `segments_loudness_max_time` | (n,) | seconds from the segment's start |

    Raises:
        AnalysisError: The song or the array is not there, or its file cannot be read.
    """
    with closing(iter_analysis([track], fields, msd=msd)) as songs:
        found = next(songs, None)
        if songs.set_aside:
            path, reason = songs.set_aside[0]
            raise AnalysisError(f"{path} {reason}.")
        if found is None or next(songs, None) is not None:
            raise AnalysisError(f"{track} has many songs. Give a track id, and the file as `msd`.")
        return found.arrays


def iter_analysis(
    tracks: Named, fields: str | Iterable[str] | None = None, *, msd: str | Path | None = None
) -> AnalysisIterator:
    """The analysis arrays of many songs, one after the other, as `Analysis(track_id, path, arrays)`.

    Args:
        tracks: Files, folders (all `*.h5` below them, by name) and track ids, in any mixture; or one of them.
            Songs come in this order, those of an aggregate file in its own; what is named twice comes twice.
        fields: As for `read_analysis`, with what arrays hold.
        msd: As for `read_analysis`.

    Returns:
        An iterator, in the memory of one song at a time. Its `set_aside` lists, as far as it has come, what
        could not be read, with the reason; the others go on. It reads in this process: for several, give each
        its share of the tracks.

    Raises:
        AnalysisError: There is no array of a name, or an id is named and no MSD root.
        MsdRootError: The MSD root cannot be used, or the one path that is given does not exist.
    """
    if isinstance(tracks, str | os.PathLike):
        is_id = isinstance(tracks, str) and is_msd_track_id(tracks)
        given = [tracks if is_id else existing(tracks)]
    else:
        given = list(tracks)
    root = None
    if ids := [track for track in given if isinstance(track, str) and is_msd_track_id(track)]:
        if not (place := msd or os.environ.get("MUSIC_ASSETS_MSD")):
            raise AnalysisError(
                f"{ids[0]} is an id, and no MSD root is named. Pass msd=, or set MUSIC_ASSETS_MSD."
            )
        root = MsdRoot.open(place)
    return AnalysisIterator(given, _names(fields), root)


class AnalysisIterator(Iterator[Analysis]):
    """What `iter_analysis` returns; `set_aside` grows while it is taken from."""

    def __init__(self, tracks: Iterable[str | Path], names: Sequence[str], root: MsdRoot | None) -> None:
        self.set_aside: list[SetAside] = []
        self._names = names
        self._root = root
        self._songs = self._read_all(tracks)

    def __next__(self) -> Analysis:
        return next(self._songs)

    def close(self) -> None:
        """Close what is open; an iterator that came to its end is closed."""
        self._songs.close()

    def _read_all(self, tracks: Iterable[str | Path]) -> Generator[Analysis, None, None]:
        for path, track_id in self._files(tracks):
            try:
                found = self._of_file(path, track_id)
                if track_id is not None and (found := list(found)) == []:
                    raise UnreadableFile(f"has no track {track_id}")
                for song in found:
                    _check_lengths(song.arrays)
                    yield Analysis(checked_track_id(song.track_id), Path(path), song.arrays)
            except UnreadableFile as fault:
                self.set_aside.append(SetAside(Path(path), str(fault)))

    def _files(self, tracks: Iterable[str | Path]) -> Iterator[tuple[str, str | None]]:
        """The files to read, each with the track that is wanted of it; None stands for all of its tracks."""

        def set_aside(path: str | Path, reason: str) -> None:
            self.set_aside.append(SetAside(Path(path), reason))

        for track in tracks:
            if isinstance(track, str) and is_msd_track_id(track):
                assert self._root is not None
                if path := self._root.find(track):
                    yield str(path), track
                else:
                    set_aside(self._root.path, f"has no track {track}")
            elif os.path.isdir(track):
                yield from ((path, None) for path in sorted(song_files(os.fspath(track), set_aside)))
            else:
                yield os.fspath(track), None

    def _of_file(self, path: str, track_id: str | None) -> Iterable[Arrays]:
        wanted = None if track_id is None else track_id.encode()
        with opened(path) as file:
            if file is not None:
                found = fast_reader.read_arrays(file.descriptor, file.status.st_size, self._names)
                if found is not None and not file.was_written():
                    return [found] if wanted in (None, found.track_id) else []
        return isolated.arrays(path, self._names, wanted)


def _names(fields: str | Iterable[str] | None) -> Sequence[str]:
    names = ANALYSIS_FIELDS if fields is None else (fields,) if isinstance(fields, str) else tuple(fields)
    if unknown := [name for name in names if name not in ANALYSIS_FIELDS]:
        near = difflib.get_close_matches(str(unknown[0]), ANALYSIS_FIELDS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(ANALYSIS_FIELDS)}."
        raise AnalysisError(f"The MSD has no analysis array {unknown[0]!r}. {hint}")
    return names


def _check_lengths(arrays: dict[str, Floats]) -> None:
    """Arrays about the same things (segments, beats, …) have a row for each of them."""
    lengths: dict[str, dict[str, int]] = {}
    for name, array in arrays.items():
        lengths.setdefault(name.partition("_")[0], {})[name] = len(array)
    for of_unit in lengths.values():
        if len({*of_unit.values()}) > 1:
            each = ", ".join(f"{name} {length}" for name, length in of_unit.items())
            raise UnreadableFile(f"its arrays disagree in length: {each}")

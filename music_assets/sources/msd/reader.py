"""Reading many MSD files in one pass: which files, which of their tracks, and what was left out.

How one file is read is in `hdf5`; how tracks become frames in `columns`; which files
make a partition in `root`.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from music_assets.sources.msd.columns import Columns
from music_assets.sources.msd.errors import MsdRootError, SetAside, UnreadableFile
from music_assets.sources.msd.hdf5 import fast_reader, isolated
from music_assets.sources.msd.hdf5.prefetch import Opened, opened, opened_ahead
from music_assets.sources.msd.layout import ANALYSIS
from music_assets.sources.msd.records import Record

_TRACK_ID = slice(ANALYSIS.fields["track_id"][1], ANALYSIS.fields["track_id"][1] + 32)  # type: ignore[index]
_LOOKS_LIKE_TRACK_ID = re.compile(r"TR[A-Z]{5}[0-9A-Z]{11}")
_NAMED = 3  # track ids named in a reason that speaks of many


class _MsdRead(NamedTuple):
    songs: pd.DataFrame
    artists: pd.DataFrame
    set_aside: list[SetAside]


class MsdRead(_MsdRead):
    """What `read_msd` returns; unpacks to three. `notes` say what was read and is not as it should be."""

    notes: tuple[str, ...] = ()


def read_msd(
    paths: str | Path | Iterable[str | Path],
    *,
    root: str | Path | None = None,
    expect_location: bool = True,
) -> MsdRead:
    """Read MSD files, each once: single-song, aggregate and summary files, in any mixture.

    Args:
        paths: Files, or one file. A folder stands for all `*.h5` below it, hidden files and linked
            folders left out. Their order makes no difference.
        root: `msd_file` is the path from there; the path as given for files elsewhere.
        expect_location: Set aside a one-song file whose name or letter folders (`A/B/C`) are those of
            another track.

    Returns:
        songs: One row per track by `track_id`, columns as in `msd.songs`. Text is str or None, integers
            are `Int64` with NA, reals float64 with NaN. Year 0, ids of -1, NaN, the infinities and
            "" are NULL; other zeros are values.
        artists: One row per artist by `artist_id`, columns as in `msd.artists`. The name is the
            spelling most of the artist's tracks have (ties go to the smallest), all else is that of the
            artist's smallest track id. `terms` are `[{"term", "frequency", "weight"}]`, `mbtags`
            `[{"tag", "count"}]`, `similar_artists` and `other_names` lists of str; all may be empty.
        set_aside: What was left out, and why, by path: files that cannot be read, folders that
            cannot be listed or hold nothing, and tracks that an earlier path (in sorted order) has.
        `notes` of the result name the files with text that is not UTF-8: its wrong bytes became U+FFFD.

    Bad files raise nothing; what they hold beside the fault is left out with them. One process reads; to read
    a whole MSD on all cores, read it by partitions (`read_partitions`).

    Raises:
        MsdRootError: The one path that is given does not exist. Of several, it is set aside.
    """
    reading = Reading(root=root, expect_location=expect_location)
    reading.read_all(_files(paths, reading.set_aside))
    return reading.result()


def read_songs(paths: str | Path | Iterable[str | Path]) -> pd.DataFrame:
    """The songs of `read_msd(paths)` alone."""
    return read_msd(paths).songs


class _Many(NamedTuple):
    """What a file of many songs holds: the tracks to take, with their file, and those to leave out."""

    columns: Columns
    kept: dict[str, str]
    duplicates: dict[str, str]  # the file that has it already
    others: list[str]  # of other partitions


class Reading:
    """One pass over files: what was read so far, and what was set aside.

    `letters` keeps, of files with many songs, those of one partition (track ids whose third and
    fourth letters these are).
    """

    def __init__(
        self, *, root: str | Path | None = None, expect_location: bool = True, letters: str | None = None
    ) -> None:
        self._columns = Columns()
        self._set_aside: list[SetAside] = []
        self._kept: dict[str, str] = {}  # track id -> the file that gave it
        self._root = None if root is None else os.path.join(os.fspath(root), "")
        self._expect_location = expect_location
        self._letters = letters

    def read(self, path: str, rows: list[int] | None = None) -> None:
        """Read a file, or these rows of it; must be called in sorted order of paths."""
        with opened(path) as file:
            self._read(path, file, rows)

    def read_all(self, paths: Iterable[str]) -> None:
        """Read files, sorted by path."""
        with _collector_paused(), closing(opened_ahead(paths)) as files:
            for path, file in files:
                self._read(path, file)

    def _read(self, path: str, file: Opened | None, rows: list[int] | None = None) -> None:
        try:
            found = self._found(path, file, rows)
            if file is not None and file.was_written():
                file = file._replace(status=os.fstat(file.descriptor))
                found = self._found(path, file, rows)
                if file.was_written():
                    raise UnreadableFile("changed while it was read, twice: is it being written?")
            if isinstance(found, Record):
                self._take_one(path, found)
            else:
                self._take_many(path, found)
        except UnreadableFile as fault:
            self.set_aside(path, str(fault))

    def _found(self, path: str, file: Opened | None, rows: list[int] | None) -> Record | _Many:
        """What a file holds: a song, or those of many that are wanted."""
        if file is not None:
            record = fast_reader.read_record(file.descriptor, file.status.st_size)
            if record is not None:
                return record
        count, records = isolated.read(path, rows)
        with closing(records):
            if count == 1:
                (record,) = records
                return record
            return self._collected(path, records)

    def set_aside(self, path: str | Path, reason: str) -> None:
        self._set_aside.append(SetAside(Path(path), reason))

    def result(self) -> MsdRead:
        songs, artists = self._columns.frames()
        read = MsdRead(songs, artists, sorted(self._set_aside, key=lambda one: str(one.path)))
        read.notes = tuple(sorted(self._columns.notes))
        return read

    def _take_one(self, path: str, record: Record) -> None:
        track_id = checked_track_id(record.analysis[_TRACK_ID])
        if self._expect_location:
            _check_location(track_id, path.removeprefix(self._root or ""))
        if track_id in self._kept:
            self.set_aside(path, f"duplicate of {self._kept[track_id]}: both hold track {track_id}")
            return
        self._kept[track_id] = path
        self._columns.add(track_id, record, self._named(path))

    def _collected(self, path: str, records: Iterator[Record]) -> _Many:
        """The tracks of an aggregate or summary file that are wanted: all of them, or an error."""
        many = _Many(Columns(), {}, {}, [])
        name = self._named(path)
        for record in records:
            track_id = checked_track_id(record.analysis[_TRACK_ID])
            if self._letters is not None and track_id[2:4] != self._letters:
                many.others.append(track_id)
            elif track_id in many.kept or track_id in self._kept:
                many.duplicates[track_id] = self._kept.get(track_id, path)
            else:
                many.kept[track_id] = path
                many.columns.add(track_id, record, name)
        return many

    def _take_many(self, path: str, many: _Many) -> None:
        self._columns.extend(many.columns)
        self._kept |= many.kept
        if many.others:
            self.set_aside(
                path,
                f"{len(many.others)} of its songs belong to other partitions than {self._letters}"
                f" ({_some(many.others)}); to read them, give this file itself as the MSD root",
            )
        for first in sorted(set(many.duplicates.values())):
            ids = [track_id for track_id, file in many.duplicates.items() if file == first]
            self.set_aside(path, f"duplicate of {first} in {len(ids)} of its songs ({_some(ids)})")

    def _named(self, path: str) -> str:
        """The path as `msd_file` has it: from the root, as text that can be written."""
        name = path.removeprefix(self._root or "")
        return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Reading makes no cycles; looking for them among so many lists would take a fifth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _files(
    paths: str | Path | Iterable[str | Path], set_aside: Callable[[str | Path, str], None]
) -> list[str]:
    """The files meant, each once, in the order of their names."""
    given = [existing(paths)] if isinstance(paths, str | os.PathLike) else paths
    files: set[str] = set()
    for path in {os.fspath(one) for one in given}:
        files.update(song_files(path, set_aside) if os.path.isdir(path) else [path])
    return sorted(files)


def existing(path: str | Path) -> str | Path:
    """The path, which is all that is to be read.

    Raises:
        MsdRootError: It does not exist: nothing would be read, which is not what an MSD without songs is.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise MsdRootError(
            f"{os.fspath(path)!r} does not exist. Name a file or folder of the MSD that does."
        ) from None
    except OSError:
        pass  # it is set aside with the reason
    return path


def song_files(folder: str, set_aside: Callable[[str | Path, str], None]) -> list[str]:
    """All `*.h5` below a folder, hidden files and folders left out, links to folders not followed."""
    refused: list[OSError] = []
    files: list[str] = []
    for place, folders, names in os.walk(folder, onerror=refused.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += (os.path.join(place, name) for name in names if is_song_file(name))
    for error in refused:
        set_aside(error.filename, f"cannot be listed: {error.strerror}")
    if not files and not refused:
        set_aside(folder, "is a folder without .h5 files")
    return files


def is_song_file(name: str) -> bool:
    """Whether a file of this name is taken for an MSD file (macOS leaves `._*.h5` on foreign disks)."""
    return name.endswith(".h5") and not name.startswith(".")


def checked_track_id(stored: bytes) -> str:
    """The track id as text; `UnreadableFile` where it is none."""
    track_id = stored.split(b"\0", 1)[0].decode("ascii", "replace")
    if not (track_id.isascii() and track_id.isalnum()):
        raise UnreadableFile(f"has a song without a track id ({track_id!r})")
    return track_id


def _check_location(track_id: str, path: str) -> None:
    """Raise unless name and letter folders, where the path has such, are this track's."""
    *folders, name = path.split(os.sep)[-4:]
    stem = name.partition(".")[0]
    if stem != track_id and _LOOKS_LIKE_TRACK_ID.fullmatch(stem):
        raise UnreadableFile(f"holds track {track_id}, not the one it is named after")
    letters = ""
    for folder in reversed(folders):
        if not (len(folder) == 1 and "A" <= folder <= "Z"):
            break
        letters = folder + letters
    if len(letters) >= 2 and not track_id[2:].startswith(letters):
        raise UnreadableFile(f"holds track {track_id}, which does not belong in {'/'.join(letters)}")


def _some(track_ids: list[str]) -> str:
    named = ", ".join(sorted(track_ids)[:_NAMED])
    return named if len(track_ids) <= _NAMED else f"{named}, …"

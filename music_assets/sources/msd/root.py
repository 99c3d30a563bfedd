"""An MSD root as partitions: the two-letter directories of a folder, or the letters of one file's songs.

Reading itself is in `reader`. Nothing here knows of partitions beyond their keys: two letters, the
third and fourth of a track id.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from string import ascii_uppercase

from music_assets.ids import PARTITION_KEY
from music_assets.sources.msd.errors import MsdRootError, UnreadableFile
from music_assets.sources.msd.hdf5 import isolated
from music_assets.sources.msd.reader import MsdRead, Reading, is_song_file

# Where the letter directories may be below the folder that is named: in older and newer copies of the subset.
_INSIDE = ("", "data", "MillionSongSubset", os.path.join("MillionSongSubset", "data"))


class MsdRoot(ABC):
    """Where MSD files are, partition by partition; `MsdRoot.open` makes the fitting kind.

    `path` is the folder that holds the letter directories, or the one file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def open(path: str | Path) -> MsdRoot:
        """The MSD root at `path`: a folder with `A/`…`Z/` (or with `data/A/`…), or one HDF5 file.

        Raises:
            MsdRootError: There is nothing, nothing of the MSD, or it may not be read.
        """
        path = Path(path)
        try:
            if path.is_dir():
                return _Folder(_above_letters(_letters_folder(path)))
            if path.exists():
                return _File(path)
        except OSError as error:
            raise MsdRootError(
                f"The MSD root {path} cannot be read: {error.strerror}. Make it readable, or name another "
                "with --msd or MUSIC_ASSETS_MSD."
            ) from error
        raise MsdRootError(f"The MSD root {path} does not exist. Name it with --msd or MUSIC_ASSETS_MSD.")

    @abstractmethod
    def partitions(self) -> list[str]:
        """The keys (`AA`…`ZZ`) that have files, or songs in the one file, sorted."""

    @abstractmethod
    def files(self, key: str) -> list[Path]:
        """The files of a partition, sorted; none for a key without a directory."""

    @abstractmethod
    def fingerprint(self, key: str) -> str:
        """A checksum that changes when a file of the partition is added, removed or written.

        It is made of names, sizes and modification times; no file is opened.
        """

    @abstractmethod
    def count(self, key: str) -> int:
        """How many files the partition has; of a root that is one file, how many songs."""

    @abstractmethod
    def find(self, track_id: str) -> Path | None:
        """The file that a track is in, if it is in this root; of a root that is one file always that."""

    @abstractmethod
    def read(self, key: str) -> MsdRead:
        """Read one partition; empty frames for a key that has nothing."""


class _Folder(MsdRoot):
    """Letter directories: `A/B/C/TRABC….h5`; files right in `A/B` are taken too."""

    def partitions(self) -> list[str]:
        letters = _letter_folders(self.path)
        keys = (first + second for first in letters for second in _letter_folders(self.path / first))
        return [key for key in keys if any(map(_song_files, self._places(key)))]

    def files(self, key: str) -> list[Path]:
        return [Path(file) for file in self._paths(key)]

    def fingerprint(self, key: str) -> str:
        digest = hashlib.sha256()
        above = os.path.join(self.path, "")
        for file in self._paths(key):
            name = file.removeprefix(above)
            digest.update(f"{name}\0{_state(file)}\n".encode(errors="replace"))
        return digest.hexdigest()

    def count(self, key: str) -> int:
        return len(self._paths(key))

    def find(self, track_id: str) -> Path | None:
        folder, name = self.path / track_id[2] / track_id[3], f"{track_id}.h5"
        places = (folder / track_id[4] / name, folder / name)
        return next((place for place in places if os.path.lexists(place)), None)

    def read(self, key: str) -> MsdRead:
        reading = Reading(root=self.path, letters=_checked(key))
        reading.read_all(self._paths(key))
        return reading.result()

    def _paths(self, key: str) -> list[str]:
        """The partition's files, sorted."""
        return sorted(file for place in self._places(key) for file in _song_files(place))

    def _places(self, key: str) -> Iterator[Path]:
        """The folders a partition's files may be in."""
        first, second = _checked(key)[0], key[1]
        if first in _letter_folders(self.path) and second in _letter_folders(self.path / first):
            folder = self.path / first / second
            yield folder
            yield from (folder / third for third in _letter_folders(folder))


class _File(MsdRoot):
    """One HDF5 file of many songs (or one): its partitions are the letters of its track ids."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._as_root():
            isolated.count(str(path))

    def partitions(self) -> list[str]:
        return sorted(key for key in self._rows if PARTITION_KEY.fullmatch(key))

    def files(self, key: str) -> list[Path]:
        return [self.path] if self.count(key) else []

    def fingerprint(self, key: str) -> str:
        _checked(key)
        text = f"{self.path.name}\0{_state(self.path)}"
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()

    def count(self, key: str) -> int:
        return len(self._rows.get(_checked(key), []))

    def find(self, track_id: str) -> Path | None:
        return self.path

    def read(self, key: str) -> MsdRead:
        reading = Reading(root=self.path.parent, expect_location=False)
        if rows := self._rows.get(_checked(key)):
            reading.read(str(self.path), rows)
        lost = sum(len(rows) for letters, rows in self._rows.items() if not PARTITION_KEY.fullmatch(letters))
        if lost and [key] == self.partitions()[:1]:  # reported once
            reading.set_aside(self.path, f"{lost} of its songs have a track id without partition letters")
        return reading.result()

    @cached_property
    def _rows(self) -> dict[str, list[int]]:
        """The rows of each key, by one look at the track ids."""
        rows: dict[str, list[int]] = {}
        with self._as_root():
            for row, track_id in enumerate(isolated.track_ids(str(self.path))):
                rows.setdefault(track_id[2:4].decode("ascii", "replace"), []).append(row)
        return rows

    @contextmanager
    def _as_root(self) -> Iterator[None]:
        try:
            yield
        except UnreadableFile as fault:
            raise MsdRootError(
                f"The MSD root {self.path} {fault}. It must be a folder with A/…Z/ or an MSD HDF5 file."
            ) from fault


def _checked(key: str) -> str:
    if not PARTITION_KEY.fullmatch(key):
        raise MsdRootError(f"{key!r} is not an MSD partition; a key is two letters, AA to ZZ.")
    return key


def _letters_folder(path: Path) -> Path:
    for inside in _INSIDE:
        if (path / inside).is_dir() and _letter_folders(path / inside):
            return path / inside
    raise MsdRootError(
        f"The MSD root {path} has no letter directories (A/…Z/, or data/A/…). "
        "Name the folder that the MSD was unpacked into with --msd or MUSIC_ASSETS_MSD."
    )


def _above_letters(path: Path) -> Path:
    """The folder itself, unless it is within the letters: its songs would get partitions that are not theirs.

    A song of A/B/C has these letters in its id. Seen from A, its folders are named like the last two.
    """
    seconds = [(a + b, path / a / b) for a in _letter_folders(path) for b in _letter_folders(path / a)]
    found: list[tuple[str, str]] = []
    for key, folder in seconds:
        if any(_song_files(folder / third) for third in _letter_folders(folder)):
            return path
        found += [(key, os.path.basename(file)) for file in _song_files(folder)]
    named = [(key, name) for key, name in found if name.startswith("TR")]
    own = path.resolve().name
    if not found:
        problem = "has no songs in folders of two letters (A/A/…Z/Z/)"
    elif (
        len(named) == len(found)
        and all(name[3:5] == key for key, name in named)
        and any(name[2:4] != key or name[2] == own for key, name in named)
    ):
        problem = "is one of the MSD's letter folders itself"
    else:
        return path
    raise MsdRootError(
        f"The MSD root {path} {problem}. Name the folder that holds A/…Z/ with --msd or MUSIC_ASSETS_MSD; "
        "--partitions is for a part of it."
    )


def _letter_folders(folder: Path) -> list[str]:
    """The names of the single-letter folders, sorted; links that lead back up are left out."""
    return sorted(
        entry.name
        for entry in _scan(folder)
        if len(entry.name) == 1
        and entry.name in ascii_uppercase
        and os.path.isdir(entry.path)  # and not the entry's own is_dir(), which raises on a loop of links
        and not _leads_up(entry)
    )


def _song_files(folder: Path) -> list[str]:
    return [entry.path for entry in _scan(folder) if is_song_file(entry.name)]


def _state(file: str | Path) -> str:
    """A file's size and when it was written; a link to nowhere has neither, and is set aside on reading."""
    try:
        status = os.stat(file)
    except OSError:
        return "unreadable"
    return f"{status.st_size}\0{status.st_mtime_ns}"


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise MsdRootError(
            f"The MSD folder {folder} cannot be listed: {error.strerror}. Make it readable."
        ) from error


def _leads_up(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder above itself."""
    if not entry.is_symlink():
        return False
    target, place = os.path.realpath(entry.path), os.path.realpath(os.path.dirname(entry.path))
    return os.path.commonpath([target, place]) == target

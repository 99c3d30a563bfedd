"""The songs of a tar archive, and nothing else of it, into a folder.

An archive from the network is not to be trusted. What is taken is a plain file whose name is that
of a song below its three letters, wherever that lies in the archive; its path is composed here of
those letters, never taken over. All else is left out and counted. Sizes and counts are bounded, and
the whole lands beside the target and is moved there at the end.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from music_assets.sources.download.errors import BrokenArchive, NotAnArchive, TargetInUse, TooLarge

# `MillionSongSubset/data/A/A/A/TR….h5` in older copies, `MillionSongSubset/A/A/A/TR….h5` in newer ones.
_SONG = re.compile(r"(?:\./)?(?:[^/]+/){0,3}([A-Z])/([A-Z])/([A-Z])/(TR\1\2\3[0-9A-Z]{13}\.h5)")
_HEADERS = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
_HEADERS |= {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_HEADER_BYTES = 1 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What no copy of the subset reaches: entries, and bytes of one entry and of all that is unpacked."""

    entries: int = 200_000
    entry_bytes: int = 64 << 20
    total_bytes: int = 32 << 30


@dataclass
class Unpacked:
    """What came of it: songs and their bytes, and how many entries were left out, by reason."""

    songs: int = 0
    bytes: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def unpack_songs(
    archive: Path,
    target: Path,
    *,
    limits: Limits | None = None,
    progress: Callable[[Unpacked], None] | None = None,
    finish: Callable[[Path, Unpacked], None] | None = None,
) -> Unpacked:
    """Unpack the songs of `archive` (tar, or tar and gzip) to `target`, as `A/B/C/TRABC….h5`.

    `target` must not exist, or be an empty folder. It appears whole or not at all. `finish` is called
    with the folder of the songs before it is moved to `target`, to add what must be there from the first.

    Raises:
        NotAnArchive, BrokenArchive, TooLarge, TargetInUse: `target` is as it was.
        OSError: the disk is full, or not ours to write to.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetInUse(
            f"{target} is there already and not empty. Move it away, or name another with --to."
        )
    fresh = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(fresh, ignore_errors=True)  # of a call that was killed
    fresh.mkdir(parents=True)
    try:
        done = _unpack(archive, fresh, limits or Limits(), progress or (lambda done: None))
        if not done.songs:
            said = "; ".join(f"{count:,} entries left out: {why}" for why, count in done.left_out.items())
            raise BrokenArchive(f"{archive} holds no song file of the MSD ({said or 'it is empty'}).")
        if finish:
            finish(fresh, done)
        if target.exists():
            target.rmdir()
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return done


def _unpack(archive: Path, folder: Path, limits: Limits, tell: Callable[[Unpacked], None]) -> Unpacked:
    done = Unpacked()
    try:
        with _opened(archive) as stream:
            bounded = _Bounded(stream, limits.total_bytes, archive)
            with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Entry) as tar:  # type: ignore[call-overload]
                for entries, member in enumerate(tar, 1):
                    if entries > limits.entries:
                        raise TooLarge(f"{archive} has more than {limits.entries:,} entries: given up.")
                    if reason := _reason_to_leave_out(member, folder, limits):
                        done.left_out[reason] += 1
                    elif _take(tar, member, folder):
                        done.songs += 1
                        done.bytes += member.size
                        tell(done)
                    elif member.isfile():
                        done.left_out["a song for the second time"] += 1
            while bounded.read(_CHUNK):  # to the end, where gzip has its checksum
                pass
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError, RecursionError) as error:
        raise BrokenArchive(
            f"{archive} cannot be unpacked: {error}. It is cut short or damaged, so fetch it again."
        ) from error
    return done


def _reason_to_leave_out(member: tarfile.TarInfo, folder: Path, limits: Limits) -> str | None:
    """Why an entry is not taken; None for a song (and for plain directories, which are not counted)."""
    if member.name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", member.name):
        return "a path that leads out of the folder"
    if member.issym() or member.islnk():
        return "a link"
    if not (member.isreg() or member.isdir()):
        return "a device, a pipe or something else that is no file"
    try:
        tarfile.data_filter(member, str(folder))
    except tarfile.FilterError as error:
        return f"unsafe ({type(error).__name__})"
    if member.isdir():
        return None
    if not _SONG.fullmatch(member.name):
        return "a file that is no song"
    if member.issparse() or member.size > limits.entry_bytes:
        return f"a song of more than {limits.entry_bytes >> 20} MB"
    return None


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> bool:
    """Write one song; False for a directory, or a song that is there already."""
    match = _SONG.fullmatch(member.name)
    if match is None or not member.isreg():
        return False
    first, second, third, name = match.groups()
    path = folder / first / second / third / name
    path.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None  # it is a plain file
    try:
        with path.open("xb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
    except FileExistsError:
        return False
    if path.stat().st_size != member.size:
        raise tarfile.ReadError(f"it ends within {member.name}")
    if 0 < member.mtime < 1 << 32:  # the same archive gives the same files, down to their times
        os.utime(path, (member.mtime, member.mtime))
    return True


def _opened(archive: Path) -> IO[bytes]:
    """The tar stream in `archive`."""
    with archive.open("rb") as file:
        begin = file.read(512)
    if begin.startswith(b"\x1f\x8b"):
        return gzip.open(archive, "rb")  # type: ignore[return-value]
    if begin[257:262] == b"ustar":
        return archive.open("rb")
    kind = "a web page" if begin.lstrip()[:1] == b"<" else "something else"
    raise NotAnArchive(f"{archive} is no .tar.gz and no .tar, but {kind}.")


class _Entry(tarfile.TarInfo):
    """An entry whose name and attributes are not allowed to fill the memory."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> _Entry:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _HEADERS and entry.size > _HEADER_BYTES:
            raise TooLarge(f"The archive has an entry with a name or attributes of {entry.size:,} bytes.")
        return entry


class _Bounded:
    """A stream that ends in an error where it goes on for too long: a small archive can hold terabytes."""

    def __init__(self, stream: IO[bytes], limit: int, archive: Path) -> None:
        self._stream, self._left, self._archive = stream, limit, archive

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge(f"{self._archive} unpacks to more than any copy of the subset: given up.")
        return data

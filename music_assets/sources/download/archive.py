"""The songs of a tar archive, and nothing else of it, into a folder.

An archive from the network is not to be trusted. What is taken is a plain file whose name is that of a song
below its three letters, wherever that is in the archive; its path is composed here of those letters, and
written with tarfile's `data` filter. All else is left out and counted.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from music_assets.sources.download.http_file import DownloadError, Progress, no_progress

# `MillionSongSubset/data/A/A/A/TR….h5` in older copies, `MillionSongSubset/A/A/A/TR….h5` in newer ones.
_SONG = re.compile(r"(?:\./)?(?:(?!\.\./)[^/]+/){0,3}(([A-Z])/([A-Z])/([A-Z])/TR\2\3\4[0-9A-Z]{13}\.h5)")
_HEADERS = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
_HEADERS |= {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_MOST_NAME_BYTES, _MOST_BYTES = 1 << 20, 32 << 30  # the subset has 2.6 GB of songs
_DAMAGE = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError, OverflowError, RuntimeError)


class BadArchive(DownloadError):
    """The archive is not one, is damaged, holds no songs, or is larger than any copy of the subset."""


@dataclass
class Unpacked:
    """The result: songs and their bytes, and how many entries were left out, by reason."""

    songs: int = 0
    bytes: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def unpack_songs(
    archive: Path, folder: Path, *, progress: Progress = no_progress, most_bytes: int = _MOST_BYTES
) -> Unpacked:
    """Unpack the songs of `archive` (tar, or tar and gzip) into an empty folder, as `A/B/C/TRABC….h5`.

    `most_bytes` is how many bytes of songs are accepted.

    Raises:
        BadArchive: It is not an archive, is damaged, too large, or holds no song.
        OSError: The disk is full, or may not be written.
    """
    done = Unpacked()
    try:
        with _opened(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Entry) as tar:
                for member in tar:
                    name = _SONG.fullmatch(member.name)
                    if member.isdir():
                        continue
                    if not member.isreg() or member.issparse():
                        done.left_out["links, devices and the like"] += 1
                    elif name is None:
                        done.left_out["files that are not songs"] += 1
                    elif (folder / name[1]).exists():
                        done.left_out["songs for the second time"] += 1
                    else:
                        done.songs, done.bytes = done.songs + 1, done.bytes + member.size
                        if done.bytes > most_bytes:
                            raise tarfile.ReadError("it has more songs than any copy of the subset")
                        tar.extract(member.replace(name=name[1], deep=False), folder, filter="data")
                        progress(done.bytes, None)
            while stream.read(1 << 20):  # to the end, where gzip has its checksum
                pass
    except _DAMAGE as error:
        raise BadArchive(
            f"{archive} cannot be unpacked: {error}. It is damaged, or not a .tar.gz or .tar file (perhaps a "
            "web page): fetch it again, or name another."
        ) from error
    if not done.songs:
        reasons = "; ".join(f"{count:,} left out: {why}" for why, count in done.left_out.items())
        raise BadArchive(f"{archive} holds no song file of the MSD ({reasons or 'it is empty'}).")
    return done


def _opened(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return gzip.open(archive, "rb") if is_gzip else archive.open("rb")  # type: ignore[return-value]


class _Entry(tarfile.TarInfo):
    """An entry whose name and attributes may not fill the memory."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> _Entry:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _HEADERS and entry.size > _MOST_NAME_BYTES:
            raise tarfile.ReadError(f"an entry has a name or attributes of {entry.size:,} bytes")
        return entry

"""The MSD subset, from an address to a folder that works as an MSD root.

Fetches, unpacks, counts, and leaves a file beside the songs by which the next call knows that nothing is to
be done. The halves are in `http_file` and `archive`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from music_assets.sources.download.archive import BadArchive, Unpacked, unpack_songs
from music_assets.sources.download.completeness import MsdCount, count_msd
from music_assets.sources.download.http_file import DownloadError, FetchFailed, Progress, fetch, no_progress

# The home page of the MSD links to the second; the first is the same over TLS.
ADDRESSES = (
    "https://labrosa.ee.columbia.edu/~dpwe/tmp/millionsongsubset.tar.gz",
    "http://labrosa.ee.columbia.edu/~dpwe/tmp/millionsongsubset.tar.gz",
)
_DONE = ".download.json"  # in the target folder
# The archive and its songs are on the disk together: songs are 1.4 times the archive, by 145 real ones.
_ROOM = 2.6


@dataclass
class Downloaded:
    """What there is now: the MSD root, what it holds, and what this call did for it.

    `unpacked` is None where everything was there already, `sha256` where nothing was fetched. `archive` is
    where the archive still is, None where it was removed.
    """

    root: Path
    count: MsdCount
    archive: Path | None
    sha256: str | None = None
    unpacked: Unpacked | None = None


def get_subset(
    target: Path,
    *,
    urls: Sequence[str] = ADDRESSES,
    archive: Path | None = None,
    keep_archive: bool = False,
    on_unpack: Progress = no_progress,
    **fetch_options: Any,
) -> Downloaded:
    """Make `target` an MSD root of the songs in the archive at the first of `urls` that gives one.

    With `archive`, a file on this machine, nothing is fetched. A fetched archive is beside `target` while it
    is needed, and stays with `keep_archive`. A call after an interrupted one resumes from what is there; a
    call after one that finished does nothing. `fetch_options` are those of `fetch`: `sha256`, `progress`,
    `tries`, `pause`.

    Raises:
        DownloadError: What had arrived stays where it is of use, and `target` is as it was.
    """
    wanted = fetch_options.get("sha256")
    if wanted is not None and not re.fullmatch(r"(?i)[0-9a-f]{64}", wanted):
        raise DownloadError(f"{wanted!r} is not a SHA-256: it has 64 digits and letters from a to f.")
    target = target.absolute()
    place = archive or target.with_name(f"{target.name}.tar.gz")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.download.lock")).acquire(timeout=0):
            if (target / _DONE).exists():
                return Downloaded(target, count_msd(target), place if place.exists() else None)
            if target.exists() and any(target.iterdir()):
                raise DownloadError(
                    f"{target} is there already, and not from a download that finished. If it is an MSD "
                    f"root, use it (--msd {target}); else move it away, or name another folder with --to."
                )
            url, sha256 = str(archive), fetch_options.get("sha256")
            if archive is None:
                url, sha256 = _fetch_first(urls, place, **fetch_options)
            elif sha256 is not None:
                _compare(archive, sha256)
            try:
                unpacked = _unpack(place, target, on_unpack, {"from": url, "sha256": sha256})
            except BadArchive:
                if archive is None:
                    place.unlink()  # so that the next call fetches it again
                raise
            if archive is None and not keep_archive:
                place.unlink()
            return Downloaded(target, count_msd(target), place if place.exists() else None, sha256, unpacked)
    except Timeout:
        raise DownloadError(f"Another download is at work on {target}. Wait for it to end.") from None
    except OSError as error:
        raise DownloadError(
            f"{error.filename or target} cannot be used: {error.strerror or error}. Correct the path, free "
            "some space or make it writable, and run the same again, or name another folder with --data."
        ) from error


def _compare(archive: Path, sha256: str) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise DownloadError(
            f"{archive} has the SHA-256 {found}, not {sha256}. Nothing was unpacked: check the checksum, or "
            "fetch the archive again."
        )


def _fetch_first(urls: Sequence[str], place: Path, **options: Any) -> tuple[str, str]:
    """Fetch from the first address that gives the archive; that address, and the archive's SHA-256."""
    for url in urls[:-1]:
        with suppress(FetchFailed):
            return url, fetch(url, place, room_for=_ROOM, **options)
    return urls[-1], fetch(urls[-1], place, room_for=_ROOM, **options)


def _unpack(archive: Path, target: Path, progress: Progress, origin: dict[str, str | None]) -> Unpacked:
    """Unpack beside `target`, and put it there whole, with its origin: a kill cannot part them."""
    fresh = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(fresh, ignore_errors=True)  # of a call that was killed
    fresh.mkdir()
    try:
        unpacked = unpack_songs(archive, fresh, progress=progress)
        (fresh / _DONE).write_text(json.dumps(origin) + "\n")
        if target.exists():
            target.rmdir()
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return unpacked

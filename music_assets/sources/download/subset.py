"""The MSD subset, from an address to a folder that works as an MSD root.

Fetches, unpacks, counts, and leaves a note of what it did, by which the next call knows that there is
nothing to do. The halves are in `fetch` and `unpack`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from music_assets.sources.download.complete import MsdCount, count_msd
from music_assets.sources.download.errors import (
    BrokenArchive,
    DownloadError,
    Incomplete,
    NotAnArchive,
    Refused,
    TargetInUse,
    UnusableAddress,
)
from music_assets.sources.download.fetch import Fetched, Progress, fetch
from music_assets.sources.download.unpack import Limits, Unpacked, unpack_songs

# The home page of the MSD links to the second; the first is the same over TLS.
ADDRESSES = (
    "https://labrosa.ee.columbia.edu/~dpwe/tmp/millionsongsubset.tar.gz",
    "http://labrosa.ee.columbia.edu/~dpwe/tmp/millionsongsubset.tar.gz",
)
NOTE = ".download.json"  # in the target folder
# The archive and its songs lie on the disk together: songs are 1.4 times the archive, by 145 real ones.
_ROOM = 2.6


@dataclass
class Got:
    """What there is now: the MSD root, what it holds, and what this call did for it.

    `archive` is where the archive still lies, None where it was removed. `did_nothing` is true
    where everything was there already.
    """

    root: Path
    count: MsdCount
    did_nothing: bool = False
    fetched: Fetched | None = None
    archive: Path | None = None
    unpacked: Unpacked | None = None
    tried: list[str] = field(default_factory=list)


def get_subset(
    target: Path,
    *,
    urls: Sequence[str] = ADDRESSES,
    archive: Path | None = None,
    sha256: str | None = None,
    keep_archive: bool = False,
    on_fetch: Progress | None = None,
    on_unpack: Callable[[Unpacked], None] | None = None,
    limits: Limits | None = None,
    tries: int = 5,
    pause: float = 1.0,
) -> Got:
    """Make `target` an MSD root of the songs in the archive at the first of `urls` that gives one.

    With `archive`, a file that is here already, nothing is fetched. A fetched archive lies beside
    `target` while it is needed, and stays with `keep_archive`. A call after one that was interrupted
    goes on from what is there; a call after one that finished does nothing.

    Raises:
        DownloadError: of the kind that says what is wrong; what had arrived is kept where it is of
            use, and `target` is as it was.
    """
    target = target.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.download.lock")).acquire(timeout=0):
            if (target / NOTE).exists():
                left = target.with_name(f"{target.name}.tar.gz")
                return Got(
                    target, count_msd(target), did_nothing=True, archive=left if left.exists() else None
                )
            return _get(
                target, urls, archive, sha256, keep_archive, on_fetch, on_unpack, limits, tries, pause
            )
    except Timeout:
        raise TargetInUse(f"Another download is at work on {target}. Wait for it to end.") from None
    except OSError as error:
        raise DownloadError(
            f"{error.filename or target} cannot be used: {error.strerror or error}. Make it writable, or "
            "name another folder with --data."
        ) from error


def _get(
    target: Path,
    urls: Sequence[str],
    archive: Path | None,
    sha256: str | None,
    keep_archive: bool,
    on_fetch: Progress | None,
    on_unpack: Callable[[Unpacked], None] | None,
    limits: Limits | None,
    tries: int,
    pause: float,
) -> Got:
    if target.exists() and any(target.iterdir()):
        raise TargetInUse(
            f"{target} is there already, and not from a download that finished. If it is an MSD root, use it "
            f"(--msd {target}); else move it away, or name another folder with --to."
        )
    got = Got(target, MsdCount())
    place = archive or target.with_name(f"{target.name}.tar.gz")
    if archive is None:
        got.fetched = _fetch_first(got, place, urls, sha256, on_fetch, tries, pause)
    elif not archive.is_file():
        raise NotAnArchive(f"There is no archive {archive}.")

    def finish(folder: Path, unpacked: Unpacked) -> None:
        """Count, and leave the note: with the songs, so that a kill in between cannot part them."""
        got.unpacked, got.count = unpacked, count_msd(folder)
        note = {
            "from": got.tried[-1] if got.tried else str(place),
            "sha256": got.fetched.sha256 if got.fetched else None,
            "songs": got.count.songs,
            "left_out": dict(unpacked.left_out),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (folder / NOTE).write_text(json.dumps(note, indent=2) + "\n")

    try:
        unpack_songs(place, target, limits=limits, progress=on_unpack, finish=finish)
    except (BrokenArchive, NotAnArchive):
        if archive is None:
            place.unlink(missing_ok=True)  # so that the next call fetches it again
        raise
    if archive is None and not keep_archive:
        place.unlink()
    else:
        got.archive = place
    return got


def _fetch_first(
    got: Got,
    place: Path,
    urls: Sequence[str],
    sha256: str | None,
    on_fetch: Progress | None,
    tries: int,
    pause: float,
) -> Fetched:
    """Fetch from the first address that gives the archive; the last one's error where none does."""
    for url in urls:
        got.tried.append(url)
        try:
            return fetch(
                url, place, sha256=sha256, room_for=_ROOM, progress=on_fetch, tries=tries, pause=pause
            )
        except (Incomplete, NotAnArchive, Refused, UnusableAddress):
            if url == urls[-1]:
                raise
    raise UnusableAddress("No address to fetch from was named.")

"""One file over HTTP, whole or not at all, going on where an earlier try broke off.

What has arrived lies in `<dest>.part`, and beside it, in `<dest>.part.json`, what the server said of
the file (address, ETag, Last-Modified, size), so that the next try, in this call or a later one, asks
for the rest of the same file and of no other. What the file holds is not looked at here beyond its
first bytes; unpacking is in `unpack`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from music_assets.sources.download.answers import (
    as_size,
    innermost,
    start_of_range,
    total_of,
    total_of_range,
    web_page,
)
from music_assets.sources.download.errors import (
    ChecksumMismatch,
    DownloadError,
    Incomplete,
    NotAnArchive,
    NotEnoughSpace,
    Refused,
    TooLarge,
    UnusableAddress,
)

if TYPE_CHECKING:
    import requests

# Called with the bytes there are and the bytes there will be (None where the server does not say).
Progress = Callable[[int, int | None], None]

_CHUNK = 1 << 18  # bytes
_REDIRECTS = 5
_TRIES = 5  # in a row without one new byte
_TIMEOUT = (15.0, 60.0)  # seconds to connect, and between two bytes
_LIMIT = 16 << 30  # bytes; no copy of the subset is near that
_SPARE = 64 << 20  # bytes that stay free
_HTML = re.compile(rb"\s*(<!doctype html|<html|<head|<\?xml)", re.IGNORECASE)


@dataclass(frozen=True)
class Fetched:
    """A file that is there: its size in bytes, its SHA-256, and how many bytes this call brought."""

    path: Path
    bytes: int
    sha256: str
    received: int


@dataclass(frozen=True)
class _Known:
    """What the server said of the file whose first bytes lie in `.part`."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None

    @property
    def validator(self) -> str | None:
        """What If-Range takes: a strong ETag, else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


def fetch(
    url: str,
    dest: Path,
    *,
    sha256: str | None = None,
    room_for: float = 1.0,
    progress: Progress | None = None,
    limit: int = _LIMIT,
    tries: int = _TRIES,
    pause: float = 1.0,
) -> Fetched:
    """Fetch `url` to `dest`; a `dest` that is there already is taken as it is, without a request.

    `room_for` is how many times the file's size must be free before it starts (more than 1 where it
    is to be unpacked beside itself), `pause` the seconds before the first further try, doubled for
    each one after it.

    Raises:
        UnusableAddress, Refused, NotAnArchive, NotEnoughSpace, TooLarge: nothing is gained by
            trying the same again.
        Incomplete: the connection kept breaking; `.part` is kept and the next call goes on from it.
        ChecksumMismatch: the file is not the one `sha256` (hex) names; it is removed.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UnusableAddress(f"{url!r} is no address to fetch from: it must begin with http:// or https://.")
    received = 0
    if not dest.exists():
        dest.parent.mkdir(parents=True, exist_ok=True)
        received = _Transfer(url, dest, room_for, progress, limit, tries, pause).run()
    digest = _sha256(dest)
    if sha256 is not None and digest != sha256.lower():
        dest.unlink()
        raise ChecksumMismatch(
            f"The file from {url} has the SHA-256 {digest}, and {sha256.lower()} was wanted. It was removed; "
            "check the checksum and the address."
        )
    return Fetched(dest, dest.stat().st_size, digest, received)


class _Transfer:
    """One call's tries at one file."""

    def __init__(
        self,
        url: str,
        dest: Path,
        room_for: float,
        progress: Progress | None,
        limit: int,
        tries: int,
        pause: float,
    ) -> None:
        self._url, self._dest, self._room_for = url, dest, room_for
        self._tell = progress or (lambda done, total: None)
        self._limit, self._tries, self._pause = limit, tries, pause
        self._part = dest.with_name(dest.name + ".part")
        self._notes = dest.with_name(dest.name + ".part.json")
        self._received = 0

    def run(self) -> int:
        """Try until the file is whole; how many bytes came."""
        import requests

        with requests.Session() as session:
            session.max_redirects = _REDIRECTS
            failures, furthest = 0, 0
            while True:
                try:
                    if self._once(session):
                        break
                    why = "the connection ended before the file did"
                except (requests.exceptions.SSLError, requests.exceptions.InvalidSchema) as error:
                    raise UnusableAddress(f"{self._url} cannot be used: {innermost(error)}") from error
                except (requests.TooManyRedirects, requests.exceptions.InvalidURL) as error:
                    raise UnusableAddress(f"{self._url} leads nowhere: {innermost(error)}") from error
                except requests.RequestException as error:
                    why = innermost(error)
                have = self._kept()[1]
                failures = 1 if have > furthest else failures + 1
                furthest = max(have, furthest)
                if failures >= self._tries:
                    raise self._given_up(why)
                time.sleep(self._pause * 2 ** (failures - 1))
        self._part.replace(self._dest)
        self._notes.unlink(missing_ok=True)
        return self._received

    def _once(self, session: requests.Session) -> bool:
        """One request for what is missing; whether the file is whole now."""
        known, have = self._kept()
        if have and have == known.total:
            return True  # a call that was killed right at its end
        # Encodings off: ranges and sizes are those of the file, not of a compressed copy of it.
        headers = {"Accept-Encoding": "identity", "User-Agent": "music-assets"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if known.validator:
                headers["If-Range"] = known.validator
        with session.get(self._url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == 416:  # nothing beyond what we have: it is whole, or another file
                if total_of_range(response) == have > 0:
                    return True
                self._forget()
                return False
            self._check(response)
            start = start_of_range(response)
            now = _Known(
                self._url,
                response.headers.get("ETag"),
                response.headers.get("Last-Modified"),
                total_of(response, start),
            )
            if start is not None and (start != have or not _same_file(known, now)):
                self._forget()
                return False
            have = 0 if start is None else start  # a 200 to a range: the server begins anew, and so do we
            self._check_size(now.total, have)
            self._notes.write_text(json.dumps(asdict(now)))
            arrived = self._write(response, have)
        if now.total is None:
            return True  # an end without an error is all there is to go by; the archive's checksums say more
        return arrived == now.total

    def _write(self, response: requests.Response, have: int) -> int:
        """Put the body behind the first `have` bytes; the size of what lies there now."""
        import requests
        from urllib3.exceptions import HTTPError

        total = total_of(response, start_of_range(response))
        try:
            with self._part.open("r+b" if have else "wb") as file:
                file.truncate(have)
                file.seek(have)
                while chunk := response.raw.read(_CHUNK, decode_content=False):
                    if have == 0 and _HTML.match(chunk):
                        raise NotAnArchive(web_page(response))
                    if have + len(chunk) > self._limit:
                        raise TooLarge(f"{self._url} goes on beyond {as_size(self._limit)}: given up.")
                    file.write(chunk)
                    have += len(chunk)
                    self._received += len(chunk)
                    self._tell(have, total)
        except HTTPError as error:
            raise requests.ConnectionError(error) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NotEnoughSpace(
                    f"The disk of {self._part.parent} became full after {as_size(have)}. What came is kept: "
                    "free some space and run the same again."
                ) from error
            raise
        except NotAnArchive:
            self._forget()
            raise
        return have

    def _kept(self) -> tuple[_Known, int]:
        """What an earlier try left of this very address, and how many bytes it is."""
        try:
            known = _Known(**json.loads(self._notes.read_text()))
            have = self._part.stat().st_size
        except (OSError, ValueError, TypeError):
            return _Known(self._url), 0
        # With neither validator nor size, nothing could tell that the rest is of the same file.
        can_resume = known.url == self._url and (known.validator or known.total)
        return (known, have) if can_resume else (_Known(self._url), 0)

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _check(self, response: requests.Response) -> None:
        """Name an answer that is no file."""
        import requests

        status = response.status_code
        if status >= 500 or status in (408, 429):
            raise requests.ConnectionError(f"the server answers {status}")  # may pass: tried again
        if status not in (200, 206):
            raise Refused(
                f"{response.url} answers {status} {response.reason}. Check the address, or name another "
                "with --url."
            )
        if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html":
            raise NotAnArchive(web_page(response))

    def _check_size(self, total: int | None, have: int) -> None:
        """See that there is room, and that the size can be meant, before anything is written."""
        if total is None:
            return
        if total > self._limit:
            raise TooLarge(
                f"{self._url} is said to be {as_size(total)}; no more than {as_size(self._limit)} is taken."
            )
        needed = int(total * self._room_for) - have + _SPARE
        free = shutil.disk_usage(self._part.parent).free
        if free < needed:
            raise NotEnoughSpace(
                f"{as_size(needed)} are needed in {self._part.parent}, and {as_size(free)} are free. "
                "Free some space, or name a folder on another disk with --data."
            )

    def _given_up(self, why: str) -> DownloadError:
        known, have = self._kept()
        of = f" of {as_size(known.total)}" if known.total else ""
        there = f"{as_size(have)}{of} are kept; the same command goes on from there." if have else ""
        return Incomplete(
            f"{self._url} could not be fetched: {why}; tried {self._tries} times without getting further. "
            + (there or "Check the network, or name another address with --url.")
        )


def _same_file(known: _Known, now: _Known) -> bool:
    """Whether a range is of the file whose beginning we have, as far as both answers say."""
    pairs = ((known.etag, now.etag), (known.last_modified, now.last_modified), (known.total, now.total))
    return all(before is None or after is None or before == after for before, after in pairs)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

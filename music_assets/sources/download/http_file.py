"""One file over HTTP (or FTP, by `ftp`), whole or not at all, resumed where an earlier try broke off.

What has arrived is in `<dest>.part`, and what the server said of the file (address, validator, size) in
`<dest>.part.json`, so that the next try, in this call or a later one, asks for the rest of the same file and
of no other. What is in the file is not looked at here.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import requests
from requests.exceptions import SSLError
from rich.filesize import decimal
from urllib3.exceptions import HTTPError

from music_assets.errors import MusicAssetsError
from music_assets.sources.bounded import reason_of
from music_assets.sources.download.ftp import FtpAdapter

# Called with the bytes there are and the bytes there will be (None where the server does not say).
Progress = Callable[[int, int | None], None]


def no_progress(done: int, total: int | None) -> None:
    """Shows nothing."""


_CHUNK = 1 << 18  # bytes
_TIMEOUT = (15.0, 60.0)  # seconds to connect, and between two bytes
_SPARE = 64 << 20  # bytes that stay free


class DownloadError(MusicAssetsError):
    """The download cannot be done: the disk, the target folder or the checksum is not right."""


class FetchFailed(DownloadError):
    """An address does not give the file; what has arrived stays for the next call."""


class _File(NamedTuple):
    """What the server said of the file whose first bytes are in `.part`."""

    url: str
    validator: str | None = None  # a strong ETag, else the Last-Modified date
    size: int | None = None


class _Interrupted(requests.ConnectionError):
    """This try is over; the next may get further."""


def fetch(
    url: str,
    dest: Path,
    *,
    sha256: str | None = None,
    room_for: float = 1.0,
    progress: Progress = no_progress,
    tries: int = 5,
    pause: float = 1.0,
) -> str:
    """Fetch `url` to `dest`, and return its SHA-256; a `dest` that exists is taken as it is.

    `room_for` is how many times the file's size must be free before it starts. After `tries` in a row without
    one new byte it gives up; it waits `pause` seconds between them, twice as long each time.

    Raises:
        FetchFailed: The address does not give the file; what has arrived stays for the next call.
        DownloadError: The disk is too small, or the file is not the one with this `sha256`.
        OSError: The disk is full, or may not be written.
    """
    if not dest.exists():
        _Download(url, dest, room_for, progress).run(tries, pause)
    with dest.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 is not None and found != sha256.lower():
        dest.unlink()
        raise DownloadError(
            f"The file from {url} has the SHA-256 {found}, not {sha256}. It was removed: check the checksum, "
            "or fetch from another address."
        )
    return found


class _Download:
    def __init__(self, url: str, dest: Path, room_for: float, progress: Progress) -> None:
        self._url, self._dest, self._room_for, self._progress = url, dest, room_for, progress
        self._part, self._state = (dest.with_name(dest.name + end) for end in (".part", ".part.json"))

    def run(self, tries: int, pause: float) -> None:
        """Try until the file is whole."""
        failures = furthest = 0
        with requests.Session() as session:
            if self._url.startswith("ftp://"):  # no web server may lead there
                session.mount("ftp://", FtpAdapter())
            while True:
                try:
                    self._request(session)
                    break
                except requests.RequestException as error:
                    why = reason_of(error)
                    passing = isinstance(error, requests.ConnectionError | requests.Timeout)
                    if not passing or isinstance(error, SSLError):
                        raise FetchFailed(f"{self._url!r} cannot be fetched: {why}.") from error
                have = self._resumable()[1]
                failures = 1 if have > furthest else failures + 1
                furthest = max(have, furthest)
                if failures >= tries:
                    raise FetchFailed(
                        f"{self._url} could not be fetched: {why}; tried {tries} times in a row. "
                        f"{decimal(have)} have arrived, and the same command resumes from there."
                    )
                time.sleep(pause * 2 ** (failures - 1))
        self._part.replace(self._dest)
        self._state.unlink(missing_ok=True)

    def _request(self, session: requests.Session) -> None:
        """One request for what is missing; raises `_Interrupted` where the file is not whole after it."""
        known, have = self._resumable()
        if have and have == known.size:
            return  # a call that was killed right at its end
        # Without encodings: ranges and sizes are those of the file, not of a compressed copy.
        headers = {"Accept-Encoding": "identity", "User-Agent": "music-assets"}
        if have:
            headers["Range"] = f"bytes={have}-"
            headers |= {"If-Range": known.validator} if known.validator else {}
        with session.get(self._url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code >= 500 or response.status_code in (408, 429):
                raise _Interrupted(f"the server responds with {response.status_code} {response.reason}")
            if response.status_code not in (200, 206, 416):
                raise FetchFailed(
                    f"{response.url} responds with {response.status_code} {response.reason}. Name another "
                    "address with --url."
                )
            start, now = self._described(response)
            if response.status_code != 200 and (start, now) != (have, known):
                self._part.unlink()
                raise _Interrupted("the server has another file now")
            needed = int((now.size or 0) * self._room_for) - start + _SPARE
            if (free := shutil.disk_usage(self._part.parent).free) < needed:
                raise DownloadError(
                    f"{decimal(needed)} are needed in {self._part.parent}, {decimal(free)} are free. Free "
                    "some space, or name a folder on another disk with --data."
                )
            self._state.write_text(json.dumps(now))
            if self._append(response, start, now.size) < (now.size or 0):
                raise _Interrupted("the connection ended before the file did")

    def _described(self, response: requests.Response) -> tuple[int, _File]:
        """Where the body begins in the file (-1 where that is not said), and what is said of the file."""
        start, size = 0, response.headers.get("Content-Length", "")
        if response.status_code != 200:
            span = re.match(r"bytes (\d+)-\d+/(\d+)$", response.headers.get("Content-Range", ""))
            start, size = (int(span[1]), span[2]) if span else (-1, "")
        etag = response.headers.get("ETag", "W/")
        validator = response.headers.get("Last-Modified") if etag.startswith("W/") else etag
        return start, _File(self._url, validator, int(size) if size.isdigit() else None)

    def _append(self, response: requests.Response, have: int, size: int | None) -> int:
        """Write the body behind the first `have` bytes; how many there are then."""
        with self._part.open("r+b" if have else "wb") as file:
            file.truncate(have)
            file.seek(have)
            try:
                while chunk := response.raw.read(_CHUNK, decode_content=False):
                    have += file.write(chunk)
                    self._progress(have, size)
            except HTTPError as error:
                raise _Interrupted(reason_of(error)) from error
        return have

    def _resumable(self) -> tuple[_File, int]:
        """What an earlier try left of this very address, and how many bytes of it there are."""
        try:
            known = _File(*json.loads(self._state.read_text()))
            have = self._part.stat().st_size
        except (OSError, ValueError, TypeError):
            return _File(self._url), 0
        # With neither validator nor size, nothing could tell that the rest is of the same file.
        resumable = known.url == self._url and (known.validator or known.size)
        return (known, have) if resumable else (_File(self._url), 0)

"""Where staged files lie: a local folder or S3, one object a kind and slice.

Here: paths, whole-or-nothing writes, receipts, and holding what is read against them. Talking to S3
is in `s3`; what is in the files is the IO managers' matter.

Nothing is cached, and listed only to be removed: what is there is known by name, and what others write is
seen at once.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson

from music_assets.staging.errors import DamagedFile, StagingError, UnknownPlace

_T = TypeVar("_T")
_FILE, _RECEIPT, _PART = ".json.gz", ".receipt.json", ".part"


@dataclass(frozen=True)
class Receipt:
    """What is known of a staged file without opening it; it lies beside the file.

    `made_from` is the fingerprint of what it was made from, `checksum` the SHA-256 of the file,
    `run_id` the Dagster run that made it, `facts` what its maker told of the content (counts, reasons),
    `complete` whether making it again from the same input could bring more.
    """

    kind: str
    slice: str
    made_from: str
    rows: int
    bytes: int
    checksum: str
    run_id: str
    made_at: str
    complete: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


class _Files(Protocol):
    """Objects by path, below one place; each is read and written whole."""

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, content: bytes, sha256: str | None = None) -> None: ...
    def delete(self, key: str) -> None: ...
    def url(self, key: str) -> str: ...
    def names(self, prefix: str) -> list[str]: ...
    def erase(self, prefix: str, *, leftovers: bool = False, count_only: bool = False) -> int: ...


class _Folder:
    """Files below a folder of this machine."""

    def get(self, key: str) -> bytes | None:
        try:
            return Path(key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, content: bytes, sha256: str | None = None) -> None:
        """Readers see the old file, the new one, or none; never a part of one."""
        Path(key).parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(f"{key}.{os.getpid()}{_PART}")
        fresh.write_bytes(content)
        os.replace(fresh, key)

    def delete(self, key: str) -> None:
        Path(key).unlink(missing_ok=True)

    def url(self, key: str) -> str:
        return key

    def names(self, prefix: str) -> list[str]:
        folder, start = os.path.split(prefix)
        found = Path(folder).glob(f"{glob.escape(start)}*") if start else Path(folder).rglob("*")
        return sorted(str(path) for path in found if path.is_file())

    def erase(self, prefix: str, *, leftovers: bool = False, count_only: bool = False) -> int:
        """Remove the files whose path begins so; `leftovers` are those of writes that were cut short."""
        names = [name for name in self.names(prefix) if not leftovers or name.endswith(_PART)]
        if not count_only:
            for name in names:
                Path(name).unlink(missing_ok=True)
        return len(names)


class SliceStore:
    """Files named `<kind>/<A>/<B>.json.gz` below a folder or an `s3://bucket/prefix`.

    `endpoint` and `sse` are of S3: the URL of a server that is not AWS's, and the encryption of what is
    written, as in `MUSIC_ASSETS_S3_ENDPOINT` and `MUSIC_ASSETS_S3_SSE`.

    Raises:
        StagingError: of all methods that read or write on S3; its message says what to do.
    """

    def __init__(self, url: str, *, endpoint: str | None = None, sse: str | None = None) -> None:
        scheme, self._base = place(url)
        self.is_local = scheme == "file"
        self._files: _Files
        if self.is_local:
            self._files = _Folder()
        else:
            from music_assets.staging.s3 import S3

            bucket, _, self._base = self._base.partition("/")
            self._files = S3(bucket, endpoint=endpoint, sse=sse)

    def path(self, kind: str, slice_: str, suffix: str = _FILE) -> str:
        """The path of a file; `AB` lies in `A/B`, the slice of a day in a file of its name."""
        name = f"{slice_[0]}/{slice_[1]}" if len(slice_) == 2 else slice_
        return "/".join(part for part in (self._base, kind, f"{name}{suffix}") if part)

    def url(self, kind: str, slice_: str) -> str:
        """The address of a file as a warehouse reads it: a local path, or `s3://…`."""
        return self._files.url(self.path(kind, slice_))

    def write(self, receipt: Receipt, content: bytes) -> None:
        """Write a file and then its receipt: a file without one counts as absent.

        However the process ends in between, there is a whole file with its receipt, or none.
        """
        kind, slice_ = receipt.kind, receipt.slice
        self._files.delete(self.path(kind, slice_, _RECEIPT))
        self._files.put(self.path(kind, slice_), content, receipt.checksum)
        self.write_json(kind, slice_, _RECEIPT, asdict(receipt))

    def receipt(self, kind: str, slice_: str) -> Receipt | None:
        """The receipt of a staged file; None where there is no whole file."""
        data = self.read_json(kind, slice_, _RECEIPT)
        return None if data is None else Receipt(**data)

    def receipts(self, kind: str, slices: Iterable[str]) -> list[Receipt | None]:
        """The receipts of several files, in the order asked."""
        return self.each(lambda slice_: self.receipt(kind, slice_), slices)

    def read(self, receipt: Receipt) -> bytes:
        """The file a receipt is of.

        Raises:
            DamagedFile: it is gone, or is not what the receipt says. The receipt is withdrawn, so that the
                next run makes the file again.
        """
        content = self._files.get(self.path(receipt.kind, receipt.slice))
        if content is None:
            raise self._damaged(receipt, "is missing, and its receipt is there")
        if len(content) != receipt.bytes:
            raise self._damaged(receipt, f"has {len(content)} bytes, and {receipt.bytes} by its receipt")
        if checksum(content) != receipt.checksum:
            raise self._damaged(receipt, "has another checksum than its receipt says")
        return content

    def _damaged(self, receipt: Receipt, said: str) -> DamagedFile:
        kind, slice_ = receipt.kind, receipt.slice
        advice = "Another run has written it in the meantime: run again."
        if self.receipt(kind, slice_) == receipt:
            advice = f"Remove {self._files.url(self.path(kind, slice_, _RECEIPT))} and run again."
            with suppress(OSError, StagingError):
                self._files.delete(self.path(kind, slice_, _RECEIPT))
                advice = f"Its receipt is withdrawn: run again, and {kind} makes {slice_} anew."
        return DamagedFile(f"{self.url(kind, slice_)} {said}. {advice}")

    def write_json(self, kind: str, slice_: str, suffix: str, data: dict[str, Any]) -> None:
        content = orjson.dumps(data, option=orjson.OPT_INDENT_2)
        self._files.put(self.path(kind, slice_, suffix), content)

    def read_json(self, kind: str, slice_: str, suffix: str) -> dict[str, Any] | None:
        """What was written there; None where nothing was, or a power cut left half of it."""
        content = self._files.get(self.path(kind, slice_, suffix))
        try:
            return None if content is None else dict(orjson.loads(content))
        except orjson.JSONDecodeError:
            return None

    def remove(self, kind: str, slice_: str, suffix: str) -> None:
        """Remove a file; one that is not there is no error."""
        self._files.delete(self.path(kind, slice_, suffix))

    def slices(self, kind: str) -> list[str]:
        """The slices of a kind that have a file, with a receipt or without."""
        start = self._below(kind)
        names = (name.removeprefix(start) for name in self._files.names(start))
        return sorted(name.removesuffix(_FILE).replace("/", "") for name in names if name.endswith(_FILE))

    def content(self, kind: str, slice_: str) -> bytes | None:
        """A staged file as it is there, whatever its receipt says; None where there is none."""
        return self._files.get(self.path(kind, slice_))

    def erase(
        self, kind: str, slice_: str | None = None, *, leftovers: bool = False, count_only: bool = False
    ) -> int:
        """Remove all files of a kind, or of one slice of it, for good; says how many they were.

        On S3 their earlier versions go too. `leftovers` are earlier versions and what was cut short alone.
        """
        start = self._below(kind) if slice_ is None else self.path(kind, slice_, ".")
        return self._files.erase(start, leftovers=leftovers, count_only=count_only)

    def _below(self, kind: str) -> str:
        return f"{self._base}/{kind}/" if self._base else f"{kind}/"

    def each(self, do: Callable[[str], _T], slices: Iterable[str]) -> list[_T]:
        """`do` of each slice, in order; on S3 many at once, since each waits for the network."""
        if self.is_local:
            return [do(slice_) for slice_ in slices]
        from music_assets.staging.s3 import AT_ONCE

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(do, slices))

    def probe(self, name: str) -> None:
        """Write a small object beside the kinds, read it and remove it, to see that all three can be done."""
        key = "/".join(part for part in (self._base, name) if part)
        self._files.put(key, b"a harmless test; remove me")
        self._files.get(key)
        self._files.delete(key)


def place(url: str) -> tuple[str, str]:
    """`s3` or `file`, and the path there: `bucket/prefix`, or a folder.

    Raises:
        UnknownPlace: it is neither a folder nor an `s3://bucket/…`.
    """
    scheme, separator, path = url.partition("://")
    if not separator or scheme == "file":
        return "file", (path if separator else url).rstrip("/") or "/"
    if scheme != "s3" or not path.strip("/"):
        raise UnknownPlace(f"MUSIC_ASSETS_STAGING is {url!r}: it takes a folder, or s3://bucket/prefix.")
    return "s3", path.strip("/")


def checksum(content: bytes) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(*parts: str) -> str:
    """One short text that changes with any of these."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

"""Where staged files are stored: a local folder or S3, one object per kind and partition.

Here: names of objects, writes that are seen whole or not at all, the `StagedFile` beside each file, and reads
that compare a file with it. Talking to S3 is in `s3`, what a file contains in `rows`, what it must contain in
`validation`.

Nothing is cached, and listed only to be removed: objects are known by name, so what others write is seen
at once.
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

from music_assets.ids import PARTITION_KEY
from music_assets.staging.errors import DamagedFile, StagingError

_T = TypeVar("_T")
_FILE, _PART = ".json.gz", ".part"
_STAGED_FILE = ".receipt.json"  # the name that earlier versions gave it, so that their folders open
_FORMER_FIELDS = {
    "slice": "partition_key",
    "made_from": "fingerprint",
    "made_at": "written_at",
    "facts": "metadata",
}


@dataclass(frozen=True)
class StagedFile:
    """What is known of a staged file without opening it; stored beside the file.

    `fingerprint` is that of everything the rows were computed from, `checksum` the SHA-256 of the file,
    `run_id` the Dagster run that wrote it, `written_at` when (ISO 8601, UTC). `metadata` describes the rows
    (counts, reasons). `complete` is False where computing it again from the same input may bring more.
    `validation` is the stamp of `validation.stamp`: the file passed when it was written.
    """

    kind: str
    partition_key: str
    fingerprint: str
    rows: int
    bytes: int
    checksum: str
    run_id: str
    written_at: str
    complete: bool = True
    metadata: dict[str, Any] = field(default_factory=dict)
    validation: str | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StagedFile:
        """As it was stored, by this version or an earlier one."""
        return cls(**{_FORMER_FIELDS.get(name, name): value for name, value in data.items()})


class _Files(Protocol):
    """Objects by path below one place; each is read and written whole."""

    def get(self, key: str) -> bytes | None: ...
    def size(self, key: str) -> int | None: ...
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

    def size(self, key: str) -> int | None:
        try:
            return os.path.getsize(key)
        except FileNotFoundError:
            return None

    def put(self, key: str, content: bytes, sha256: str | None = None) -> None:
        """Readers see the old file, the new one, or none; never a part of one.

        What interrupted writes of this file left goes. So may what another process is just writing there: it
        writes again then.
        """
        fresh, is_written = Path(f"{key}.{os.getpid()}{_PART}"), False
        while not is_written:
            Path(key).parent.mkdir(parents=True, exist_ok=True)
            try:
                fresh.write_bytes(content)
                os.replace(fresh, key)
                is_written = True
            except FileNotFoundError:
                continue
            except OSError:
                fresh.unlink(missing_ok=True)
                raise
        for left in glob.glob(f"{glob.escape(key)}.*{_PART}"):
            Path(left).unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        Path(key).unlink(missing_ok=True)

    def url(self, key: str) -> str:
        return key

    def names(self, prefix: str) -> list[str]:
        folder, start = os.path.split(prefix)
        found = Path(folder).glob(f"{glob.escape(start)}*") if start else Path(folder).rglob("*")
        return sorted(str(path) for path in found if path.is_file())

    def erase(self, prefix: str, *, leftovers: bool = False, count_only: bool = False) -> int:
        """Remove the files whose path begins so; `leftovers` are those of interrupted writes."""
        names = [name for name in self.names(prefix) if not leftovers or name.endswith(_PART)]
        if not count_only:
            for name in names:
                Path(name).unlink(missing_ok=True)
        return len(names)


class StagingStore:
    """Files named `<kind>/<A>/<B>.json.gz` (or `<kind>/<day>.json.gz`) below a folder or
    `s3://bucket/prefix`.

    `endpoint` is the URL of an S3 server other than AWS's, as in `MUSIC_ASSETS_S3_ENDPOINT`.

    Raises:
        StagingError: from every method that reads or writes on S3; its message says what to do.
    """

    def __init__(self, url: str, *, endpoint: str | None = None) -> None:
        scheme, self._base = place(url)
        self.is_local = scheme == "file"
        self._files: _Files
        if self.is_local:
            self._files = _Folder()
        else:
            from music_assets.staging.s3 import S3

            bucket, _, self._base = self._base.partition("/")
            self._files = S3(bucket, endpoint=endpoint)

    def path(self, kind: str, key: str, suffix: str = _FILE) -> str:
        """The path of a file: partition `AB` is `A/B`, as in the MSD; any other key is a name of its own."""
        name = f"{key[0]}/{key[1]}" if PARTITION_KEY.fullmatch(key) else key
        return "/".join(part for part in (self._base, kind, f"{name}{suffix}") if part)

    def url(self, kind: str, key: str) -> str:
        """The address of a file as a warehouse reads it: a local path, or `s3://…`."""
        return self._files.url(self.path(kind, key))

    def write(self, file: StagedFile, content: bytes) -> None:
        """Write a file and then its `StagedFile`: a file without one counts as absent.

        However the process ends in between, there is a whole file with its description, or none. Where the
        same is there, as of another run at the same time, those who read it never find it absent.
        """
        kind, key = file.kind, file.partition_key
        there = self.staged_file(kind, key)
        if there is not None and there.checksum != file.checksum:
            self._files.delete(self.path(kind, key, _STAGED_FILE))
        self._files.put(self.path(kind, key), content, file.checksum)
        self.write_json(kind, key, _STAGED_FILE, asdict(file))

    def staged_file(self, kind: str, key: str) -> StagedFile | None:
        """What is known of a partition's file; None where there is no whole file."""
        data = self.read_json(kind, key, _STAGED_FILE)
        return None if data is None else StagedFile.from_dict(data)

    def staged_files(self, kind: str, keys: Iterable[str]) -> list[StagedFile | None]:
        """The same for several partitions, in their order."""
        return self.each(lambda key: self.staged_file(kind, key), keys)

    def is_there(self, file: StagedFile) -> bool:
        """Whether a staged file is there with its size; its content is not read."""
        return self._files.size(self.path(file.kind, file.partition_key)) == file.bytes

    def read(self, file: StagedFile) -> bytes:
        """The content of a staged file.

        Raises:
            DamagedFile: it is missing, or is not what was written. Its description is removed, so that the
                next run rebuilds the file.
        """
        content = self._files.get(self.path(file.kind, file.partition_key))
        if content is None:
            raise self._damaged(file, "is missing")
        if len(content) != file.bytes:
            raise self._damaged(file, f"has {len(content)} bytes, {file.bytes} were written")
        if checksum(content) != file.checksum:
            raise self._damaged(file, "has another checksum than the file that was written")
        return content

    def _damaged(self, file: StagedFile, problem: str) -> DamagedFile:
        kind, key = file.kind, file.partition_key
        advice = "Another run has written it in the meantime: run again."
        if self.staged_file(kind, key) == file:
            advice = f"Remove {self._files.url(self.path(kind, key, _STAGED_FILE))} and run again."
            with suppress(OSError, StagingError):
                self._files.delete(self.path(kind, key, _STAGED_FILE))
                advice = f"Run again: {kind} rebuilds {key}."
        return DamagedFile(f"{self.url(kind, key)} {problem}. {advice}")

    def write_json(self, kind: str, key: str, suffix: str, data: dict[str, Any]) -> None:
        content = orjson.dumps(data, option=orjson.OPT_INDENT_2)
        self._files.put(self.path(kind, key, suffix), content)

    def read_json(self, kind: str, key: str, suffix: str) -> dict[str, Any] | None:
        """What was written there; None where nothing was, or where a power cut left half of it."""
        content = self._files.get(self.path(kind, key, suffix))
        try:
            return None if content is None else dict(orjson.loads(content))
        except orjson.JSONDecodeError:
            return None

    def remove(self, kind: str, key: str, suffix: str) -> None:
        """Remove a file; a missing one is not an error."""
        self._files.delete(self.path(kind, key, suffix))

    def keys(self, kind: str) -> list[str]:
        """The partition keys of a kind that have a file, described or not."""
        start = self._below(kind)
        names = (name.removeprefix(start) for name in self._files.names(start))
        return sorted(name.removesuffix(_FILE).replace("/", "") for name in names if name.endswith(_FILE))

    def content(self, kind: str, key: str) -> bytes | None:
        """A staged file as it is there, whatever is known of it; None where there is none."""
        return self._files.get(self.path(kind, key))

    def erase(
        self, kind: str, key: str | None = None, *, leftovers: bool = False, count_only: bool = False
    ) -> int:
        """Remove all files of a kind, or of one partition of it, permanently; returns how many there were.

        On S3 their earlier versions go too. `leftovers` are earlier versions and interrupted writes alone.
        """
        start = self._below(kind) if key is None else self.path(kind, key, ".")
        return self._files.erase(start, leftovers=leftovers, count_only=count_only)

    def _below(self, kind: str) -> str:
        return f"{self._base}/{kind}/" if self._base else f"{kind}/"

    def each(self, do: Callable[[str], _T], keys: Iterable[str]) -> list[_T]:
        """`do` of each partition key, in order; on S3 many at once, since each waits for the network."""
        if self.is_local:
            return [do(key) for key in keys]
        from music_assets.staging.s3 import AT_ONCE

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(do, keys))

    def probe(self, name: str) -> None:
        """Write a small object beside the kinds, read it and remove it, to see that all three can be done."""
        key = "/".join(part for part in (self._base, name) if part)
        self._files.put(key, b"a harmless test; remove me")
        self._files.get(key)
        self._files.delete(key)


def place(url: str) -> tuple[str, str]:
    """`s3` or `file`, and the path there: `bucket/prefix`, or a folder.

    Raises:
        StagingError: it is neither a folder nor an `s3://bucket/…`.
    """
    scheme, separator, path = url.partition("://")
    if not separator or scheme == "file":
        return "file", (path if separator else url).rstrip("/") or "/"
    if scheme != "s3" or not path.strip("/"):
        raise StagingError(f"MUSIC_ASSETS_STAGING is {url!r}: it takes a folder, or s3://bucket/prefix.")
    return "s3", path.strip("/")


def checksum(content: bytes) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(*parts: str) -> str:
    """One short text that changes with any of these."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

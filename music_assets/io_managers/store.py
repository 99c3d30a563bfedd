"""Where staged files lie: a local folder or S3, one object a kind and slice.

Here: paths, whole-or-nothing writes, receipts. What is in the files is the IO managers' matter.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import orjson
from fsspec.implementations.local import LocalFileSystem


@dataclass(frozen=True)
class Receipt:
    """What is known of a staged file without opening it; it lies beside the file.

    `made_from` is the fingerprint of what it was made from, `checksum` the SHA-256 of the file,
    `facts` what its maker told of the content (counts, reasons), `complete` whether making it again
    from the same input could bring more.
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


class SliceStore:
    """Files named `<kind>/<A>/<B>.json.gz` below a folder or an `s3://bucket/prefix`."""

    def __init__(self, url: str) -> None:
        self._fs, self._base = fsspec.core.url_to_fs(url)
        self._is_local = isinstance(self._fs, LocalFileSystem)

    def path(self, kind: str, slice_: str, suffix: str = ".json.gz") -> str:
        """The path of a file; `AB` lies in `A/B`, the slice of a day in a file of its name."""
        name = f"{slice_[0]}/{slice_[1]}" if len(slice_) == 2 else slice_
        return f"{self._base}/{kind}/{name}{suffix}"

    def url(self, kind: str, slice_: str) -> str:
        """The address of a file as a warehouse reads it: a local path, or `s3://…`."""
        path = self.path(kind, slice_)
        return path if self._is_local else str(self._fs.unstrip_protocol(path))

    def write(self, receipt_: Receipt, content: bytes) -> None:
        """Write a file and then its receipt: a file without one counts as absent."""
        self._put(self.path(receipt_.kind, receipt_.slice, ".receipt.json"), None)
        self._put(self.path(receipt_.kind, receipt_.slice), content)
        self.write_json(receipt_.kind, receipt_.slice, ".receipt.json", asdict(receipt_))

    def receipt(self, kind: str, slice_: str) -> Receipt | None:
        """The receipt of a staged file; None where there is no whole file."""
        data = self.read_json(kind, slice_, ".receipt.json")
        return None if data is None else Receipt(**data)

    def read(self, kind: str, slice_: str) -> bytes:
        return bytes(self._fs.cat_file(self.path(kind, slice_)))

    def write_json(self, kind: str, slice_: str, suffix: str, data: dict[str, Any]) -> None:
        self._put(self.path(kind, slice_, suffix), orjson.dumps(data, option=orjson.OPT_INDENT_2))

    def read_json(self, kind: str, slice_: str, suffix: str) -> dict[str, Any] | None:
        try:
            return dict(orjson.loads(self._fs.cat_file(self.path(kind, slice_, suffix))))
        except FileNotFoundError:
            return None

    @contextmanager
    def as_local_file(self, kind: str, slice_: str) -> Iterator[str]:
        """The path of a staged file on this machine, for as long as it is needed."""
        if self._is_local:
            yield self.path(kind, slice_)
            return
        with tempfile.TemporaryDirectory(prefix="music_assets_") as folder:
            local = str(Path(folder) / "slice.json.gz")
            self._fs.get_file(self.path(kind, slice_), local)
            yield local

    def _put(self, path: str, content: bytes | None) -> None:
        """Write an object whole, or remove it; readers see the old one, the new one, or none."""
        if content is None:
            if self._fs.exists(path):
                self._fs.rm_file(path)
        elif self._is_local:
            folder = Path(path).parent
            folder.mkdir(parents=True, exist_ok=True)
            fresh = Path(f"{path}.{os.getpid()}.part")
            fresh.write_bytes(content)
            os.replace(fresh, path)
        else:
            self._fs.pipe_file(path, content)


def checksum(content: bytes) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(*parts: str) -> str:
    """One short text that changes with any of these."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

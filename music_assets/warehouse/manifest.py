"""What a load consists of: one validated file per slice.

Here: the manifest as data and in the form that Redshift's COPY reads, and what an engine needs of whoever
stores the files. Files are written and validated in `music_assets.staging`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol


class Files(Protocol):
    """How an engine reads and writes objects by their `s3://…` address; each is whole or an error."""

    def read(self, url: str) -> bytes: ...
    def write(self, url: str, content: bytes) -> None: ...


@dataclass(frozen=True)
class Manifest:
    """One staged file that passed validation.

    `kind` is the staged kind (a table of `staging`), `slice` the partition or the day of a refresh, `url`
    where the file is, `rows` how many lines it has, `bytes` its size as it is stored, `checksum` the SHA-256
    of those bytes.
    """

    kind: str
    slice: str
    url: str
    rows: int
    bytes: int
    checksum: str


@dataclass(frozen=True)
class CopyFrom:
    """A table's rows, as files to load: what an asset returns to fill a staging table."""

    kind: str
    manifests: tuple[Manifest, ...]


def copy_manifest(manifests: Iterable[Manifest]) -> dict[str, Any]:
    """The manifest of these files in the form that Redshift's COPY reads; empty files are left out."""
    return {
        "entries": [
            {"url": one.url, "mandatory": True, "meta": {"content_length": one.bytes}}
            for one in sorted(manifests, key=lambda one: one.slice)
            if one.rows
        ]
    }

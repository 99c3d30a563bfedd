"""What a load is made of: one checked file a slice.

Here: the manifest as data, its two written forms (our verdict, and the one Redshift's COPY reads), and
what an engine needs of whoever keeps the files. Who writes them is `io_managers`, who checks is `gate`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol


class Files(Protocol):
    """How an engine reads and writes objects by their `s3://…` address; each is whole or an error."""

    def read(self, url: str) -> bytes: ...
    def write(self, url: str, content: bytes) -> None: ...


@dataclass(frozen=True)
class Manifest:
    """One staged file that passed the gate.

    `kind` is the staged kind (a table of `staging`), `slice` the partition or refresh, `url` where
    the file lies, `rows` how many lines it has, `bytes` its size as it lies there, `checksum` the
    SHA-256 of those bytes.
    """

    kind: str
    slice: str
    url: str
    rows: int
    bytes: int
    checksum: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one staged file: nothing, and it may be loaded, or what is wrong.

    `gate` is the version of the gate that looked.
    """

    manifest: Manifest
    gate: str
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.problems

    def stands(self, checksum: str, gate: str) -> bool:
        """Whether that gate need not look at the file with that checksum: it did, and let it pass."""
        return self.passed and self.manifest.checksum == checksum and self.gate == gate

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Verdict:
        return cls(Manifest(**data["manifest"]), data["gate"], tuple(data["problems"]))


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

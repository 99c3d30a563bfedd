"""Staged rows and files for tests of the warehouse: complete, and as small as can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Table

from music_assets.staging.rows import encode
from music_assets.staging.store import checksum
from music_assets.tables import METADATA, row_columns
from music_assets.warehouse.engine import Loaded, Warehouse
from music_assets.warehouse.manifest import CopyFrom, Manifest
from music_assets_tests.support.standin import Standin

_W = TypeVar("_W", bound=Warehouse)


def row(kind: str, **values: Any) -> dict[str, Any]:
    """A staged row of a kind: NULL in every column but those given."""
    columns = row_columns(METADATA.tables[f"staging.{kind}"])
    assert set(values) <= set(columns), values
    return {**dict.fromkeys(columns), **values}


class Staging(Protocol):
    """Where staged files lie."""

    def put(self, name: str, content: bytes) -> str:
        """Write a file; its address."""

    def spoil(self, url: str, content: bytes | None) -> None:
        """Put something else there, or nothing."""


@dataclass(frozen=True)
class Folder:
    folder: Path

    def put(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def spoil(self, url: str, content: bytes | None) -> None:
        if content is None:
            Path(url).unlink()
        else:
            Path(url).write_bytes(content)


@dataclass(frozen=True)
class OnS3:
    standin: Standin
    prefix: str

    def put(self, name: str, content: bytes) -> str:
        url = f"{self.prefix}/{name}"
        self.spoil(url, content)
        return url

    def spoil(self, url: str, content: bytes | None) -> None:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if content is None:
            self.standin.s3.delete_object(Bucket=bucket, Key=key)
        else:
            self.standin.s3.put_object(Bucket=bucket, Key=key, Body=content)


@dataclass(frozen=True)
class Place(Generic[_W]):
    """A warehouse, and where its staged files lie."""

    warehouse: _W
    staging: Staging

    def stage(self, kind: str, slice_: str, rows: list[dict[str, Any]]) -> Manifest:
        """Write rows as a staged file and give its manifest."""
        encoded = encode(rows, slice_)
        content, count = encoded.content, encoded.rows
        name = f"{kind}/{slice_}-{checksum(content)[:8]}.json.gz"
        return Manifest(kind, slice_, self.staging.put(name, content), count, len(content), checksum(content))

    def load(self, *manifests: Manifest, run: str = "run", **options: Any) -> Loaded:
        return self.warehouse.load(CopyFrom(manifests[0].kind, manifests), run, **options)

    def rows(self, table: Table, *columns: str) -> list[tuple[Any, ...]]:
        """What is in a table, sorted."""
        with self.warehouse.transaction("looking") as connection:
            found = connection.execute(table.select().with_only_columns(*(table.c[name] for name in columns)))
            return sorted((tuple(one) for one in found), key=str)

"""Staged rows and files for tests of the warehouse: complete, and as small as can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from music_assets.io_managers.json_rows import encode
from music_assets.io_managers.store import checksum
from music_assets.warehouse.manifest import Manifest
from music_assets.warehouse.schema import STAGED, row_columns


def row(kind: str, **values: Any) -> dict[str, Any]:
    """A staged row of a kind: NULL in every column but those given."""
    assert set(values) <= set(row_columns(STAGED[kind])), values
    return {**dict.fromkeys(row_columns(STAGED[kind])), **values}


def staged(folder: Path, kind: str, slice_: str, rows: list[dict[str, Any]]) -> Manifest:
    """Write rows as a staged file and give its manifest."""
    content, count = encode(rows, slice_)
    path = folder / f"{kind}-{slice_}-{checksum(content)[:8]}.json.gz"
    path.write_bytes(content)
    return Manifest(kind, slice_, str(path), count, len(content), checksum(content))

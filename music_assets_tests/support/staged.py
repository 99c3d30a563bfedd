"""Rows as a run staged them."""

from __future__ import annotations

from typing import Any

from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets.staging.partitions import read_rows


def staged_rows(settings: Settings, kind: str, key: str) -> list[dict[str, Any]]:
    """The rows of a partition, which must be staged."""
    store = resources(settings)["staging"].store()
    file = store.staged_file(kind, key)
    assert file is not None, f"{kind} {key} is not staged"
    return list(read_rows(store, file))

"""Ledgers to test, each empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from music_assets.sources.ledger import SqliteLedger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    kept = SqliteLedger(tmp_path / "ledger.sqlite", source="sandbox")
    yield kept
    kept.close()

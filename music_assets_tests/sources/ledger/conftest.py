"""Ledgers to test, each empty: SQLite in a folder of its own, PostgreSQL in a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from music_assets.sources.ledger import Key, Ledger, Response, open_ledger

THEN = datetime(2026, 11, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def response(
    id_: str,
    body: Any = None,
    fetched_at: datetime = THEN,
    *,
    status: str = "answered",
    purpose: str = "search",
) -> Response:
    return Response(Key("track", id_, purpose), status, "track:'x'", fetched_at, "development", body)


def search(id_: str) -> Key:
    return Key("track", id_, "search")


@dataclass
class Place:
    """Where ledgers of one kind are stored: the same one, however often it is opened."""

    setting: str
    _open: ExitStack = field(default_factory=ExitStack)

    def open(self, source: str = "sandbox") -> Ledger:
        return self._open.enter_context(closing(open_ledger(self.setting, source=source)))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        found = Place(str(tmp_path / "ledger.sqlite"))
    else:
        found = Place(request.getfixturevalue("postgres").new_database())
    with found._open:
        yield found


@pytest.fixture
def ledger(place: Place) -> Ledger:
    """An empty ledger, of either kind."""
    return place.open()

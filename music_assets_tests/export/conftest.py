"""A published copy of a few rows in every table, for exports."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, Integer, String, insert

from music_assets.tables import PUBLISHED, Super
from music_assets.warehouse.duckdb import DuckDBWarehouse

SONGS = 5
ODD = ('=HYPERLINK("x")', "a,b", 'say "hi"', "two\nlines", "", "é 日本 \u202e", "+1", "NULL", "ends\r", "\\N")


def track(n: int) -> str:
    return f"TRAAA{chr(65 + n)}W128F429D538"


def recording(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012d}"


def value(column: Any, n: int, chance: random.Random) -> Any:
    """A value of a column's type for the n-th row; ids are those of the n-th song."""
    ids = {
        "track_id": track(n),
        "artist_id": f"AR{n:016d}",
        "recording_mbid": recording(n),
        "mbid": recording(n),
        "artist_mbid": f"artist {n}",
        "entity": "recording" if getattr(column.type, "length", None) == 16 else "track",
        "source": "api",
        "match_status": "matched",
        "matcher_version": "1-abc",
    }
    if column.name in ids:
        return ids[column.name]
    if column.name.endswith("_id") and isinstance(column.type, String):
        return f"id {n}"
    if column.nullable and chance.random() < 0.3:
        return None
    match column.type:
        case Super():
            return [chance.choice(ODD), {"weight": n}]
        case Boolean():
            return chance.random() < 0.5
        case BigInteger() | Integer():
            return chance.randrange(100)
        case Double():
            return chance.random() * 100
        case DateTime():
            return datetime(2026, 11, 22, 12, n, 0, 500_000, tzinfo=UTC).replace(tzinfo=None)
        case Date():
            return date(2026, 11, 1 + n)
    fitting = [text for text in ODD if len(text.encode()) <= column.type.length]  # Redshift counts bytes
    return chance.choice(fitting)


def rows_of(name: str, order: list[int]) -> list[dict[str, Any]]:
    table = PUBLISHED[name]
    return [
        {column.name: value(column, n, random.Random(f"{name} {n}")) for column in table.columns}
        for n in order
    ]


@pytest.fixture
def published(tmp_path: Path) -> Callable[..., Path]:
    """Make a data folder whose tables have these rows in this order, and give its published copy."""

    def make(folder: str = "data", order: tuple[int, ...] = tuple(range(SONGS)), **changed: Any) -> Path:
        data = tmp_path / folder
        copy = data / "published" / "music_assets.duckdb"
        warehouse = DuckDBWarehouse(data / "warehouse.duckdb", copy)
        with warehouse.transaction("filling") as connection:
            for name, table in PUBLISHED.items():
                rows = rows_of(name, list(order))
                if name == "analytics.songs":
                    rows = [{**row, **changed} for row in rows]
                connection.execute(insert(table), rows)
        warehouse.publish()
        return copy

    return make

"""Comparing the warehouses of two deployments, table by table and value by value."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import Column, Table, select

from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets.tables import LOADS, METADATA, key_columns

# Of the run, or of the deployment, and not of the songs.
NOT_COMPARED = {"run_id", "loaded_at"}


def _compared(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in NOT_COMPARED]


def table_rows(settings: Settings, table: Table) -> list[tuple[Any, ...]]:
    columns = _compared(table)
    with resources(settings)["warehouse"].open().transaction("comparing") as connection:
        rows = [tuple(row) for row in connection.execute(select(*columns))]
    index_of = [column.name for column in columns].index
    return sorted(rows, key=lambda row: [str(row[index_of(key)]) for key in key_columns(table)] + [str(row)])


def assert_same_rows(one: Settings, two: Settings) -> None:
    """Every table row by row, and every value; numbers to the last bit but one."""
    for table in METADATA.sorted_tables:
        names = [column.name for column in _compared(table)]
        first, second = table_rows(one, table), table_rows(two, table)
        assert len(first) == len(second), (table.fullname, sorted({*map(str, first)} ^ {*map(str, second)}))
        for left, right in zip(first, second, strict=True):
            for name, a, b in zip(names, left, right, strict=True):
                same = math.isclose(a, b, rel_tol=1e-15) if isinstance(a, float) and b is not None else a == b
                assert same, (table.fullname, name, a, b)
    assert table_rows(one, LOADS)

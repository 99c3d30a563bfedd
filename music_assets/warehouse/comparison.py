"""Did an engine load what is staged? A few rows compared, value by value.

Counting rows does not tell: an engine that takes a folder's name for a column's value, or a time for one of
another zone, loads as many. Loading itself is in `engine`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import orjson
from isal import igzip
from sqlalchemy import Connection, Date, DateTime, Table, select

from music_assets.tables import key_columns


def differences(connection: Connection, table: Table, content: bytes) -> Iterator[str]:
    """What the first and the last row of a staged file have, and the table has otherwise.

    `content` is the file's gzip JSON Lines, and it has rows.
    """
    lines = igzip.decompress(content).split(b"\n")  # type: ignore[no-untyped-call]
    full = [line for line in lines if line]
    for staged in map(orjson.loads, {full[0], full[-1]}):
        key = {name: staged[name] for name in {"slice", *key_columns(table)}}
        where = (table.c[name] == _value(table, name, value) for name, value in key.items())
        loaded = connection.execute(select(table).where(*where)).mappings().first()
        named = " ".join(str(value) for value in key.values())
        if loaded is None:
            yield f"the row {named} is not there"
            continue
        yield from (f"{found} in the row {named}" for found in _different(table, staged, loaded))


def _different(table: Table, staged: Mapping[str, Any], loaded: Mapping[Any, Any]) -> Iterator[str]:
    for name in map(str, table.columns.keys()):
        expected, found = _value(table, name, staged.get(name)), loaded[name]
        if isinstance(expected, list | dict) and isinstance(found, str):
            found = json.loads(found)
        if not _same(expected, found):
            yield f"{name} is {found!r} and not {expected!r}"


def _value(table: Table, name: str, value: Any) -> Any:
    """A value of a staged file as its column has it."""
    if value is not None and isinstance(table.c[name].type, DateTime):
        return datetime.fromisoformat(value)
    if value is not None and isinstance(table.c[name].type, Date):
        return date.fromisoformat(value)
    return value


def _same(one: Any, other: Any) -> bool:
    """Equal but for the last digits of a number, in lists and maps as well."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)

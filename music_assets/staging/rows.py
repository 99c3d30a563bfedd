"""Rows to gzip JSON Lines and back.

One JSON object a line, every line with its `slice`, since COPY cannot add a column. Missing values
are `null`; times are UTC without a zone, as TIMESTAMP columns take them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import repeat
from typing import Any, NamedTuple

import orjson
import pandas as pd
from isal import igzip
from pandas.api.extensions import ExtensionDtype

from music_assets.staging.limits import Fitting
from music_assets.tables import METADATA

# Measured by benchmarks/encoding.py: level 2 is as small as zlib's level 1 at a fraction of its time.
_LEVEL = 2


def encode(
    rows: pd.DataFrame | list[dict[str, Any]], slice_: str, fitting: Fitting | None = None
) -> tuple[bytes, int]:
    """Rows as gzip JSON Lines; the bytes and how many rows they hold.

    The same rows always give the same bytes. With `fitting`, what is too long for its table is cut, or its
    row left out, and noted there.
    """
    if isinstance(rows, pd.DataFrame):
        records = _records(rows, slice_)
    else:
        records = [{"slice": slice_, **row} for row in rows]
    if any("fetched_at" in record for record in records):
        records = [_without_zone(record) for record in records]
    if fitting is not None:
        records = [cut for record in records if (cut := fitting.cut(record)) is not None]
    lines = [orjson.dumps(record, default=_other, option=_OPTIONS) for record in records]
    if fitting is not None:
        lines = [line for line in lines if fitting.fits(line)]
    return igzip.compress(b"".join(lines), compresslevel=_LEVEL, mtime=0), len(lines)


class Encoded(NamedTuple):
    """The rows of one slice as its file will hold them."""

    content: bytes
    rows: int
    too_long: list[str]  # a sentence of what was cut, and of what was left out


def encode_for(kind: str, rows: pd.DataFrame | list[dict[str, Any]], slice_: str) -> Encoded:
    """Rows as the file of a staged kind, made to fit its table."""
    table = METADATA.tables.get(f"staging.{kind}")
    fitting = None if table is None else Fitting(table)
    content, count = encode(rows, slice_, fitting)
    return Encoded(content, count, fitting.reasons() if fitting else [])


def decode(content: bytes) -> list[dict[str, Any]]:
    """The rows of a gzip JSON Lines file, as dicts, without their `slice`."""
    lines: bytes = igzip.decompress(content)  # type: ignore[no-untyped-call]
    rows = [orjson.loads(line) for line in lines.splitlines()]
    for row in rows:
        row.pop("slice", None)
    return rows


_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE


def _records(frame: pd.DataFrame, slice_: str) -> list[dict[str, Any]]:
    """A frame's rows as dicts of plain values, `slice` first, made a column at a time."""
    names = ["slice", *map(str, frame.columns)]
    columns = [repeat(slice_, len(frame)), *(_values(frame[name]) for name in frame.columns)]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pd.Series[Any]) -> list[Any]:
    """A column's values; what is missing is None, or something that is written as null (NaN, NaT)."""
    if isinstance(column.dtype, ExtensionDtype):
        column = column.astype(object).where(column.notna(), None)
    return list(column.tolist())


def _without_zone(record: dict[str, Any]) -> dict[str, Any]:
    fetched_at = record.get("fetched_at")
    if isinstance(fetched_at, str) and fetched_at.endswith(("Z", "+00:00")):
        return {**record, "fetched_at": fetched_at.removesuffix("Z").removesuffix("+00:00")}
    return record


def _other(value: Any) -> Any:
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat()
    raise TypeError(f"a staged row cannot hold {type(value).__name__}")

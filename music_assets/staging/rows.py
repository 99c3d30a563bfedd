"""Rows to gzip JSON Lines and back, checked and made to fit as they are encoded.

One JSON object per line, each with its `slice`, since COPY cannot add a column. Missing values are `null`;
times are UTC without a zone, as TIMESTAMP columns take them. A row that its table cannot hold is left out and
counted, so that the rows beside it are loaded; what rows are checked for is in `validation` and `limits`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import orjson
import pandas as pd
from isal import igzip
from pandas.api.extensions import ExtensionDtype
from sqlalchemy import Table

from music_assets.staging import validation
from music_assets.staging.limits import CopyLimits, counted_rows
from music_assets.staging.store import checksum
from music_assets.tables import METADATA

Row = dict[str, Any]

# Measured by benchmarks/encoding.py: level 2 is as small as zlib's level 1 at a fraction of its time.
_LEVEL = 2
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE
# What is not a character: NUL, halves of surrogate pairs, and Unicode's noncharacters. JSON or Redshift
# refuse them.
_NOT_TEXT = re.compile("[\0\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NOT_TEXT_ENCODED = re.compile(rb"\\u0000|\xef\xb7[\x90-\xaf]|\xef\xbf[\xbe\xbf]")


@dataclass(frozen=True)
class Encoded:
    """Rows as they will be written: the file's bytes, how many rows, and what was changed or left out.

    `validation` is the stamp of a file whose rows fit their table; None where they have other fields, or
    where the kind has no table.
    """

    content: bytes
    rows: int
    changes: tuple[str, ...] = ()
    validation: str | None = None


def encode(rows: pd.DataFrame | list[Row], key: str, table: Table | None = None) -> Encoded:
    """Rows of one partition as gzip JSON Lines; with a `table`, checked and made to fit it.

    The same rows always give the same bytes.
    """
    records = (
        _records(rows, key) if isinstance(rows, pd.DataFrame) else [{"slice": key, **row} for row in rows]
    )
    if any("fetched_at" in record for record in records):
        records = [_without_zone(record) for record in records]
    texts = _Texts()
    if table is None:
        lines = [texts.line(record) for record in records]
        return Encoded(_compress(lines), len(lines), tuple(texts.changes()))
    limits = CopyLimits(table)
    fitting = (limits.truncate(texts.repaired(record)) for record in records)
    lines = [texts.line(record) for record in fitting if record is not None]
    lines = [line for line in lines if limits.within_limits(line)]
    parsed = [orjson.loads(line) for line in lines]
    changes = [*texts.changes(), *limits.changes()]
    if validation.field_problems(table, parsed):
        return Encoded(
            _compress(lines), len(lines), tuple(changes)
        )  # refused where it is recorded, with reasons
    wrong = validation.wrong_rows(table, parsed, key)
    if wrong:
        changes += [f"Left out: {problem}." for problem in validation.sentences(table, parsed, wrong)]
        left_out = {at for places in wrong.values() for at in places}
        lines = [line for at, line in enumerate(lines) if at not in left_out]
    content = _compress(lines)
    return Encoded(content, len(lines), tuple(changes), validation.stamp(table, checksum(content)))


def encode_for(kind: str, rows: pd.DataFrame | list[Row], key: str) -> Encoded:
    """Rows as the file of a staged kind; a kind without a table is encoded as it is."""
    return encode(rows, key, METADATA.tables.get(f"staging.{kind}"))


def decode(content: bytes) -> list[Row]:
    """The rows of a gzip JSON Lines file, as dicts, without their `slice`."""
    lines: bytes = igzip.decompress(content)  # type: ignore[no-untyped-call]
    rows = [orjson.loads(line) for line in lines.splitlines()]
    for row in rows:
        row.pop("slice", None)
    return rows


class _Texts:
    """Replaces what is not a character in texts by U+FFFD, and counts the rows that had any."""

    def __init__(self) -> None:
        self._repaired = 0

    def repaired(self, record: Row) -> Row:
        """The record with its texts repaired; those in lists and maps are left to `line`."""
        texts = (value for value in record.values() if isinstance(value, str))
        if not any(_NOT_TEXT.search(text) for text in texts if not text.isprintable()):
            return record
        self._repaired += 1
        return {name: _repaired(value) for name, value in record.items()}

    def line(self, record: Row) -> bytes:
        try:
            line = orjson.dumps(record, default=_other, option=_OPTIONS)
        except (
            orjson.JSONEncodeError
        ):  # half a surrogate pair or a number of 70 bits; else it is raised below
            line = b"\\u0000"
        if _NOT_TEXT_ENCODED.search(line) is None:
            return line
        repaired = {_repaired(name): _repaired(value) for name, value in record.items()}
        self._repaired += repaired != record
        try:
            return orjson.dumps(repaired, default=_other, option=_OPTIONS)
        except orjson.JSONEncodeError:  # as a text, for which its row is left out
            return orjson.dumps(_without_large_numbers(repaired), default=_other, option=_OPTIONS)

    def changes(self) -> list[str]:
        if not self._repaired:
            return []
        rows = counted_rows(self._repaired)
        return [f"Replaced by U+FFFD what is not a character in the texts of {rows}."]


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_TEXT.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_repaired(name): _repaired(one) for name, one in value.items()}
    return [_repaired(one) for one in value] if isinstance(value, list | tuple) else value


def _without_large_numbers(value: Any) -> Any:
    """Integers that take more than 64 bits, as texts."""
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, dict):
        return {name: _without_large_numbers(one) for name, one in value.items()}
    return [_without_large_numbers(one) for one in value] if isinstance(value, list) else value


def _compress(lines: list[bytes]) -> bytes:
    return igzip.compress(b"".join(lines), compresslevel=_LEVEL, mtime=0)


def _records(frame: pd.DataFrame, key: str) -> list[Row]:
    """A frame's rows as dicts of plain values, `slice` first, converted a column at a time."""
    names = ["slice", *map(str, frame.columns)]
    columns = [repeat(key, len(frame)), *(_values(frame[name]) for name in frame.columns)]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pd.Series[Any]) -> list[Any]:
    """A column's values; what is missing is None, or something that is written as null (NaN, NaT)."""
    if isinstance(column.dtype, ExtensionDtype):
        column = column.astype(object).where(column.notna(), None)
    return list(column.tolist())


def _without_zone(record: Row) -> Row:
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

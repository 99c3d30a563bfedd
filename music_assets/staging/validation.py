"""The gate: is a staged file fit to be loaded into its table?

Here: the check of one file against the declared columns and keys, before any warehouse sees it, whichever
is in use. How rows are made to fit as they are written is in `limits`; what must be true of tables once
they are loaded is in `music_assets.defs.checks`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from isal import igzip, isal_zlib
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, Integer, String, Table
from sqlalchemy.types import TypeEngine

from music_assets.staging.limits import MAX_ROW_BYTES, MAX_SUPER_TEXT_BYTES, bytes_of, longest_text
from music_assets.tables import FILE_ONLY, Super, key_columns

# Raised when what the gate looks at changes, so that kept manifests are made anew.
GATE_VERSION = "2"

Row = dict[str, Any]
_UnzipError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says an instance
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?")  # a zone would be lost in a TIMESTAMP


def gate_version(table: Table) -> str:
    """What a verdict on this kind stands under: what the gate looks at, and the declared columns."""
    declared = [f"{column.name} {column.type!r} {column.nullable}" for column in table.columns]
    return f"{GATE_VERSION}-{hashlib.sha256(repr((declared, key_columns(table))).encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Checked:
    """What the gate found in one file: how many rows, and what is wrong (nothing, if it passed)."""

    rows: int
    problems: tuple[str, ...]


def check_file(table: Table, content: bytes, slice_: str) -> Checked:
    """Check one gzip JSON Lines file of a staged kind.

    `table` is the kind's table in `staging`, `content` the file's bytes, `slice_` the slice all its rows
    must name. Checked are: that each line is a JSON object with the table's fields and no others,
    each of its column's type and length; that keys are there and unique; that rows, and the texts in their
    lists and maps, are no longer than COPY takes.

    Returns:
        The number of rows and the problems, each naming the field, how many rows have it, and one
        row by its key.
    """
    try:
        text: bytes = igzip.decompress(content)  # type: ignore[no-untyped-call]
        lines = [line for line in text.split(b"\n") if line]
        rows = [orjson.loads(line) for line in lines]
    except (OSError, EOFError, _UnzipError, orjson.JSONDecodeError) as error:
        return Checked(0, (f"not gzip JSON Lines: {error}",))
    if strange := sum(not isinstance(row, dict) for row in rows):
        return Checked(len(rows), (f"{strange} lines are not JSON objects",))
    keys = key_columns(table)
    problems = _shape_problems(table, rows) + _long_rows(table, keys, lines, rows)
    if not problems:
        problems = _value_problems(table, keys, rows, slice_)
    return Checked(len(rows), tuple(problems))


def _shape_problems(table: Table, rows: list[Row]) -> list[str]:
    """Fields that the table lacks or that the file lacks."""
    declared = {str(column.name) for column in table.columns}
    known = declared | FILE_ONLY.get(table.name, frozenset())
    strange: Counter[str] = Counter()
    missing: set[str] = set()
    for fields, count in Counter(map(tuple, rows)).items():  # rows mostly have the same fields
        strange.update({name: count for name in fields if name not in known})
        missing |= declared.difference(fields)
    return [
        *(f"field {name!r} is not a column ({count} rows)" for name, count in sorted(strange.items())),
        *(f"field {name!r} is missing in some rows" for name in sorted(missing)),
    ]


def _long_rows(table: Table, keys: list[str], lines: list[bytes], rows: list[Row]) -> list[str]:
    """Rows, and texts in lists and maps, that are longer than COPY takes."""
    # A text that is too long makes its row longer than that.
    long = [
        (len(line), row) for line, row in zip(lines, rows, strict=True) if len(line) > MAX_SUPER_TEXT_BYTES
    ]
    too_long = [row for length, row in long if length > MAX_ROW_BYTES]
    problems = _told(f"the row has more than the {MAX_ROW_BYTES} bytes that COPY takes", keys, too_long)
    for column in table.columns:
        if isinstance(column.type, Super):
            found = [row for _, row in long if longest_text(row.get(column.name)) > MAX_SUPER_TEXT_BYTES]
            words = (
                f"{column.name} holds a text of more than the {MAX_SUPER_TEXT_BYTES} bytes that COPY takes"
            )
            problems += _told(words, keys, found)
    return problems


def _value_problems(table: Table, keys: list[str], rows: list[Row], slice_: str) -> list[str]:
    """Values that are not of their column's type, or missing, and keys that are not unique."""
    problems = _told(f"slice is not {slice_!r}", keys, (row for row in rows if row["slice"] != slice_))
    for column in table.columns:
        name, fits = str(column.name), _fits(column.type)
        wrong = [row for row in rows if (value := row[name]) is not None and not fits(value)]
        problems += _told(f"{name} is not {_words(column.type)}", keys, wrong)
        if not column.nullable:
            problems += _told(f"{name} is missing", keys, (row for row in rows if row[name] is None))
    if problems:
        return problems
    counts = Counter(_name(row, keys) for row in rows)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        problems.append(
            f"the key {', '.join(keys)} is not unique: {len(twice)} are there twice, such as {twice[0]}"
        )
    return problems


def _fits(type_: TypeEngine[object]) -> Callable[[Any], bool]:
    """Whether a JSON value can become a value of this type."""
    match type_:
        case Super():
            return lambda value: isinstance(value, list | dict)
        case String():
            most = type_.length or 0
            # A character has four bytes at most: most texts need not be encoded to be measured.
            return lambda value: type(value) is str and (len(value) * 4 <= most or bytes_of(value) <= most)
        case BigInteger():
            return lambda value: type(value) is int and -(2**63) <= value < 2**63
        case Integer():
            return lambda value: type(value) is int and -(2**31) <= value < 2**31
        case Double():
            return lambda value: (type(value) is float and math.isfinite(value)) or type(value) is int
        case Boolean():
            return lambda value: type(value) is bool
        case DateTime():
            return lambda value: _parses(value, _TIME, datetime.fromisoformat)
        case Date():
            return lambda value: _parses(value, _DATE, date.fromisoformat)
    raise TypeError(f"the gate does not know the type {type_!r}")


def _parses(value: Any, form: re.Pattern[str], parse: Callable[[str], date]) -> bool:
    try:
        return isinstance(value, str) and bool(form.fullmatch(value) and parse(value))
    except ValueError:
        return False


def _words(type_: TypeEngine[object]) -> str:
    match type_:
        case Super():
            return "a list or a map"
        case String():
            return f"text of at most {type_.length} bytes"
        case Integer():
            return "a whole number that fits"
        case Double():
            return "a number"
        case Boolean():
            return "true or false"
    return "a date"


def _told(problem: str, keys: list[str], rows: Iterable[Row]) -> list[str]:
    """The problem with how many rows have it, and the first of them; nothing where none has."""
    names = [_name(row, keys) for row in rows]
    return [f"{problem} in {len(names)} rows, such as {min(names)}"] if names else []


def _name(row: Row, keys: list[str]) -> str:
    """A row by its key."""
    return " ".join("NULL" if row.get(key) is None else str(row[key]) for key in keys)

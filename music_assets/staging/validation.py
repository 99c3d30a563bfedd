"""Validation: does a staged file fit the table it is to be loaded into?

Here: what is wrong with rows, compared with the declared columns and keys, and the stamp that a file carries
whose rows were found right. Rows are checked as they are encoded (`rows`), so a file that this program wrote
is not parsed again; a file without a valid stamp, written by another program or before a column changed, is
checked as a whole (`check_file`). What is too long or cannot be stored is made to fit in `limits`; what must
be true of loaded tables is in `music_assets.defs.checks`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from isal import igzip, isal_zlib
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, Integer, String, Table
from sqlalchemy.types import TypeEngine

from music_assets.staging.limits import (
    MAX_ROW_BYTES,
    MAX_SUPER_TEXT_BYTES,
    bytes_of,
    counted_rows,
    longest_text,
)
from music_assets.tables import FILE_ONLY, Super, key_columns

# Raised when what is checked changes, so that files are checked again.
VALIDATION_VERSION = "3"

Row = dict[str, Any]
_UnzipError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says an instance
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?")  # a zone would be lost in a TIMESTAMP


def version(table: Table) -> str:
    """What a file of this table was checked for: the code here, and the declared columns and keys."""
    declared = [f"{column.name} {column.type!r} {column.nullable}" for column in table.columns]
    text = repr((VALIDATION_VERSION, declared, key_columns(table)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def stamp(table: Table, checksum: str) -> str:
    """What a valid file with this checksum carries: another program that writes a file does not know it."""
    return hashlib.sha256(f"{version(table)} {checksum}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Checked:
    """The result for one file: how many rows it has, and what is wrong (nothing, if it passed)."""

    rows: int
    problems: tuple[str, ...]


def check_file(table: Table, content: bytes, key: str) -> Checked:
    """Check one gzip JSON Lines file of a staged kind.

    `table` is the kind's table in `staging`, `content` the file's bytes, `key` the partition that all its
    rows must name. Checked are: that each line is a JSON object with the table's fields and no others, each
    of its column's type and length; that keys are there and unique; that rows, and the texts in their lists
    and maps, are no longer than COPY accepts.

    Returns:
        The number of rows and the problems, each naming the field, how many rows have it, and one row by its
        key.
    """
    try:
        text: bytes = igzip.decompress(content)  # type: ignore[no-untyped-call]
        lines = [line for line in text.split(b"\n") if line]
        rows = [orjson.loads(line) for line in lines]
    except (OSError, EOFError, _UnzipError, orjson.JSONDecodeError) as error:
        return Checked(0, (f"not gzip JSON Lines: {error}",))
    if others := sum(not isinstance(row, dict) for row in rows):
        return Checked(len(rows), (f"{others} lines are not JSON objects",))
    problems = field_problems(table, rows) + sentences(table, rows, _long_rows(table, lines, rows))
    if not problems:
        problems = sentences(table, rows, wrong_rows(table, rows, key))
    return Checked(len(rows), tuple(problems))


def field_problems(table: Table, rows: Sequence[Row]) -> list[str]:
    """Fields that the table lacks or that the rows lack."""
    declared = {str(column.name) for column in table.columns}
    known = declared | FILE_ONLY.get(table.name, frozenset())
    unknown: Counter[str] = Counter()
    missing: set[str] = set()
    for fields, count in Counter(map(tuple, rows)).items():  # rows mostly have the same fields
        unknown.update({name: count for name in fields if name not in known})
        missing |= declared.difference(fields)
    return [
        *(f"field {name!r} is not a column ({counted_rows(n)})" for name, n in sorted(unknown.items())),
        *(f"field {name!r} is missing in some rows" for name in sorted(missing)),
    ]


def wrong_rows(table: Table, rows: Sequence[Row], key: str) -> dict[str, list[int]]:
    """By problem, the places of the rows that have it.

    A problem is a value that does not fit its column, a missing or repeated key (of rows with the same key
    the first is right), or another partition.

    The rows have exactly the table's fields (`field_problems`).
    """
    names = key_columns(table)
    found = {f"slice is not {key!r}": [at for at, row in enumerate(rows) if row["slice"] != key]}
    for column in table.columns:
        name, fits = str(column.name), _fits(column.type)
        found[f"{name} is not {_words(column.type)}"] = [
            at for at, row in enumerate(rows) if (value := row[name]) is not None and not fits(value)
        ]
        if not column.nullable:
            found[f"{name} is missing"] = [at for at, row in enumerate(rows) if row[name] is None]
    seen: set[str] = set()
    repeated = found.setdefault(f"the key {', '.join(names)} is not unique", [])
    for at, row in enumerate(rows):
        if (mine := _name(row, names)) in seen:
            repeated.append(at)
        seen.add(mine)
    return {problem: at for problem, at in found.items() if at}


def sentences(table: Table, rows: Sequence[Row], problems: dict[str, list[int]]) -> list[str]:
    """Each problem with how many rows have it, and the key of one of them."""
    keys = key_columns(table)
    return [
        f"{problem} in {counted_rows(len(at))}, such as {min(_name(rows[one], keys) for one in at)}"
        for problem, at in problems.items()
    ]


def _long_rows(table: Table, lines: Sequence[bytes], rows: Sequence[Row]) -> dict[str, list[int]]:
    """Rows, and texts in lists and maps, that are longer than COPY accepts."""
    # A text that is too long makes its row longer than that.
    long = [at for at, line in enumerate(lines) if len(line) > MAX_SUPER_TEXT_BYTES]
    found = {
        f"the row has more than the {MAX_ROW_BYTES} bytes that COPY accepts": [
            at for at in long if len(lines[at]) > MAX_ROW_BYTES
        ]
    }
    for column in table.columns:
        if isinstance(column.type, Super):
            found[
                f"{column.name} holds a text of more than the {MAX_SUPER_TEXT_BYTES} bytes that COPY accepts"
            ] = [at for at in long if longest_text(rows[at].get(column.name)) > MAX_SUPER_TEXT_BYTES]
    return {problem: at for problem, at in found.items() if at}


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
    raise TypeError(f"validation does not know the type {type_!r}")


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


def _name(row: Row, keys: Sequence[str]) -> str:
    """A row by its key."""
    return " ".join("NULL" if row.get(key) is None else str(row[key]) for key in keys)

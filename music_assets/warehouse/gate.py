"""The gate: is a staged file fit to be loaded into its table?

Here: the check of one file against the declared columns and keys, before any warehouse sees it.
DuckDB, in memory, does the reading whichever warehouse is in use. What must be true of tables once
they are loaded is in `music_assets.checks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import duckdb
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, Integer, String, Table
from sqlalchemy.types import TypeEngine

from music_assets.warehouse.schema import FILE_ONLY, key_columns
from music_assets.warehouse.types import Super

# Redshift's COPY refuses a longer row (https://docs.aws.amazon.com/redshift: "COPY, usage notes").
MAX_ROW_BYTES = 4 * 1024 * 1024

# Raised when what the gate looks at changes, so that kept manifests are made anew.
GATE_VERSION = "1"

_INT = "json_type({c}) IN ('BIGINT', 'UBIGINT') AND TRY_CAST({c} AS {sql}) IS NOT NULL"


@dataclass(frozen=True)
class Checked:
    """What the gate found in one file: how many rows, and what is wrong (nothing, if it passed)."""

    rows: int
    problems: tuple[str, ...]


def check_file(table: Table, path: str, slice_: str) -> Checked:
    """Check one gzip JSON Lines file of a staged kind.

    `table` is the kind's table in `staging`, `path` a local file, `slice_` the slice all its rows
    must name. Checked are: that each line is a JSON object with the table's fields and no others,
    each of its column's type and length; that keys are there and unique; that rows fit COPY.

    Returns:
        The number of rows and the problems, each naming the field, how many rows have it, and one
        row by its key.
    """
    with _database().cursor() as database:
        try:
            database.execute(
                "CREATE TEMP TABLE line AS SELECT json, row_number() OVER () AS number "
                "FROM read_json_objects($path, format='newline_delimited', compression='gzip', "
                "maximum_object_size=$most)",
                {"path": path, "most": 4 * MAX_ROW_BYTES},
            )
        except duckdb.Error as error:
            return Checked(0, (f"not gzip JSON Lines: {_first_line(error)}",))
        rows = _one(database, "SELECT count(*) FROM line")
        problems = [*_shape_problems(database, table)]
        if rows and not problems:
            names = [column.name for column in table.columns]
            fields = ", ".join(f'json_extract(json, \'$."{name}"\') AS "{name}"' for name in names)
            database.execute(f"CREATE TEMP TABLE field AS SELECT {fields} FROM line")
            problems += _value_problems(database, table, slice_)
        return Checked(rows, tuple(problems))


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for all files: opening it takes longer than a small file does. Each file has a cursor of its own."""
    return duckdb.connect(":memory:")


def _shape_problems(database: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """Lines that are no objects or too long, fields that the table lacks or that the file lacks."""
    problems = []
    if strange := _one(database, "SELECT count(*) FROM line WHERE json_type(json) <> 'OBJECT'"):
        return [f"{strange} lines are not JSON objects"]
    if long := _one(database, f"SELECT count(*) FROM line WHERE strlen(json) > {MAX_ROW_BYTES}"):
        problems.append(f"{long} rows are longer than the {MAX_ROW_BYTES} bytes that COPY takes")
    found = database.execute(
        "SELECT name, count(*), (SELECT count(*) FROM line) "
        "FROM (SELECT unnest(json_keys(json)) AS name FROM line) GROUP BY name ORDER BY name"
    ).fetchall()
    declared = {column.name for column in table.columns}
    known = declared | FILE_ONLY.get(table.name, frozenset())
    problems += [
        f"field {name!r} is not a column ({count} rows)" for name, count, _ in found if name not in known
    ]
    complete = {name for name, count, rows in found if count == rows}
    if found:
        problems += [f"field {name!r} is missing in some rows" for name in sorted(declared - complete)]
    return problems


def _value_problems(database: duckdb.DuckDBPyConnection, table: Table, slice_: str) -> list[str]:
    keys = key_columns(table)
    row_name = " || ' ' || ".join(f"coalesce(\"{key}\" ->> '$', 'NULL')" for key in keys)
    conditions = _conditions(table, slice_)
    problems = []
    # One pass for all of them; which it is matters only where something is wrong.
    if _many(database, " OR ".join(f"({condition})" for condition, _ in conditions), row_name)[0]:
        for condition, words in conditions:
            count, example = _many(database, condition, row_name)
            if count:
                problems.append(f"{words} in {count} rows, such as {example}")
    twice = database.execute(
        f"SELECT count(*), min(name) FROM "
        f"(SELECT {row_name} AS name, count(*) AS n FROM field GROUP BY 1) WHERE n > 1"
    ).fetchone()
    if twice and twice[0]:
        problems.append(
            f"the key {', '.join(keys)} is not unique: {twice[0]} are there twice, such as {twice[1]}"
        )
    return problems


def _conditions(table: Table, slice_: str) -> list[tuple[str, str]]:
    """What no row may meet: SQL, and the words for it."""
    conditions = [(f"\"slice\" ->> '$' <> '{slice_}'", f"slice is not {slice_!r}")]
    for column in table.columns:
        name = f'"{column.name}"'
        missing = f"({name} IS NULL OR json_type({name}) = 'NULL')"
        wrong = f"NOT {missing} AND NOT coalesce({_fits(column.type, name)}, false)"
        conditions.append((wrong, f"{column.name} is not {_words(column.type)}"))
        if not column.nullable:
            conditions.append((missing, f"{column.name} is missing"))
    return conditions


def _fits(type_: TypeEngine[object], name: str) -> str:
    """SQL that is true where the JSON value `name` can become a value of this type."""
    text = f"({name} ->> '$')"
    is_text = f"json_type({name}) = 'VARCHAR'"
    match type_:
        case Super():
            return f"json_type({name}) IN ('ARRAY', 'OBJECT')"
        case String():
            return f"{is_text} AND strlen({text}) <= {type_.length}"
        case BigInteger():
            return _INT.format(c=name, sql="BIGINT")
        case Integer():
            return _INT.format(c=name, sql="INTEGER")
        case Double():
            return f"json_type({name}) IN ('DOUBLE', 'BIGINT', 'UBIGINT')"
        case Boolean():
            return f"json_type({name}) = 'BOOLEAN'"
        case DateTime():
            return f"{is_text} AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL"
        case Date():
            return f"{is_text} AND TRY_CAST({text} AS DATE) IS NOT NULL"
    raise TypeError(f"the gate does not know the type {type_!r}")


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


def _many(database: duckdb.DuckDBPyConnection, condition: str, row_name: str) -> tuple[int, str]:
    """How many rows meet the condition, and the name of the first of them."""
    found = database.execute(f"SELECT count(*), min({row_name}) FROM field WHERE {condition}").fetchone()
    assert found is not None
    return int(found[0]), str(found[1])


def _one(database: duckdb.DuckDBPyConnection, query: str) -> int:
    found = database.execute(query).fetchone()
    assert found is not None
    return int(found[0])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]

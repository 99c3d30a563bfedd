"""From the tables as they are to the tables as declared, without losing a row.

Here: what is to be done, as DDL for any engine. How an engine tells what it has, and in which
transaction the steps are taken, is in its own module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.schema import CreateSchema, CreateTable, DDLElement, SetColumnComment, SetTableComment
from sqlalchemy.types import TypeEngine

from music_assets.tables import FILLED, LOADS, METADATA, PUBLISHED, SCHEMAS
from music_assets.warehouse.errors import WarehouseError
from music_assets.warehouse.published import APPENDED

# Kinds with a table of refreshes beside them, `<kind>_refresh`.
REFRESHED = ("spotify_tracks", "spotify_artists")

# One type, several names: as declared, and as catalogues tell it.
_NAMES = {
    "character varying": "varchar",
    "double precision": "double",
    "timestamp without time zone": "timestamp",
}


@dataclass(frozen=True)
class ExistingColumn:
    """A column as it is in the warehouse: its type in the engine's words, and its comment."""

    type: str
    comment: str | None = None
    nullable: bool = True


@dataclass
class ExistingTable:
    """A table as it is in the warehouse."""

    comment: str | None = None
    columns: dict[str, ExistingColumn] = field(default_factory=dict)


def steps(
    existing: Mapping[str, ExistingTable], dialect: Dialect, type_name: Callable[[TypeEngine[Any]], str]
) -> list[str]:
    """The DDL from the existing tables to the declared ones: schemas, tables, columns, comments.

    `existing` has the tables by full name; `type_name` gives a declared type in the words of `existing`.

    Raises:
        WarehouseError: a column is there with another type, or one that may not be NULL is new or is no
            longer declared; the message says what to do.
    """
    todo: list[DDLElement | str] = []
    refused: list[str] = []
    missing = [table for table in METADATA.sorted_tables if table.fullname not in existing]
    schemas = {table.schema for table in missing}
    todo += [CreateSchema(schema, if_not_exists=True) for schema in SCHEMAS if schema in schemas]
    todo += [CreateTable(table) for table in missing]
    if LOADS.fullname in existing:  # what was in a table that is gone is not loaded any more
        gone = [table.name for table in missing if table.schema == "staging"]
        todo += [f"DELETE FROM {LOADS.fullname} WHERE \"table\" = '{name}'" for name in gone]
    for refresh in (METADATA.tables[f"staging.{name}_refresh"] for name in REFRESHED):
        before = existing.get(refresh.fullname.removesuffix("_refresh"))
        if refresh in missing and before is not None:
            todo += _move_days(refresh, before, dialect)
    altered = bool(missing)
    for table in METADATA.sorted_tables:
        there = existing.get(table.fullname, ExistingTable())
        if table not in missing:
            added = _new_columns(table, there, dialect, type_name, refused)
            todo += added
            altered = altered or bool(added)
            if added and table.schema == "staging" and LOADS.fullname in existing:
                # The staged files have what the new column lacks: their slices are to be loaded again.
                todo.append(f"UPDATE {LOADS.fullname} SET checksum = '' WHERE \"table\" = '{table.name}'")
        if table.comment != there.comment:
            todo.append(SetTableComment(table))
        todo += [
            SetColumnComment(column)
            for column in table.columns
            if column.name not in there.columns or there.columns[column.name].comment != column.comment
        ]
    if altered and FILLED.fullname in existing:  # no key says which rows are out of date by this
        todo.append(f"DELETE FROM {FILLED.fullname}")
    if refused:
        raise WarehouseError("\n".join(refused))
    return [str(step if isinstance(step, str) else step.compile(dialect=dialect)).strip() for step in todo]


def _move_days(refresh: Table, before: ExistingTable, dialect: Dialect) -> list[str]:
    """Move to the table of refreshes what an earlier version loaded by day among the partitions."""
    source, name = refresh.fullname.removesuffix("_refresh"), refresh.name.removesuffix("_refresh")
    quote = dialect.identifier_preparer.format_column
    columns = ", ".join(quote(column) for column in refresh.columns if column.name in before.columns)
    days = "slice LIKE '____-__-__'"
    return [
        f"INSERT INTO {refresh.fullname} ({columns}) SELECT {columns} FROM {source} WHERE {days}",
        f"DELETE FROM {source} WHERE {days}",
        f"UPDATE {LOADS.fullname} SET \"table\" = '{refresh.name}' WHERE \"table\" = '{name}' AND {days}",
    ]


def _new_columns(
    table: Table,
    there: ExistingTable,
    dialect: Dialect,
    type_name: Callable[[TypeEngine[Any]], str],
    refused: list[str],
) -> list[str]:
    """The columns to add; what cannot be done without losing rows goes to `refused`, in words."""
    todo = []
    for column in table.columns:
        before = there.columns.get(column.name)
        if before is None and not column.nullable:
            refused.append(f"{table.fullname} lacks {column.name}, which must not be NULL. {_advice(table)}")
        elif before is None:
            prepare = dialect.identifier_preparer
            todo.append(
                f"ALTER TABLE {prepare.format_table(table)} "
                f"ADD COLUMN {prepare.format_column(column)} {column.type.compile(dialect)}"
            )
        elif canonical(before.type) != canonical(type_name(column.type)):
            refused.append(
                f"{table.fullname}.{column.name} is {before.type} in the warehouse, and declared as "
                f"{type_name(column.type)}. {_advice(table)}"
            )
    for name, existing in there.columns.items():
        if name not in table.c and not existing.nullable:
            refused.append(
                f"{table.fullname} has a column {name} that must not be NULL and is declared no more. "
                f"{_advice(table)}"
            )
    return todo


def canonical(type_: str) -> str:
    """One spelling of a type's name: `character varying(22)` is `varchar(22)`."""
    words = type_.lower().strip()
    for long, short in _NAMES.items():
        words = words.replace(long, short)
    return re.sub(r"\s*\(\s*", "(", words)


def _advice(table: Table) -> str:
    """What to do about a table that cannot be changed in place: each but one can be filled again."""
    if table.fullname in APPENDED:
        return (
            "Its rows cannot all be made again: keep a copy of the table, run "
            f"`DROP TABLE {table.fullname};` in the warehouse, and insert them again after the next run."
        )
    again = "the next run fills it again" if table.fullname in PUBLISHED else "run all partitions again"
    return (
        f"All its rows can be made again: run `DROP TABLE {table.fullname};` in the warehouse, and {again}."
    )

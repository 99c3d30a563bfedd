"""The few SQL constructs that the two engines spell differently.

Here: constructs. The statements that use them are in `published`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.selectable import FromClause

from music_assets.tables import Super


class json_list(GenericFunction[Any]):
    """`json_list(text, order)`: the texts of a group as one list, in that order."""

    type = Super()
    inherit_cache = True


@compiles(json_list, "duckdb")
def _json_list_duckdb(element: json_list, compiler: SQLCompiler, **kw: Any) -> str:
    value, order = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"to_json(list({value} ORDER BY {order}))"


@compiles(json_list, "redshift")
def _json_list_redshift(element: json_list, compiler: SQLCompiler, **kw: Any) -> str:
    # Redshift aggregates to text alone; the unit separator occurs in no name.
    value, order = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"split_to_array(listagg({value}, chr(31)) WITHIN GROUP (ORDER BY {order}), chr(31))"


def first_by(source: FromClause, keys: list[str], order: list[ColumnElement[Any]]) -> Select[Any]:
    """The rows of `source`, one for each value of `keys`: the first in that order."""
    place = func.row_number().over(partition_by=[source.c[key] for key in keys], order_by=order)
    placed = select(*source.c, place.label("place_")).subquery()
    return select(*(placed.c[column.name] for column in source.c)).where(placed.c.place_ == 1)

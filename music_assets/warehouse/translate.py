"""SQL that is written once, in DuckDB's dialect, and given to each engine in its own.

Here: the translation. The statements are the files below `sql`, found by `published`; what is plainer as
SQLAlchemy (deleting, counting, checks) is compiled by its dialects instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from music_assets.tables import METADATA

if TYPE_CHECKING:
    from sqlglot import exp


class DuckDBQuery(TextClause):
    """A query in DuckDB's dialect over our tables, which compiles for the engine it is executed on."""

    inherit_cache = True


@compiles(DuckDBQuery)
def _compile(element: DuckDBQuery, compiler: SQLCompiler, **kw: Any) -> str:
    translated = translate(element.text, compiler.dialect.name)
    return str(compiler.process(text(translated.replace(":", r"\:")), **kw))


@cache
def translate(sql: str, engine: str) -> str:
    """A query in the dialect of `engine`, `duckdb` or `redshift`.

    Every `*` becomes the columns that are declared, in their order: a table may have others beside them.
    """
    from sqlglot import exp, transforms
    from sqlglot.optimizer.qualify import qualify

    schema: dict[str, Any] = {}
    for table in METADATA.tables.values():
        columns = {column.name: "unknown" for column in table.columns}
        schema.setdefault(table.schema or "", {})[table.name] = columns
    query: exp.Expr = qualify(_parsed(sql).copy(), schema=schema, dialect="duckdb")
    if engine == "redshift":
        query = query.transform(_as_redshift_has_it)
        for select in reversed(list(query.find_all(exp.Select))):  # the innermost first
            flat = transforms.eliminate_qualify(select.copy())
            query = flat if select is query else query
            select.replace(flat)
    return query.sql(dialect=engine, pretty=True, comments=False)


def with_tables(sql: str, queries: Mapping[str, str]) -> str:
    """A query in DuckDB's dialect, with queries in place of the tables they are named for."""
    from sqlglot import exp

    tree: exp.Expr = _parsed(sql).copy()
    for table in list(tree.find_all(exp.Table)):
        if replacement := queries.get(f"{table.db}.{table.name}"):
            table.replace(exp.Subquery(this=_parsed(replacement).copy(), alias=table.alias_or_name))
    return tree.sql(dialect="duckdb")


@cache
def _parsed(sql: str) -> exp.Expr:
    import sqlglot

    return sqlglot.parse_one(sql, dialect="duckdb")


def _as_redshift_has_it(node: exp.Expr) -> exp.Expr:
    """What sqlglot translates to something else than we want, or not at all."""
    from sqlglot import exp

    match node:
        case exp.DataType(this=exp.DType.TEXT):
            return exp.DataType.build("VARCHAR(256)", dialect="redshift")  # not the 64 KB of VARCHAR(MAX)
        case exp.Anonymous(this=name, expressions=[exp.ArrayAgg(this=exp.Order() as values)]) if (
            name.lower() == "to_json"
        ):
            # Texts in an order as a list: Redshift aggregates to text alone.
            # The unit separator, which is in no name; Redshift takes a constant alone.
            separator = exp.Literal.string("\x1f")
            joined = exp.func("listagg", values.this, separator.copy(), dialect="redshift")
            ordered = exp.WithinGroup(this=joined, expression=exp.Order(expressions=values.expressions))
            return exp.func("split_to_array", ordered, separator)
        case exp.Unnest(expressions=[exp.Cast(this=values)]):
            node.set("expressions", [values])  # a SUPER is a list without being told so
        case exp.JSONExtractScalar(this=value, expression=exp.JSONPath(expressions=[_, *keys])):
            names = [exp.to_identifier(key.this, quoted=True) for key in keys]
            text_ = exp.DataType.build("VARCHAR(4096)", dialect="redshift")
            return exp.Cast(this=exp.Dot.build([value.copy(), *names]) if names else value.copy(), to=text_)
    return node

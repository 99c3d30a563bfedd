"""The published tables: what readers see, by the query in `sql/<schema>/<table>.sql`.

They are in DuckDB's dialect; `translate` has Redshift's. Each gives its table's columns, in order.
Results depend on the rows alone, never on the order they were loaded in: where several slices saw one thing,
the newest answer wins, and ties go to the smallest slice.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Table, TextualSelect, column

from music_assets.tables import METADATA, PUBLISHED
from music_assets.warehouse.translate import DuckDBQuery, translate

# Tables that are added to: what was staged yesterday and is not today is part of them.
APPENDED = frozenset({"spotify.popularity_history", "listenbrainz.popularity_history"})


def query(name: str) -> TextualSelect:
    """The rows of the published table `name` (`<schema>.<table>`), for either engine."""
    columns = (column(one.name, one.type) for one in PUBLISHED[name].columns)
    return DuckDBQuery(sql(name)).columns(*columns)


def reads(name: str) -> list[Table]:
    """The tables that a published table is made from, by name: what Dagster shows as its inputs.

    By their names in the query: parsing it would make loading the definitions half a second slower.
    """
    text = re.sub("--.*", "", sql(name))
    return [
        table for full, table in sorted(METADATA.tables.items()) if re.search(rf"\b{re.escape(full)}\b", text)
    ]


def column_sources(name: str) -> dict[str, list[tuple[str, str]]]:
    """For each column of a published table the columns (table, column) that its values come from, by the
    query; none where it is counted or constant. What rows are joined or left out by does not count."""
    from sqlglot import exp
    from sqlglot.lineage import lineage

    whole = translate(sql(name), "duckdb")  # every column with its table
    return {
        column: sorted(
            {
                (f"{leaf.expression.db}.{leaf.expression.name}", exp.to_column(leaf.name).name)
                for leaf in node.walk()
                if isinstance(leaf.expression, exp.Table)
            }
        )
        for column, node in lineage(None, whole, {}, dialect="duckdb", trim_selects=False).items()
    }


@cache
def sql(name: str) -> str:
    """The query of a published table, as it is written."""
    return sql_file(name).read_text(encoding="utf-8")


def sql_file(name: str) -> Path:
    """The file of a published table's query."""
    schema, table = name.split(".")
    return Path(__file__).parent / "sql" / schema / f"{table}.sql"

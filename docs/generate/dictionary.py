"""docs/data_dictionary.md: every declared table and column.

All of it comes from `music_assets.tables`. Types are what SQLAlchemy compiles for either engine; the lines
of the diagram are the references that asset checks validate. No warehouse is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Column, Table
    from sqlalchemy.engine import Dialect

_INTRODUCTION = """\
# Data dictionary

Every table and column, with its type on either engine. This page is generated from `music_assets/tables/`:
change it there and run `make docs`.

- **Unit, range**: what the values are measured in, and what they can be; NULL is outside of any range.
- **NULL when**: why a row has no value there. "never" is what this project promises for the rows it writes.
- **Of**: whose value it is, and whose terms apply to it ([terms.md](terms.md)). Rows with the
  source `sandbox` are invented.
{terms}
- A key column is in **bold**. `SUPER` (Redshift) and `JSON` (DuckDB) hold lists and maps.
"""


def data_dictionary() -> str:
    """The whole page."""
    from music_assets.tables import CHANGES, FILLED, LOADS, PUBLISHED, STAGED, STAGED_BY_DAY
    from music_assets.tables.terms import TERMS

    sections = (
        ("Tables to query", "Brought up to date at the end of a run, in this order.", PUBLISHED.values()),
        (
            "Staging, as landed",
            "One table per staged kind. `slice` is the partition, or the day of the refresh, that a row came "
            "in with. Not for readers.",
            {**STAGED, **STAGED_BY_DAY}.values(),
        ),
        (
            "Bookkeeping",
            "Which file each slice was loaded from, and what is out of date.",
            (LOADS, CHANGES, FILLED),
        ),
    )
    parts = [
        _INTRODUCTION.format(terms="\n".join(f"  - `{of}`: {terms.summary}" for of, terms in TERMS.items())),
        "## How the tables relate\n",
        "\n".join(_diagram()),
        "A line is a reference that an asset check validates in every run.\n",
    ]
    for title, about, tables in sections:
        parts += [f"## {title}\n", about + "\n", *(_table(table) for table in tables)]
    return "\n".join(parts)


def _diagram() -> Iterator[str]:
    """The published tables and what refers to what, as a Mermaid entity-relationship diagram."""
    from music_assets.defs.checks import REFERENCES
    from music_assets.tables import PUBLISHED, key_columns

    def entity(name: str) -> str:
        return name.replace(".", "_")

    yield from ("```mermaid", "erDiagram")
    for name, table in PUBLISHED.items():
        yield f'    {entity(name)}["{name}"] {{'
        keys = key_columns(table)
        references = {column for one, column, _, _ in REFERENCES if one == name}
        for column in table.columns:
            marks = ["PK"] * (column.name in keys) + ["FK"] * (column.name in references)
            if marks:
                yield f"        {type(column.type).__name__.lower()} {column.name} {', '.join(marks)}"
        yield "    }"
    for one, field, other, other_field in REFERENCES:
        # Every row of the one has at most one row of the other: that is its key.
        optional = "o|" if PUBLISHED[one].c[field].nullable else "||"
        many = "||" if key_columns(PUBLISHED[one]) == [field] else "}o"
        label = field if field == other_field else f"{field} = {other_field}"
        yield f'    {entity(one)} {many}--{optional} {entity(other)} : "{label}"'
    yield from ("```", "")


def _table(table: Table) -> str:
    from duckdb_engine import Dialect as DuckDBDialect
    from sqlalchemy_redshift.dialect import RedshiftDialect_redshift_connector as RedshiftDialect

    from music_assets.tables import key_columns

    keys = ", ".join(f"`{name}`" for name in key_columns(table))
    options = table.dialect_options["redshift"]
    nodes = f"Distributed by `{options['distkey']}`" if options["distkey"] else "On every node"
    dialects = (RedshiftDialect(), DuckDBDialect())
    rows = [
        f"### {table.fullname}\n",
        f"{table.comment} Key: {keys}. {nodes}, sorted by `{options['sortkey']}` on Redshift.\n",
        "| column | meaning | range | NULL when | Redshift | DuckDB | of |",
        "|---|---|---|---|---|---|---|",
        *(_row(column, dialects) for column in table.columns),
    ]
    return "\n".join(rows) + "\n"


def _row(column: Column[Any], dialects: tuple[Dialect, ...]) -> str:
    info = column.info
    cells = [
        f"**`{column.name}`**" if info["key"] else f"`{column.name}`",
        column.comment or "",
        _range(info["low"], info["high"]),
        info["null"],
        *(str(column.type.compile(dialect=dialect)) for dialect in dialects),
        info["source"],
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"{low:g} or more"
    return "" if high is None else f"{high:g} or less"

"""The data dictionary: every table and column that is declared, as a page of Markdown.

All of it comes from `music_assets.tables`; types are what SQLAlchemy makes of them for either engine, and the
lines of the diagram are the references that asset checks hold. Nothing is opened.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.engine import Dialect

from music_assets.tables import (
    LOADS,
    MSD,
    OURS,
    PUBLISHED,
    SPOTIFY,
    STAGED,
    STAGED_BY_DAY,
    key_columns,
)

PATH = "docs/data_dictionary.md"

_INTRODUCTION = """\
# Data dictionary

Every table and column, with its type on either engine. This page is generated from `music_assets/tables`:
change it there and run `music-assets dictionary`.

- **Unit, range**: what the values are measured in, and where they lie; NULL is outside of any range.
- **NULL when**: why a row has no value there. "never" is what this project promises of the rows it makes.
- **Of**: whose value it is, and whose terms it stands under:
  - `{msd}`: the Million Song Dataset, from the Echo Nest and MusicBrainz: research, non-commercial; cite
    Bertin-Mahieux, Ellis, Whitman and Lamere, ISMIR 2011 (`CITATION.cff`).
  - `{spotify}`: Spotify's Developer Terms and Policy (15 May 2025): no database beyond what the app needs,
    none kept without end, no training of models on it. Each such row says where its values come from
    (`source`), most of them when (`fetched_at`). Rows with the source `sandbox` are invented.
  - `{ours}`: made by this project from both; MIT, as the code.
- A key column is in **bold**. `SUPER` (Redshift) and `JSON` (DuckDB) hold lists and maps.

Types are what the declarations compile to on either engine.
"""

_SECTIONS = (
    ("Tables to query", "Replaced as a whole at the end of a run, in this order.", PUBLISHED.values()),
    (
        "Staging, as landed",
        "One table a staged kind. `slice` tells which partition, or the refresh of which day, a row came "
        "with. Not for readers.",
        {**STAGED, **STAGED_BY_DAY}.values(),
    ),
    ("Bookkeeping", "Which file each slice was loaded from.", (LOADS,)),
)


def data_dictionary() -> str:
    """The whole page."""
    parts = [
        _INTRODUCTION.format(msd=MSD, spotify=SPOTIFY, ours=OURS),
        "## How the tables hang together\n",
        _diagram(),
        "A line is a reference that an asset check holds in every run.\n",
    ]
    for title, about, tables in _SECTIONS:
        parts += [f"## {title}\n", about + "\n", *(_table(table) for table in tables)]
    return "\n".join(parts)


def _diagram() -> str:
    """The published tables and what refers to what, as a Mermaid entity-relationship diagram."""
    from music_assets.defs.checks import REFERENCES  # imports dagster

    lines = ["```mermaid", "erDiagram"]
    for name, table in PUBLISHED.items():
        lines.append(f'    {_entity(name)}["{name}"] {{')
        keys = key_columns(table)
        refers = {column for one, column, _, _ in REFERENCES if one == name}
        for column in table.columns:
            if column.name in keys or column.name in refers:
                marks = ["PK"] * (column.name in keys) + ["FK"] * (column.name in refers)
                lines.append(f"        {_mermaid_type(column)} {column.name} {', '.join(marks)}")
        lines.append("    }")
    for one, field, other, other_field in REFERENCES:
        # Every row of the one has at most one row of the other: that is its key.
        optional = "o|" if PUBLISHED[one].c[field].nullable else "||"
        many = "||" if key_columns(PUBLISHED[one]) == [field] else "}o"
        label = field if field == other_field else f"{field} = {other_field}"
        lines.append(f'    {_entity(one)} {many}--{optional} {_entity(other)} : "{label}"')
    return "\n".join([*lines, "```", ""])


def _table(table: Table) -> str:
    keys = ", ".join(f"`{name}`" for name in key_columns(table))
    key = table.dialect_options["redshift"]["distkey"]
    place = f"{f'Distributed by `{key}`' if key else 'On every node'}, sorted by "
    place += f"`{table.dialect_options['redshift']['sortkey']}` on Redshift."
    rows = [
        f"### {table.fullname}\n",
        f"{table.comment} Key: {keys}. {place}\n",
        "| column | meaning | unit | range | NULL when | Redshift | DuckDB | of |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(column) for column in table.columns),
    ]
    return "\n".join(rows) + "\n"


def _row(column: Column[Any]) -> str:
    name = f"**`{column.name}`**" if column.info["key"] else f"`{column.name}`"
    cells = [
        name,
        column.comment or "",
        column.info["unit"] or "",
        _range(column.info["low"], column.info["high"]),
        column.info["null"],
        _type(column, _redshift()),
        _type(column, _duckdb()),
        column.info["source"],
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"{low:g} or more"
    return "" if high is None else f"{high:g} or less"


def _type(column: Column[Any], dialect: Dialect) -> str:
    return str(column.type.compile(dialect=dialect))


def _redshift() -> Dialect:
    from sqlalchemy_redshift.dialect import RedshiftDialect_redshift_connector

    dialect: Dialect = RedshiftDialect_redshift_connector()
    return dialect


def _duckdb() -> Dialect:
    from duckdb_engine import Dialect as DuckDBDialect

    dialect: Dialect = DuckDBDialect()
    return dialect


def _entity(name: str) -> str:
    return name.replace(".", "_")


def _mermaid_type(column: Column[Any]) -> str:
    return type(column.type).__name__.lower()

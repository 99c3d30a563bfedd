"""`music-assets query`: SQL on the published copy, for those without a DuckDB shell.

It imports DuckDB and the settings alone, so that it answers in well under a second.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import click
import duckdb
import orjson
from rich.box import SQUARE
from rich.table import Table

from music_assets.cli import EXIT_INTERRUPTED, CommandError, data_option
from music_assets.cli.console import UNFOLDED, Console, counted, printable
from music_assets.settings import Settings

# What has rows and changes nothing; MULTI is what DuckDB makes of a PIVOT.
_QUERIES = {getattr(duckdb.StatementType, name) for name in ("SELECT", "EXPLAIN", "PRAGMA", "CALL", "MULTI")}
_NO_SQL = "There is no SQL to run: give a statement, or name a file of it with --file."
_ALL = 1 << 30  # rows or characters: no limit
_READABLE, _USUAL = 8, 20  # characters: the least width of a column that says something, and DuckDB's own
# What people type to look around, with the comments that DuckDB's own statements leave out.
_SHOW_TABLES = re.compile(r"\s*show\s+(?:all\s+)?tables\s*;?\s*", re.IGNORECASE)
_TABLES = """
    SELECT schema_name || '.' || table_name AS "table", estimated_size AS rows, comment
    FROM duckdb_tables()
    WHERE database_name = current_database() AND schema_name NOT IN ('staging', 'meta')
    ORDER BY ALL
"""
_DESCRIBE = re.compile(r"\s*(?:describe|desc|show)\s+(?:table\s+)?(\w+)\.(\w+)\s*;?\s*", re.IGNORECASE)
_COLUMNS = """
    SELECT column_name AS "column", data_type AS type, comment
    FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = lower('{}') AND table_name = lower('{}')
    ORDER BY column_index
"""
# The same of Redshift (https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLES.html).
_REDSHIFT_TABLES = """
    SELECT table_schema || '.' || table_name AS "table", remarks AS comment
    FROM svv_tables WHERE table_schema IN ('msd', 'spotify', 'mapped', 'analytics', 'musicbrainz',
        'listenbrainz', 'acousticbrainz', 'companion') ORDER BY 1
"""
_REDSHIFT_COLUMNS = """
    SELECT column_name AS "column", data_type AS type, remarks AS comment
    FROM svv_columns WHERE table_schema = lower('{}') AND table_name = lower('{}') ORDER BY ordinal_position
"""


@click.command()
@click.argument("sql", required=False)
@click.option(
    "--file", metavar="FILE", type=click.File(), help="Read the SQL from a file; - is standard input."
)
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV, with a header.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON: an array with one object per row.")
@click.option("--parquet", metavar="FILE", help="Write the rows to a Parquet file.")
@click.option("--all", "everything", is_flag=True, help="Show every row and column, however many.")
@data_option
def query(
    sql: str | None,
    file: Any,
    as_csv: bool,
    as_json: bool,
    parquet: str | None,
    everything: bool,
    data: str | None,
) -> None:
    """Query the published tables: of a local run, read only, or of a shared warehouse, in its own SQL.

    SHOW TABLES lists them, DESCRIBE <table> their columns, each with what it holds and its unit. Without SQL
    and --file it is read from standard input.

    \b
    Examples:
      music-assets query "SHOW TABLES"
      music-assets query "DESCRIBE analytics.songs"
      music-assets query "SELECT title, match_score FROM analytics.songs"
      music-assets query --csv "FROM analytics.songs" > songs.csv
      music-assets query --parquet songs.parquet --file paper.sql
    """
    if (sql is not None) + (file is not None) > 1 or as_csv + as_json + (parquet is not None) > 1:
        raise CommandError("Give one statement (SQL or --file) and one form (--csv, --json or --parquet).")
    if sql in (None, "-"):
        sql = str((file or sys.stdin).read())
    if not sql.strip():
        raise CommandError(_NO_SQL)
    settings = Settings.from_environment(data=data)
    published = settings.published
    shared = settings.warehouse.startswith("redshift")
    if not shared and not published.exists():
        raise CommandError(
            f"There is no {published}. Run `music-assets run` first, or name its folder with --data."
        )
    try:
        with duckdb.connect() if shared else duckdb.connect(str(published), read_only=True) as database:
            listing = True
            if _SHOW_TABLES.fullmatch(sql):
                sql = _REDSHIFT_TABLES if shared else _TABLES
            elif table := _DESCRIBE.fullmatch(sql):
                sql = (_REDSHIFT_COLUMNS if shared else _COLUMNS).format(*table.groups())
            else:
                listing = False
            if not shared:
                _check_is_query(sql, database)
            result = _of_warehouse(sql, settings.warehouse, database) if shared else database.sql(sql)
            if result is None:
                return
            if parquet:
                write = partial(_write_parquet, result, parquet)
            elif as_csv:
                write = partial(_write_csv, result)
            elif as_json:
                write = partial(_write_json, result)
            elif listing:
                write = partial(_write_listing, result)
            else:
                write = partial(_write_table, result, everything)
            _interruptible(write, database)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except duckdb.Error as error:
        raise CommandError(str(error)) from None


def _interruptible(write: Callable[[], None], database: duckdb.DuckDBPyConnection) -> None:
    """Do it in another thread, and end its query on Ctrl-C, which DuckDB does not always notice by itself."""
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        try:
            written.result()
        except KeyboardInterrupt:
            while not written.done():  # one that comes before the query begins is lost
                database.interrupt()
                time.sleep(0.05)
            raise


def _check_is_query(sql: str, database: duckdb.DuckDBPyConnection) -> None:
    """Refuse what DuckDB runs beside queries: of several statements it shows the last, and COPY writes files.

    Raises:
        CommandError: it is no single query.
    """
    statements = database.extract_statements(sql)
    if not statements:
        raise CommandError(_NO_SQL)
    if len(statements) > 1:
        raise CommandError(f"These are {len(statements)} statements: give one at a time.")
    if statements[0].type not in _QUERIES:
        raise CommandError(
            "This is not a query, and the tables are read-only here. --csv, --json and --parquet FILE write "
            "the rows of a query."
        )


def _of_warehouse(sql: str, url: str, database: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation | None:
    """What a shared warehouse answers; nothing that a statement changes there is committed."""
    import pandas as pd
    from sqlalchemy import text

    from music_assets.lookup import LookupFailed, reading

    try:
        with reading(url) as (connection, _):
            # Through SQLAlchemy, as the driver takes a bare % for a parameter.
            result = connection.execute(text(sql.replace(":", r"\:")))
            if not result.returns_rows:
                return None
            frame = pd.DataFrame([tuple(row) for row in result], columns=list(result.keys()))
            return database.from_df(frame)
    except LookupFailed as error:
        raise CommandError(str(error)) from None


def _write_parquet(rows: duckdb.DuckDBPyRelation, file: str) -> None:
    rows.write_parquet(str(Path(file).absolute()))
    count = duckdb.read_parquet(str(Path(file).absolute())).shape[0]
    click.echo(printable(f"{counted(count, 'row')} in {file}."), err=True)


def _write_table(rows: duckdb.DuckDBPyRelation, everything: bool) -> None:
    """The box that DuckDB draws, as wide as the terminal; its first and last rows unless all are wanted."""
    drawn = io.StringIO()
    width = _ALL if everything else shutil.get_terminal_size((110, 24)).columns
    most = _ALL if everything else None
    # DuckDB leaves columns out before it makes others narrower than this, and then fills the width.
    share = (width - 1) // len(rows.columns) - 3
    narrow = share if _READABLE <= share < _USUAL else most
    with redirect_stdout(drawn):
        rows.show(max_width=width, max_rows=most, max_col_width=narrow)
    box, corner, footer = drawn.getvalue().rpartition("┘")
    click.echo(printable(box + corner + re.sub(r"\b1 (row|column)s", r"1 \1 ", footer)), nl=False)


def _write_listing(rows: duckdb.DuckDBPyRelation) -> None:
    """All of a few short columns and a comment, which is folded to the terminal; in a file one line a row."""
    table = Table(box=SQUARE)
    for name in rows.columns:
        table.add_column(name, justify="right" if name == "rows" else "left", no_wrap=name != "comment")
    for row in rows.fetchall():
        table.add_row(*("" if value is None else str(value) for value in row))
    Console(width=shutil.get_terminal_size((UNFOLDED, 24)).columns).print(table)


def _write_csv(rows: duckdb.DuckDBPyRelation) -> None:
    """RFC 4180, with NULL as nothing and lists as JSON; truth values and times as in an export."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(_shown, rows.columns))
    for row in rows.iter_rows():
        writer.writerow([_shown(_as_exported(value)) for value in row])


def _as_exported(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return _json(value) if isinstance(value, list | dict | bool) else value


def _write_json(rows: duckdb.DuckDBPyRelation) -> None:
    names, are_json = rows.columns, [str(type_) == "JSON" for type_ in rows.types]
    before = "["
    for row in rows.iter_rows():
        values = [
            orjson.loads(value) if is_json and value else value
            for value, is_json in zip(row, are_json, strict=True)
        ]
        sys.stdout.write(f"{before}{_shown(_json(dict(zip(names, values, strict=True))))}")
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[" else "]\n")


def _json(value: Any) -> str:
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> float | str:
    """What JSON has no form for: a number of SUM or a DECIMAL, else its text."""
    return float(value) if isinstance(value, Decimal) else str(value)


def _shown(value: Any) -> Any:
    """A value as it is for a file or a program, printable for a terminal."""
    return printable(value) if isinstance(value, str) and sys.stdout.isatty() else value

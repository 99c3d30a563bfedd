"""The report's queries give the same on every engine."""

from __future__ import annotations

import json

import pandas as pd
from pandas.testing import assert_frame_equal
from sqlalchemy import make_url

from music_assets.report.page import Report
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.redshift import RedshiftWarehouse
from music_assets_tests.support.published_rows import insert_rows, published_rows
from music_assets_tests.support.staged_rows import Place
from music_assets_tests.support.standin import Standin


def test_redshift_gives_the_figures_of_duckdb(
    duckdb_place: Place[DuckDBWarehouse],
    redshift_place: Place[RedshiftWarehouse],
    with_tables: str,
    standin: Standin,
) -> None:
    rows = published_rows(200)
    with duckdb_place.warehouse.transaction("testing") as connection:
        insert_rows(connection, rows)
        one = Report.read(connection)
    standin.as_postgres(f"\\c {make_url(with_tables).database}\n{inserts(rows)}")
    with redshift_place.warehouse.transaction("testing") as connection:
        other = Report.read(connection)
    for expected, found in zip(one.figures(), other.figures(), strict=True):
        assert len(expected.frame) > 1, expected.figure.name
        assert_frame_equal(plain(found.frame), plain(expected.frame), rtol=1e-9, check_dtype=False)
        assert found.correlation == expected.correlation
    assert {terms: rows.to_dict("records") for terms, rows in other.missing.items()} == {
        terms: rows.to_dict("records") for terms, rows in one.missing.items()
    }
    assert_frame_equal(plain(other.freshness), plain(one.freshness), check_dtype=False)
    assert "No values." not in other.html()


def inserts(frames: dict[str, pd.DataFrame]) -> str:
    """The rows for the stand-in's PostgreSQL, past what Redshift would take a COPY for."""
    statements = []
    for name, frame in frames.items():
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        lists = [column for column in ("match_reasons", "terms", "genres") if column in frame]
        for row in rows:
            row |= {column: json.loads(row[column]) for column in lists if row[column]}
        text = json.dumps(rows, default=lambda value: value.item() if hasattr(value, "item") else str(value))
        statements.append(
            f"INSERT INTO {name} SELECT * FROM jsonb_populate_recordset(NULL::{name}, $rows${text}$rows$);"
        )
    return "\n".join(statements)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Engines sort texts of other letters each in their way, and give their own kinds of numbers."""
    numbers = frame.apply(lambda column: pd.to_numeric(column) if column.map(_is_number).all() else column)
    return numbers.sort_values(list(numbers.columns), ignore_index=True)


def _is_number(value: object) -> bool:
    return value is None or (hasattr(value, "__float__") and not isinstance(value, str))

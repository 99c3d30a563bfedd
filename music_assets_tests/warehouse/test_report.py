"""The report's queries give the same on every engine."""

from __future__ import annotations

import pandas as pd
from pandas.testing import assert_frame_equal

from music_assets.report.page import Report
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.redshift import RedshiftWarehouse
from music_assets_tests.support.published_rows import insert_rows, published_rows
from music_assets_tests.support.staged_rows import Place


def test_redshift_gives_the_figures_of_duckdb(
    duckdb_place: Place[DuckDBWarehouse], redshift_place: Place[RedshiftWarehouse]
) -> None:
    one, other = read(duckdb_place.warehouse), read(redshift_place.warehouse)
    for expected, found in zip(one.figures(), other.figures(), strict=True):
        assert len(expected.frame) > 1, expected.figure.name
        assert_frame_equal(plain(found.frame), plain(expected.frame), rtol=1e-9, check_dtype=False)
        assert found.correlation == expected.correlation
    assert {terms: rows.to_dict("records") for terms, rows in other.missing.items()} == {
        terms: rows.to_dict("records") for terms, rows in one.missing.items()
    }
    assert_frame_equal(plain(other.freshness), plain(one.freshness), check_dtype=False)
    assert "No values." not in other.html()


def read(warehouse: Warehouse) -> Report:
    with warehouse.transaction("testing") as connection:
        insert_rows(connection, published_rows(200))
        return Report.read(connection)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Engines sort texts of other letters each in their way, and give their own kinds of numbers."""
    numbers = frame.apply(lambda column: pd.to_numeric(column) if column.map(_is_number).all() else column)
    return numbers.sort_values(list(numbers.columns), ignore_index=True)


def _is_number(value: object) -> bool:
    return value is None or (hasattr(value, "__float__") and not isinstance(value, str))

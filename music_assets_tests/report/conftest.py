"""A report of 10,000 made-up songs, and the rows it is of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from music_assets.report.page import Report
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets_tests.support.published_rows import insert_rows, published_rows


@dataclass(frozen=True)
class Made:
    warehouse: Path
    rows: dict[str, pd.DataFrame]
    report: Report
    html: str

    @property
    def songs(self) -> pd.DataFrame:
        """Of `analytics.songs`; NULL is None."""
        frame = self.rows["analytics.songs"].astype(object)
        return frame.where(frame.notna(), None)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("report")
    warehouse = DuckDBWarehouse(folder / "w.duckdb", folder / "published.duckdb")
    rows = published_rows(10_000)
    with warehouse.transaction("testing") as connection:
        insert_rows(connection, rows)
        report = Report.read(connection)
    return Made(folder / "w.duckdb", rows, report, report.html())

"""The documented query exports open columns alone, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from music_assets.tables import CC0, MSD, PUBLISHED

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_query_gives_what_is_the_msds_or_cc0_and_nothing_else(tmp_path: Path) -> None:
    (sql,) = re.findall(r"```sql\n(COPY .*?open_songs.*?)```", OPERATIONS.read_text(), re.DOTALL)
    table = PUBLISHED["analytics.songs"]
    exported = tmp_path / "open_songs.parquet"
    with duckdb.connect() as database:
        database.execute("CREATE SCHEMA analytics")
        columns = ", ".join(f'"{column.name}" VARCHAR' for column in table.columns)
        database.execute(f"CREATE TABLE analytics.songs ({columns})")
        database.execute(sql.replace("open_songs.parquet", str(exported)))
        found = [row[0] for row in database.execute(f"DESCRIBE FROM '{exported}'").fetchall()]
    assert found == [column.name for column in table.columns if column.info["source"] in (MSD, CC0)]

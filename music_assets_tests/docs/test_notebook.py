"""The notebook of docs/: it runs on filled tables, from ids to a figure, and is kept without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets_tests.support.published_rows import insert_rows, published_rows

NOTEBOOK = Path(__file__).parents[2] / "docs" / "from_ids_to_a_figure.ipynb"


def test_it_runs_from_ids_to_a_figure(tmp_path: Path) -> None:
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    published = tmp_path / "published" / "music_assets.duckdb"
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", published)
    with warehouse.transaction("testing") as connection:
        insert_rows(connection, published_rows(300))
    warehouse.publish()
    code = "\n".join(
        [*("".join(cell["source"]) for cell in cells), "print('found:', has_value['found'].mean())"]
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "MUSIC_ASSETS_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "bertinmahieux2011" in ran.stdout
    drawn = (tmp_path / "figure.svg").read_text("utf-8")
    assert "song_hotttnesss, 2010" in drawn
    assert "of 200 songs" in drawn
    assert "found: 0.0" in ran.stdout, "the made-up ids are none of the MSD's, so that none is found"

"""The report's asset: its page, what it shows in the UI, and what loading it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dagster import MetadataValue, TableMetadataValue, materialize

from music_assets.defs.assets.report import report
from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets_tests.support.published_rows import insert_rows, published_rows


def made(folder: Path, songs: int) -> tuple[str, dict[str, MetadataValue]]:
    """The page and the metadata of a report of so many made-up songs."""
    settings = Settings.from_environment(data=str(folder))
    used = {name: resources(settings)[name] for name in ("ledger", "report_page", "warehouse")}
    with used["warehouse"].open().transaction("testing") as connection:
        insert_rows(connection, published_rows(songs) if songs else {})
    result = materialize([report], resources=used, selection=[report])
    assert result.success
    (event,) = result.asset_materializations_for_node("report")
    return settings.report.read_text("utf-8"), dict(event.metadata)


def test_an_empty_warehouse_has_a_page_too(tmp_path: Path) -> None:
    page, metadata = made(tmp_path, 0)
    assert "0 MSD songs" in page
    assert metadata["statuses"].value == "No songs."


def test_the_ui_shows_main_figures_and_their_numbers(tmp_path: Path) -> None:
    page, metadata = made(tmp_path, 300)
    assert "300 MSD songs" in page
    statuses = metadata["statuses"]
    assert isinstance(statuses, TableMetadataValue)
    counts = {row.data["status"]: row.data["songs"] for row in statuses.records}
    assert sum(counts.values()) == 300  # type: ignore[arg-type]
    assert {f"songs_{status}": count for status, count in counts.items()} == {
        name: value.value for name, value in metadata.items() if name.startswith("songs_")
    }
    assert str(metadata["figures"].value).count("data:image/svg+xml;base64,") == 4
    assert len(str(metadata["figures"].value)) < 200_000
    assert "| letter | directories | songs |" in str(metadata["directories"].value)
    assert metadata["new_songs"].value == 300
    # Dagster's history outlives a purge.
    assert "indie pop" in page
    assert "indie pop" not in str(metadata)


def test_loading_the_definitions_does_not_load_what_draws() -> None:
    code = (
        "import sys, music_assets.definitions\n"
        "assert not {'altair', 'vl_convert', 'music_assets.report.page'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

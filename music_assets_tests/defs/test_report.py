"""The report's asset: its page, and what it shows in the UI."""

from __future__ import annotations

from pathlib import Path

from dagster import materialize

from music_assets.defs.assets.report import report
from music_assets.defs.wiring import resources
from music_assets.settings import Settings


def test_an_empty_warehouse_has_a_page_too(tmp_path: Path) -> None:
    settings = Settings.from_environment(data=str(tmp_path))
    used = {name: resources(settings)[name] for name in ("warehouse", "report_page")}
    result = materialize([report], resources=used, selection=[report])
    assert result.success
    assert "0 MSD songs" in settings.report.read_text()

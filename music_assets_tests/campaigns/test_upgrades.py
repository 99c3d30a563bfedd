"""What earlier versions left is opened: ledger, staging area and warehouse, by a run and by each command.

The fixtures are written by `old_data.make`, from commits that people have worked with. What a version is
migrated to is in the packages' tests; here nothing that an old data folder holds is lost or requested again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import duckdb
import pytest

from music_assets.cli.job import run_job
from music_assets.settings import Settings
from music_assets_tests.campaigns.old_data.make import FOLDER
from music_assets_tests.campaigns.world import settings_for, tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIXTURES = sorted(FOLDER.glob("*.tar.xz"))


@pytest.fixture(params=FIXTURES, ids=lambda path: str(path.name)[:7])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    with tarfile.open(request.param) as tar:
        tar.extractall(tmp_path, filter="data")
    return settings_for(tmp_path / "data", "", msd=str(tmp_path / "msd"))


def warehouse_rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.data / "warehouse.duckdb"), read_only=True) as database:
        return database.execute(sql).fetchall()


MATCHES = "SELECT track_id, spotify_track_id, match_status FROM analytics.songs ORDER BY ALL"
SONGS = "SELECT track_id, title, artist_name, duration, year, msd_checksum FROM msd.songs ORDER BY ALL"


def test_a_run_goes_on_with_what_an_earlier_version_left(old: Settings) -> None:
    matches, songs = warehouse_rows(old, MATCHES), warehouse_rows(old, SONGS)
    assert len(songs) == 8 and len({row[1] for row in matches}) > 1
    summary = run_job(old)
    assert (summary.failed, summary.songs, summary.requests_spent) == ([], 8, 0)
    assert warehouse_rows(old, MATCHES) == matches and warehouse_rows(old, SONGS) == songs
    again = run_job(old)
    assert (again.failed, sum(again.requests.values())) == ([], 0)
    # As a run that begins now, over the same responses.
    fresh = old.model_copy(
        update={
            "data": old.data.parent / "fresh",
            "staging": str(old.data.parent / "fresh" / "staging"),
            "warehouse": f"duckdb:///{old.data.parent / 'fresh' / 'warehouse.duckdb'}",
        }
    )
    assert run_job(fresh).failed == []
    one, other = tables(old), tables(fresh)
    assert {name: len(rows) for name, rows in one.items()} == {
        name: len(rows) for name, rows in other.items()
    }
    assert one == other


@pytest.mark.parametrize(
    "command",
    [["status"], ["plan"], ["doctor", "--offline"], ["purge", "--dry-run"], ["purge", "--yes"]],
    ids=" ".join,
)
def test_every_command_takes_an_old_folder_before_the_first_run(old: Settings, command: list[str]) -> None:
    """It answers, or says in a sentence what to do; nothing of the folder is damaged."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSIC_ASSETS")}
    done = subprocess.run(
        [sys.executable, "-m", "music_assets.cli", *command],
        env={**environment, "MUSIC_ASSETS_MSD": str(old.msd), "MUSIC_ASSETS_DATA": str(old.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr and done.returncode in (0, 1), done.stderr + done.stdout
    if "--yes" not in command:
        assert run_job(old).requests_spent == 0

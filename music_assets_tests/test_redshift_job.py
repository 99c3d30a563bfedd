"""The main job with files on S3 and tables in Redshift gives the same rows as with a folder and DuckDB.

S3 and Redshift are played by `music_assets_tests.support.standin`: this shows that our statements give the
same rows by another engine's hands, not that a cluster would run them as fast.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from music_assets.cli.job import run_job
from music_assets.cli.summary import Summary
from music_assets.settings import Settings
from music_assets_tests.support.same_rows import assert_same_rows
from music_assets_tests.support.standin import Standin
from music_assets_tests.warehouse.statements import assert_redshifts

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def on_redshift(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of its own in the environment, where the password of a warehouse is read."""
    if "standin" in request.fixturenames:
        url = request.getfixturevalue("standin").new_database()
        monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", url)


def run_both(msd: Path, folder: Path, standin: Standin, spec: str | None) -> tuple[Summary, Summary]:
    """The main job over `msd`, here and there, and their tables compared."""
    # One ledger, so that both are told the same: the sandbox's answers have a time of day.
    here = Settings.from_environment({}, data=str(folder / "here"), msd=str(msd))
    first = run_job(here, spec)
    there = Settings.from_environment(
        {"MUSIC_ASSETS_LEDGER": here.ledger, "MUSIC_ASSETS_WAREHOUSE": os.environ["MUSIC_ASSETS_WAREHOUSE"]},
        data=str(folder / "there"),
        msd=str(msd),
        staging=f"s3://{standin.bucket}/{folder.name}",
        s3_endpoint=standin.s3_endpoint,
    )
    before = len(standin.statements)
    second = run_job(there, spec)
    assert (first.failed, second.failed) == ([], [])
    assert first.songs == second.songs > 0
    assert not (there.data / "staging").exists()
    assert_redshifts(standin.statements[before:])
    assert_same_rows(here, there)
    return first, second


@pytest.mark.slow
def test_the_real_files_give_the_same_tables(shared: Path, tmp_path: Path, standin: Standin) -> None:
    first, second = run_both(shared / "msd", tmp_path, standin, None)
    assert first.songs == 145
    assert second.tables == first.tables
    assert second.requests_spent == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_subset_gives_the_same_tables(shared: Path, tmp_path: Path, standin: Standin) -> None:
    msd = tmp_path / "msd"
    subprocess.run([sys.executable, BENCHMARKS / "subset.py", msd], check=True, capture_output=True)
    first, _ = run_both(msd, tmp_path, standin, None)
    assert first.songs == 10_000

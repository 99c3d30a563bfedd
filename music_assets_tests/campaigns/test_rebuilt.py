"""What can be computed again is, without a request, when a part of a data folder is lost or damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from music_assets.cli.job import run_job
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import Settings
from music_assets_tests.campaigns.world import settings_for, tables
from music_assets_tests.support.msd_songs import write_in_place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _remove(*names: str) -> Callable[[Path], None]:
    def remove(data: Path) -> None:
        found = [path for name in names for path in data.glob(name)]
        assert found, names
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def _cut(*names: str) -> Callable[[Path], None]:
    def cut(data: Path) -> None:
        found = [path for name in names for path in data.rglob(name) if path.is_file()]
        assert found, names
        for path in found:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return cut


LOSSES = {
    "the warehouse": _remove("warehouse.duckdb*"),
    "the staging area": _remove("staging"),
    "every second file's metadata": _remove("staging/*/A/B.receipt.json"),
    "Dagster's storage": _remove("dagster"),
    "the dumps and their indexes": _remove("sandbox/downloads", "indexes"),
    "all but the ledger": _remove("warehouse*", "published", "staging", "dagster", "sandbox", "indexes"),
    "the ends of staged files": _cut("*.json.gz"),
    "the ends of staged files' metadata": _cut("*.receipt.json"),
    "the ends of indexes": _cut("indexes/**/*.duckdb"),
    "the end of the summary": _cut("last_run.json"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("whole")
    write_in_place(folder / "msd", *sample_songs(("AA", "AB"), 12))
    settings = settings_for(folder / "data", "", msd=str(folder / "msd"))
    assert run_job(settings).failed == []
    return settings


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_is_rebuilt_without_a_request(loss: str, whole: Settings, tmp_path: Path) -> None:
    data = shutil.copytree(whole.data, tmp_path / "data")
    settings = settings_for(data, "", msd=str(whole.msd))
    LOSSES[loss](data)
    first = run_job(settings)
    # A file is found damaged where it is read, which may be after its stage: the next run computes it again.
    assert first.requests_spent == 0 and all("Run again: " in problem for problem in first.failed)
    summary = run_job(settings) if first.failed else first
    assert (summary.failed, summary.songs, summary.requests_spent) == ([], 12, 0)
    of_dumps = {"musicbrainz", "acousticbrainz", "echonest"}
    assert {name for name, sent in summary.requests.items() if sent} <= of_dumps
    assert tables(settings) == tables(whole)

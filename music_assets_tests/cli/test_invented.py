"""Invented rows never share tables with real ones: removed by a run on real data, refused beside it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import func, select

from music_assets.cli import CommandError
from music_assets.cli.job import run_job
from music_assets.cli.status import lines, read_status
from music_assets.cli.summary import Summary
from music_assets.defs.wiring import resources
from music_assets.settings import KEYLESS_SOURCES, Settings
from music_assets.sources.msd import read_msd
from music_assets.tables import LOADS, METADATA, PUBLISHED
from music_assets_tests.support.dumps import recording, write_canonical

# Spotify's API and the keyless sources are real, and none is requested.
REAL = {"spotify": "off", "skip_sources": ",".join(KEYLESS_SOURCES)}


def settings(data: Path, msd: Path | None = None, **more: str) -> Settings:
    return Settings.from_environment({}, data=str(data), msd=str(msd) if msd else None, **more)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What trying leaves: a partition of the generated sample, matched on the sandbox, refreshed on a day."""
    data = tmp_path_factory.mktemp("tried")
    assert run_job(settings(data), "AA", refresh=True).failed == []
    return data


@pytest.fixture
def data(tried: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tried, tmp_path / "data", ignore=shutil.ignore_patterns("dagster")))


def own_msd(tried: Path, folder: Path, *keys: str) -> Path:
    """Real songs, as far as this project can tell: those of other partitions of the sample."""
    for key in keys:
        shutil.copytree(tried / "sample_msd" / key[0] / key[1], folder / key[0] / key[1])
    return folder


def counts(data: Path) -> dict[str, int]:
    """Rows by table and origin: `<table> sandbox`, `<table> real`."""
    found = {}
    with resources(settings(data))["warehouse"].open().transaction("looking") as connection:
        for name, table in {**METADATA.tables, **PUBLISHED}.items():
            if "source" in table.c:
                for origin, which in {
                    "sandbox": table.c.source == "sandbox",
                    "real": table.c.source.not_in(("sandbox", "overrides")),
                }.items():
                    found[f"{name} {origin}"] = connection.execute(
                        select(func.count()).select_from(table).where(which)
                    ).scalar_one()
    return found


def content(data: Path) -> dict[str, str]:
    files = [*(data / "staging").rglob("*.json.gz"), data / "warehouse.duckdb"]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def run_for_real(data: Path, msd: Path, *partitions: str) -> Summary:
    return run_job(settings(data, msd, **REAL), *partitions)


def test_a_run_on_real_data_replaces_what_trying_left(tried: Path, data: Path, tmp_path: Path) -> None:
    assert counts(data)["spotify.popularity_history sandbox"] > 0
    assert counts(data)["staging.artist_releases sandbox"] > 0
    summary = run_for_real(data, own_msd(tried, tmp_path / "msd", "AC"))
    assert summary.failed == []
    assert summary.notes[0] == (
        "Removed the generated sample's songs and the sandbox's invented rows, which were there from trying."
    )
    assert not any("rows_are_kept" in note for note in summary.notes)
    assert {name for name, rows in counts(data).items() if rows and name.endswith("sandbox")} == set()
    assert slices(data) == {"AC"}
    assert not list((data / "staging").rglob("A/A.json.gz"))
    assert not any("Removed" in note for note in run_for_real(data, tmp_path / "msd").notes)  # once


@pytest.mark.slow
def test_of_ones_own_songs_the_sandboxs_rows_go_and_the_songs_stay(tried: Path, tmp_path: Path) -> None:
    """Also of partitions that the run on real data is not for."""
    data, msd = tmp_path / "data", own_msd(tried, tmp_path / "msd", "AB", "AC")
    assert run_job(settings(data, msd)).failed == []
    summary = run_for_real(data, msd, "AB")
    assert summary.failed == []
    assert summary.notes[0].startswith("Removed the sandbox's invented rows")
    assert {name for name, rows in counts(data).items() if rows and name.endswith("sandbox")} == set()
    assert slices(data) == {"AB", "AC"}


def slices(data: Path) -> set[Any]:
    with resources(settings(data))["warehouse"].open().transaction("looking") as connection:
        return {*connection.execute(select(LOADS.c.slice).where(LOADS.c.rows > 0)).scalars()}


@pytest.mark.slow
def test_the_sandbox_is_refused_where_rows_are_real(tried: Path, tmp_path: Path) -> None:
    data, msd = tmp_path / "data", own_msd(tried, tmp_path / "msd", "AC")
    songs, *_ = read_msd([msd])
    names = zip(songs["title"], songs["artist_name"], strict=True)
    dump = [recording(number, *name, credit=number) for number, name in enumerate(names)]
    write_canonical(tmp_path / "downloads" / "musicbrainz", dump)
    # The one source that is real without a request: a dump.
    others = ",".join(name for name in KEYLESS_SOURCES if name != "musicbrainz")
    real = settings(data, msd, spotify="off", skip_sources=others, downloads=str(tmp_path / "downloads"))
    assert run_job(real).failed == []
    assert counts(data)["staging.musicbrainz_recordings real"] > 0
    before = content(data)
    with pytest.raises(CommandError, match="the sandbox's invented rows never mix with them: set SPOTIPY_"):
        run_job(settings(data, msd))
    assert content(data) == before
    assert read_status(settings(data, msd)).refused and not read_status(real).refused


def test_status_says_that_a_run_on_the_sandbox_would_be_refused(data: Path) -> None:
    def spotify(**more: str) -> str:
        return dict(lines(read_status(settings(data, **more))))["Spotify"]

    assert spotify() == "sandbox (every value that is not the MSD's is invented)"
    with duckdb.connect(str(data / "published" / "music_assets.duckdb")) as published:
        published.execute("UPDATE mapped.recordings SET source = 'a dump'")
    assert spotify().startswith("sandbox, by which a run is refused: The tables hold rows of real sources")
    assert spotify(spotify="off") == "off"


def test_the_sample_is_refused_beside_ones_own_songs(tried: Path, tmp_path: Path) -> None:
    """Who forgets --msd does not get 400 invented songs among the million."""
    data, msd = tmp_path / "data", own_msd(tried, tmp_path / "msd", "AC")
    assert run_job(settings(data, msd)).failed == []
    # Ids that the sample does not have.
    with resources(settings(data))["warehouse"].open().transaction("renaming") as connection:
        songs = METADATA.tables["staging.msd_songs"]
        connection.execute(songs.update().values(track_id=func.replace(songs.c.track_id, "TRAC", "TRZZ")))
    before = content(data)
    with pytest.raises(CommandError, match="the generated sample never mixes with them: name that MSD"):
        run_job(settings(data))
    assert content(data) == before


@pytest.mark.slow
def test_a_killed_removal_is_finished_by_the_next_run(tried: Path, data: Path, tmp_path: Path) -> None:
    shutil.rmtree(data / "staging")  # as far as it came: files go first
    summary = run_for_real(data, own_msd(tried, tmp_path / "msd", "AC"))
    assert summary.failed == []
    assert {name for name, rows in counts(data).items() if rows and name.endswith("sandbox")} == set()

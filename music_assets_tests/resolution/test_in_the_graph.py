"""Every way to resolve songs, through the asset graph: what is spent, what is staged, what the tables say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from music_assets.cli.job import run_job
from music_assets.cli.main import cli
from music_assets.cli.summary import Summary
from music_assets.defs.wiring import opened_resources
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets.sources.ledger import open_ledger
from music_assets_tests.support.resolving import one_search_per_song

SONGS = 60


@pytest.fixture(scope="module")
def msd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("msd") / "msd", sample_songs(("AA", "AB"), SONGS))


def settings_for(folder: Path, msd: Path, **how: Any) -> Settings:
    return Settings.from_environment({}, data=str(folder), msd=str(msd), **how)


def ask(folder: Path, msd: Path, **how: Any) -> tuple[Summary, dict[str, tuple[Any, ...]]]:
    """A run, and each song's match: its Spotify track, question and reasons."""
    settings = settings_for(folder, msd, **how)
    summary = run_job(settings)
    assert summary.failed == []
    with duckdb.connect(str(settings.published), read_only=True) as database:
        rows = database.execute(
            "SELECT track_id, spotify_track_id, question, reasons::VARCHAR, source FROM mapped.songs "
            "WHERE accepted ORDER BY track_id"
        ).fetchall()
        orphans = database.execute(
            "SELECT count(*) FROM mapped.songs WHERE spotify_track_id NOT IN "
            "(SELECT spotify_track_id FROM spotify.tracks)"
        ).fetchone()
    assert orphans == (0,)
    return summary, {track_id: rest for track_id, *rest in rows}  # type: ignore[misc]


@pytest.mark.slow
def test_each_way_matches_the_same_songs(msd: Path, tmp_path: Path) -> None:
    alone = {"skip_sources": "labs,echonest,musicbrainz"}  # Spotify finds all by itself
    with one_search_per_song():
        searched, by_search = ask(tmp_path / "search", msd, **alone)
    released, by_release = ask(tmp_path / "release", msd, **alone)
    provided, by_id = ask(tmp_path / "ids", msd, spotify_mode="extended")
    assert searched.pending == released.pending == provided.pending == 0
    assert provided.requests_spent < released.requests_spent < searched.requests_spent
    for other in (by_release, by_id):
        assert len(by_search.keys() & other.keys()) >= 0.95 * len(by_search)
    assert any(match[1].startswith("listenbrainz ") for match in by_id.values())


@pytest.mark.slow
def test_the_archive_is_verified_and_saves_requests(msd: Path, tmp_path: Path) -> None:
    with one_search_per_song():
        searched, by_search = ask(tmp_path / "search", msd)
    summary, matches = ask(tmp_path / "data", msd, spotify_mode="extended")
    by_archive = [match for match in matches.values() if match[1].startswith("echonest ")]
    assert len(by_archive) > SONGS / 4 and summary.requests_spent < searched.requests_spent
    assert len(by_search.keys() & matches.keys()) >= 0.95 * len(by_search)


@pytest.mark.slow
def test_a_list_of_tracks_comes_first_when_the_budget_is_small(msd: Path, tmp_path: Path) -> None:
    wanted = sorted(song["track_id"] for song in sample_songs(("AA", "AB"), SONGS))[-5:]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(wanted))
    with one_search_per_song():
        how = {"tracks": str(listed), "skip_sources": "labs,echonest,musicbrainz"}
        summary, _ = ask(tmp_path / "data", msd, requests_per_day="8", **how)
    path = tmp_path / "data" / "ledger" / "sandbox.sqlite"
    with closing(open_ledger(path, source="sandbox")) as opened:
        assert opened.request_counts()["search"] == 8 and summary.pending >= SONGS - 8
    with sqlite3.connect(path) as ledger:
        asked = {id_ for (id_,) in ledger.execute("SELECT id FROM responses WHERE purpose = 'search'")}
    assert set(wanted) <= asked


@pytest.mark.slow
def test_an_artist_renamed_since_is_matched_by_the_songs_of_a_release_and_explained(tmp_path: Path) -> None:
    songs = [
        song for song in sample_songs(("AA", "AB"), 200) if song["artist_name"] == "Fjordlight Committee"
    ]
    msd = write_sample(tmp_path / "msd", songs)
    with opened_resources(settings_for(tmp_path / "data", msd)) as opened:
        catalogue = opened.sandbox.catalogue()
    with sqlite3.connect(catalogue) as database:  # where a search by the former name still finds the tracks
        database.execute("UPDATE artists SET name = 'Tidemark' WHERE name = 'Fjordlight Committee'")
    # The others know it by the former name still.
    _, matches = ask(tmp_path / "data", msd, skip_sources="labs,echonest,musicbrainz")
    assert len(matches) >= 3
    assert all("artist renamed, as the songs of the release show" in match[2] for match in matches.values())
    with duckdb.connect(str(settings_for(tmp_path / "data", msd).published), read_only=True) as tables:
        artists = tables.execute("SELECT spotify_artist_name FROM mapped.artists WHERE accepted").fetchall()
    assert artists == [("Tidemark",)]
    track_id = min(matches)
    explained = CliRunner(env={"COLUMNS": "240"}).invoke(
        cli, ["explain", track_id, "--data", str(tmp_path / "data")]
    )
    evidence = explained.output.partition("Evidence for")[2]
    assert "Tidemark" in evidence and "artist renamed, as the songs of the release show" in evidence

"""Whole runs while sources are at fault: the others go on, and the next run makes up for what is missing."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from music_assets.cli.job import run_job
from music_assets.cli.summary import Summary
from music_assets.defs.wiring import opened_resources
from music_assets.sandbox.keyless import SOURCES
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets_tests.campaigns.world import tables
from music_assets_tests.support.faults import NONSENSE, Faults
from music_assets_tests.support.sandbox import FaultySandbox, in_thread

# Ways to be at fault; a source that is slow is at no fault as long as it answers.
STATES: dict[str, dict[str, Any]] = {
    "down": {"broken_rate": 1, "broken": ("reset", "503")},
    "slow": {"latency": 0.05},
    "rate limited": {"broken_rate": 1, "broken": ("wait_a_day",)},
    "nonsense": {"broken_rate": 1, "broken": (*NONSENSE, "html", "empty")},
}
SPOTIFY = ("token", "search", "tracks", "albums", "artists", "audio-features")


@dataclass
class World:
    """A small MSD, its sandbox in this process, and what a run gives when nothing is at fault."""

    msd: Path
    sandbox: FaultySandbox
    url: str
    undisturbed: dict[str, Any]

    def settings(self, data: Path, **environment: str) -> Settings:
        given = {"MUSIC_ASSETS_SPOTIFY": "off", "MUSIC_ASSETS_SANDBOX_URL": self.url} | environment
        return Settings.from_environment(given, data=str(data), msd=str(self.msd))

    def run(self, settings: Settings) -> tuple[Summary, Counter[str]]:
        """A run, and the requests that reached the sandbox."""
        self.sandbox.requests.clear()
        summary = run_job(settings)
        return summary, Counter(self.sandbox.requests)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("sources")
    msd = write_sample(home / "msd", sample_songs(("AA", "AB"), 60))
    with opened_resources(Settings.from_environment({}, data=str(home / "made"), msd=str(msd))) as opened:
        sandbox = FaultySandbox(opened.sandbox.catalogue(), mode="development")
    with in_thread(sandbox) as address:
        made = World(msd, sandbox, address.base_url.removesuffix("/v1/"), {})
        settings = made.settings(home / "calm")
        summary, _ = made.run(settings)
        assert summary.failed == []
        made.undisturbed = tables(settings)
        yield made


@pytest.fixture(autouse=True)
def no_faults(world: World) -> Iterator[None]:
    yield
    world.sandbox.faults_of.clear()
    world.sandbox.other_faults = Faults()


def pauses_pass(settings: Settings) -> None:
    """As if the time had passed for which services asked to be left alone."""
    with sqlite3.connect(settings.ledger) as ledger:
        ledger.execute("DELETE FROM state WHERE name LIKE '%/pause'")


def filled(settings: Settings, column: str) -> float:
    """The share of the songs that have a value."""
    with duckdb.connect(str(settings.published), read_only=True) as database:
        (share,) = database.sql(f"SELECT count({column}) / count(*) FROM analytics.songs").fetchall()[0]
    return float(share)


def test_without_credentials_ids_popularity_and_features_arrive_and_spotify_gets_no_request(
    world: World, tmp_path: Path
) -> None:
    settings = world.settings(tmp_path / "data")
    summary, requests = world.run(settings)
    assert (summary.failed, summary.spotify, summary.requests_spent) == ([], "off", 0)
    assert not any(requests[kind] for kind in SPOTIFY)
    assert {"reccobeats", "listenbrainz", "labs"} <= requests.keys()
    shares = {
        "spotify_track_id": 0.5,  # by the archive and Labs, verified
        "recording_mbid": 0.65,
        "listen_count": 0.55,
        "acousticbrainz_tempo": 0.25,
        "spotify_danceability": 0.4,
        "match_probability": 0.5,
    }
    for column, share in shares.items():
        assert filled(settings, column) > share, column
    found = tables(settings)
    # A second run requests nothing of any service again, and opens no dump.
    again, requests = world.run(settings)
    assert again.failed == [] and not any(requests[kind] for kind in SOURCES)
    assert tables(settings) == found


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_with_every_source_at_fault_a_run_completes_and_the_next_makes_up_for_it(
    world: World, tmp_path: Path, state: str
) -> None:
    settings = world.settings(tmp_path / "data")
    world.sandbox.other_faults = Faults(**STATES[state])
    summary, requests = world.run(settings)
    assert summary.failed == [] and not any(requests[kind] for kind in SPOTIFY)
    assert len(tables(settings)["msd.songs"]) == 60
    if state != "slow":
        assert summary.notes, "what is missing is said"
    world.sandbox.other_faults = Faults()
    pauses_pass(settings)
    recovered, _ = world.run(settings)
    assert recovered.failed == []
    assert tables(settings) == world.undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "may_follow"),
    [("listenbrainz", set()), ("labs", {"reccobeats"}), ("reccobeats", {"labs"})],
)
def test_after_one_source_was_down_the_next_run_fetches_from_it_alone(
    world: World, tmp_path: Path, source: str, may_follow: set[str]
) -> None:
    """What Labs newly names is verified at ReccoBeats; what that does not know is looked up at Labs."""
    settings = world.settings(tmp_path / "data")
    world.sandbox.faults_of[source] = Faults(**STATES["down"])
    summary, _ = world.run(settings)
    assert summary.failed == [] and summary.notes
    world.sandbox.faults_of.clear()
    pauses_pass(settings)
    recovered, requests = world.run(settings)
    sent = {kind for kind in ("reccobeats", "listenbrainz", "labs") if requests[kind]}
    assert recovered.failed == [] and source in sent and sent <= {source} | may_follow
    assert tables(settings) == world.undisturbed


@pytest.mark.slow
def test_a_source_that_is_skipped_is_not_requested(world: World, tmp_path: Path) -> None:
    settings = world.settings(tmp_path / "data", MUSIC_ASSETS_SKIP_SOURCES=",".join(SOURCES))
    summary, requests = world.run(settings)
    assert summary.failed == [] and not requests
    assert len(tables(settings)["msd.songs"]) == 60
    assert (summary.pending, summary.no_candidates) == (60, 0)  # nobody was asked
    assert any("no source that knows its ids is in use" in note for note in summary.notes)
    with duckdb.connect(str(settings.published), read_only=True) as database:
        assert database.sql("SELECT DISTINCT match_status, fetched_at FROM analytics.songs").fetchall() == [
            ("pending", None)
        ]
    summary, _ = world.run(world.settings(tmp_path / "data"))
    assert summary.failed == [] and tables(settings) == world.undisturbed

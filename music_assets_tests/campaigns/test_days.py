"""A quota of 200 requests a day: nothing lost, nothing asked twice, however long it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance

from music_assets.cli.job import run_job
from music_assets.cli.summary import Summary
from music_assets.defs.resources import SpotifyResource
from music_assets.resolution import ResolutionOutcome, Resolver
from music_assets.settings import KEYLESS_SOURCES
from music_assets.sources.ledger import Key, Ledger, open_ledger
from music_assets.sources.spotify import SearchResult, SpotifyCatalog, catalog, queries_for
from music_assets.sources.spotify.client import SpotifyClient
from music_assets_tests.campaigns.world import (
    Record,
    catalogue_of,
    indexed,
    real_songs,
    settings_for,
    tables,
)
from music_assets_tests.support.faults import Faults
from music_assets_tests.support.resolving import one_search_per_song
from music_assets_tests.support.sandbox import (
    Clock,
    FaultySandbox,
    SandboxServer,
    catalogue,
    in_thread,
    running_server,
    song_queries,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SONGS, A_DAY = 2000, 200
THREADS = 8  # each may have a request under way when the quota ends


def real_place(folder: Path, shared: Path) -> Any:
    path = shared / "msd_subset_10k.csv.gz"
    if not path.is_file():
        pytest.skip(f"needs {path.name} in ../shared, which is not part of the repository")
    frame = real_songs(shared, SONGS)
    return frame, running_server(catalogue(folder, frame))


def opened(server: SandboxServer, ledger: Ledger) -> SpotifyCatalog:
    return SpotifyCatalog(
        SpotifyClient(server.settings, ledger, clock=server.clock, sleep=server.clock.sleep), ledger
    )


def over_days(server: SandboxServer, ledger: Ledger, index: Any, **how: Any) -> list[ResolutionOutcome]:
    """Ask, day after day, each in a process of its own as far as the ledger can tell."""
    days = []
    while not days or days[-1].out_of_budget:
        with opened(server, ledger) as spotify:
            days.append(Resolver(spotify, index, **how).resolve())
        if over := days[-1].out_of_budget:
            server.clock.now = over.until.timestamp() + 1
        assert len(days) < 60
    return days


@pytest.mark.parametrize("by_release", [False, True])
def test_two_thousand_real_songs_in_days_of_two_hundred(
    shared: Path, tmp_path: Path, by_release: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, listening = real_place(tmp_path, shared)
    asked_about = song_queries(frame)
    ledger = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
    index = indexed(tmp_path / "songs.sqlite", frame)
    with listening as server:
        server.sandbox.faults = Faults(quota_per_day=A_DAY)
        days = over_days(server, ledger, index, by_release=by_release)
        told: Counter[str] = sum((Counter(day.requests) for day in days), Counter())
        # Each kind is reported as the server met it.
        assert told == {kind: n for kind, n in server.sandbox.requests.items() if kind != "token"}
        assert sum(sum(day.resolved.values()) for day in days) == len(frame)
        assert index.count()["open"] == 0
        with opened(server, ledger) as spotify:
            answers = spotify.cached(asked_about)
        assert set(answers) == set(frame["track_id"])
        seconds = sum(kept.attempts > 1 for kept in _searches(ledger, frame).values())
        refused = THREADS * (len(days) - 1)
        assert told["search"] <= len(frame) + seconds + refused
        assert len(days) <= -(-(len(frame) + seconds) // A_DAY) + 1
        if not by_release:
            assert told.keys() == {"search"}
            first = sum(kept.attempts for kept in _searches(ledger, frame).values())
            assert told["search"] - first <= refused

        # A repeat of everything, with the index and without, and with other words: nothing is spent.
        before = Counter(server.sandbox.requests)
        assert over_days(server, ledger, index, by_release=by_release)[-1].requests == {}

        def other_words(title: str, artist: str) -> list[str]:
            return [f"{artist} {title}"[:200], f"{title} / {artist}"[:200]]

        monkeypatch.setattr(catalog, "queries_for", other_words)
        anew = indexed(tmp_path / "anew.sqlite", frame)
        again = over_days(server, ledger, anew, by_release=by_release)
        assert again[-1].requests == {} and again[-1].resolved.total() == len(frame)
        # By release, a song of a later batch may come with another song of its release: from the same cached
        # response, with the same resolution.
        ways = {"cached", "release"} if by_release else {"cached"}
        assert again[-1].resolved.keys() <= ways and again[-1].resolved["cached"] >= 0.99 * len(frame)
        with opened(server, ledger) as spotify:
            assert _known(spotify.cached(asked_about)) == _known(answers)
            assert len(list(spotify.search_songs(asked_about))) == len(frame)
            assert spotify.request_counts == {}
        assert server.sandbox.requests == before
    ledger.close()


def _known(answers: dict[str, SearchResult]) -> dict[str, Any]:
    """What is known of each song, but for when it was resolved."""
    return {id_: replace(answer, fetched_at=None) for id_, answer in answers.items()}


def _searches(ledger: Ledger, frame: Any) -> dict[Any, Any]:
    return ledger.get_many(Key("track", id_, "search") for id_ in frame["track_id"])


def test_no_search_is_made_twice(shared: Path, tmp_path: Path) -> None:
    frame, listening = real_place(tmp_path, shared)
    ledger = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
    with listening as server:
        record = Record(server.clock)
        record.listen(server.sandbox)
        # The one that listens was made before: another over the same catalogue, which is recorded.
        server.sandbox.faults = Faults(quota_per_day=A_DAY)
        with in_thread(server.sandbox) as address:
            server.settings = replace(server.settings, base_url=address.base_url, token_url=address.token_url)
            index = indexed(tmp_path / "songs.sqlite", frame)
            days = over_days(server, ledger, index, by_release=False)
    kept = _searches(ledger, frame)
    asked: Counter[str] = Counter()
    for question in song_queries(frame):
        rungs = queries_for(question.title, question.artist_name)
        asked.update(rungs[: kept[Key("track", question.track_id, "search")].attempts])
    assert record.searches() == asked  # songs of one name and artist are asked for each
    assert 0 < record.searches(429).total() <= THREADS * (len(days) - 1)
    ledger.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Time as the main job's Spotify has it."""
    moved = Clock()
    monkeypatch.setattr(SpotifyResource, "clock", lambda self: moved())
    yield moved


def test_the_main_job_over_days_ends_where_one_without_a_quota_does(tmp_path: Path, clock: Clock) -> None:
    alone = {"skip_sources": ",".join(KEYLESS_SOURCES)}  # other sources would leave too little to the quota
    at = settings_for(tmp_path / "at_once", "http://127.0.0.1:9")
    path = catalogue_of(at)
    sandbox = FaultySandbox(path, mode="development", clock=clock)
    record = Record(clock)
    record.listen(sandbox)
    with in_thread(sandbox) as address, one_search_per_song():
        url = address.base_url.removesuffix("/v1/")
        at = settings_for(tmp_path / "at_once", url, **alone)
        whole = run_job(at)
        assert (whole.pending, whole.error, whole.failed) == (0, 0, [])
        searched = record.searches()
        record.arrivals.clear()

        sandbox.faults = Faults(quota_per_day=A_DAY)
        slow = settings_for(tmp_path / "slowly", url, **alone)
        days: list[Summary] = []
        while not days or days[-1].pending:
            days.append(run_job(slow))
            assert days[-1].failed == []
            _check_pending(slow, days[-1], clock)
            clock.now += 86_401
            assert len(days) < 9
        assert len(days) > 1 and whole.requests_spent > A_DAY
        assert record.searches() == searched  # each once, and the same
        spent = [day.requests_spent for day in days]
        assert sum(spent) <= whole.requests_spent + THREADS * len(days)
        assert tables(slow) == tables(at)
        assert run_job(slow).requests_spent == 0


def _check_pending(settings: Any, day: Summary, clock: Clock) -> None:
    """What a day left open is staged and loaded as pending, and metadata says how many and until when."""
    rows = tables(settings)["mapped.songs"]
    assert len({row[0] for row in rows}) == day.songs == 400
    assert sum("pending" in row for row in rows) == day.pending
    with DagsterInstance.from_config(str(settings.dagster_home), "run.yaml") as instance:
        event = instance.get_latest_materialization_event(AssetKey("spotify_answers"))
    assert event is not None and event.asset_materialization is not None
    told = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert told["pending"] == day.pending
    if day.pending:
        assert datetime.fromisoformat(told["go_on_at"]).timestamp() > clock()

"""A fortnight of the daily run, in a minute or two: a scarce quota, files that come, and days that go wrong.

The schedule and the sensors are evaluated as the daemon evaluates them, from three in the morning on, over
the real assets, DuckDB and the sandbox; the clock is put forward. In the night to 28 March
the clocks change. What each day brings is in `DAYS`; each test looks at all of it. The keyless sources are
skipped: they would settle most songs on the first day, and leave no quota to run out of.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from dagster import AssetKey, DagsterInstance, DagsterRunStatus, ExecuteInProcessResult, RunsFilter
from pandas.testing import assert_frame_equal

from music_assets.cli.job import run_job
from music_assets.defs.automation.sensors import RETRIES
from music_assets.defs.instance import dagster_instance
from music_assets.defs.resources import RefreshResource, SpotifyResource
from music_assets.defs.wiring import resources
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample, write_song_file
from music_assets.settings import KEYLESS_SOURCES, Settings
from music_assets.sources.ledger import open_ledger
from music_assets.sources.msd import MsdRoot
from music_assets.sources.spotify.budget import bucket_of
from music_assets.sources.spotify.queries import queries_for
from music_assets_tests.cli.test_run import tables
from music_assets_tests.support.clock import MovedClock, moved
from music_assets_tests.support.daemon import Daemon
from music_assets_tests.support.faults import Faults
from music_assets_tests.support.resolving import one_search_per_song
from music_assets_tests.support.sandbox import FaultySandbox, build_catalogue, in_thread, wait_until

pytestmark = pytest.mark.slow

ZONE = ZoneInfo("Europe/Berlin")
FIRST = datetime(2027, 3, 20, tzinfo=ZONE)
SONGS = sample_songs(("AA", "AB", "BZ"), 120)
QUOTA, REFRESH = 18, 4  # requests a day: those there are, and those of them for asking again
PROMISED = ("songs", "artists")
# What is new on a day, at one in the afternoon; and which days go wrong.
NEW_DIRECTORY, BAD, HALF_BAD, KILLED, NEW_FILES = 3, 5, 6, 7, 10
QUIET = (12, 13, 14)
DAYS = range(1, 15)


class Recorder:
    """The sandbox with a list of what was answered; answers can be held back for ever."""

    def __init__(self, sandbox: FaultySandbox) -> None:
        self.sandbox, self._app = sandbox, sandbox.app
        self._arrived: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()  # that reached whoever asked
        self.hold_after: int | None = None
        self.held: list[str] = []
        sandbox.app = self  # type: ignore[assignment]

    @property
    def requests(self) -> dict[str, int]:
        """Those that arrived, by bucket, as the ledger counts them."""
        return dict(sorted(self._arrived.items()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        said: list[Any] = []
        if scope["path"].startswith("/v1/"):
            self._arrived[bucket_of(scope["path"].removeprefix("/v1/"))] += 1

        async def keep(message: Any) -> None:
            said.append(message)

        await self._app(scope, receive, keep)
        question = f"{scope['path']}?{scope['query_string'].decode()}"
        counts = said[0]["status"] in (200, 404) and "/api/token" not in question
        if counts and self.hold_after is not None:
            self.hold_after -= 1
            if self.hold_after < 0:
                self.held.append(question)
                while self.hold_after is not None:
                    await asyncio.sleep(0.02)
                return
        self.answered[question] += counts
        for message in said:
            await send(message)


def resources_of(settings: Settings, refresh: int = REFRESH) -> dict[str, Any]:
    """Those of the settings, with so many requests for a day's refresh."""
    return {**resources(settings), "refresh": RefreshResource(share=0.2, requests=refresh)}


class Household(Daemon):
    """A daemon one of whose runs can be killed."""

    def __init__(self, settings: Settings, instance: DagsterInstance, clock: MovedClock, spotify: Recorder):
        super().__init__(settings, instance, resources_of)
        self.settings, self.clock, self.spotify = settings, clock, spotify
        self.kill_next: str | None = None
        self.started: dict[int, list[tuple[str, str]]] = {day: [] for day in DAYS}
        self.spent: dict[int, Counter[str]] = {}
        self.fresh: dict[int, dict[str, str]] = {}
        self.asked: dict[str, int] = {}  # as the sandbox counted at the end
        self.answers: dict[str, int] = {}

    def execute(self, job: str, tags: dict[str, str]) -> ExecuteInProcessResult:
        if job != self.kill_next:
            return super().execute(job, tags)
        self.kill_next = None
        return self._execute_and_kill(job, tags)

    def _execute_and_kill(self, job: str, tags: dict[str, str]) -> Any:
        """Kill a run in the middle of its asking, with questions on the way that nobody hears answered."""
        self.spotify.hold_after = 4
        arguments = (self.settings, self.clock.now(), job, tags)
        process = multiprocessing.get_context("spawn").Process(target=run_elsewhere, args=arguments)
        process.start()
        try:
            assert wait_until(lambda: not process.is_alive() or self._stands_still(), 120)
        finally:
            if not process.is_alive():  # it had no quota to ask with: kill the next
                self.kill_next = job
            process.kill()
            process.join()
            self.spotify.hold_after = None
        for run in self.instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
            self.instance.report_run_failed(run, "killed")  # as the daemon's run monitoring does

    def _stands_still(self) -> bool:
        before = self.spotify.requests
        time.sleep(1)  # for threads that have noted a request and not yet sent it
        return bool(self.spotify.held) and before == self.spotify.requests == self.ledger_spent()

    def ledger_spent(self) -> dict[str, int]:
        ledger = open_ledger(self.settings.ledger, source="sandbox")
        try:
            return {kind: n for kind, n in ledger.request_counts().items() if kind != "token"}
        finally:
            ledger.close()

    def live_through(self, day: int, news: Any) -> None:
        """A day from three in the morning on; at seven, see whether the promise was kept."""
        before, midnight = Counter(self.spotify.requests), FIRST + timedelta(days=day - 1)
        started = self.started[day]
        for minutes in (*range(3 * 60, 7 * 60 + 1, 10), *range(8 * 60, 27 * 60, 60)):
            at = midnight + timedelta(minutes=minutes)
            self.clock.forward_to(at)
            if minutes == 3 * 60:
                started += self.daily(at)
            if minutes == 7 * 60:
                self.fresh[day] = {name: self.freshness(name) for name in PROMISED}
            if minutes == 13 * 60:
                news()
            started += self.tick("msd_files_changed")
            started += self.settle()
        self.spent[day] = Counter(self.spotify.requests) - before

    def freshness(self, name: str) -> str:
        """What Dagster's own evaluation says of a table now."""
        from dagster._core.definitions.freshness_evaluator import CronFreshnessPolicyEvaluator
        from dagster._core.loader import LoadingContextForTest

        node = self.repository.asset_graph.get(AssetKey(["warehouse", "analytics", name]))
        context = LoadingContextForTest(self.instance)
        return asyncio.run(CronFreshnessPolicyEvaluator().evaluate_freshness(context, node)).value


def run_elsewhere(settings: Settings, now: datetime, job: str, tags: dict[str, str]) -> None:
    """Run a job in this process, at another time; for a process that will be killed."""
    with (
        one_search_per_song(),
        moved(MovedClock(now)),
        dagster_instance(settings.data / "dagster") as instance,
    ):
        Daemon(settings, instance, resources_of).execute(job, tags)


def arrive(msd: Path, songs: list[dict[str, Any]], at: datetime) -> None:
    for song in songs:
        track_id = song["track_id"]
        path = msd / track_id[2] / track_id[3] / track_id[4] / f"{track_id}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_song_file(path, song)
        os.utime(path, (at.timestamp(), at.timestamp()))


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    folder = tmp_path_factory.mktemp("fortnight")
    everything = MsdRoot.open(write_sample(folder / "all", SONGS))
    catalogue = folder / "catalogue.sqlite"
    build_catalogue([everything.read(key).songs for key in everything.partitions()], catalogue)
    clock = MovedClock(FIRST)
    spotify = Recorder(FaultySandbox(catalogue, clock=clock, faults=Faults(quota_per_day=QUOTA)))
    with ExitStack() as stack:
        address = stack.enter_context(in_thread(spotify.sandbox))
        settings = Settings.from_environment(
            {},
            data=str(folder / "data"),
            msd=str(folder / "msd"),
            timezone="Europe/Berlin",
            spotify_mode="development",
            skip_sources=",".join(KEYLESS_SOURCES),  # they would leave too little to Spotify's quota
            sandbox_url=address.base_url.removesuffix("/v1/"),
        )
        stack.enter_context(moved(clock))
        stack.enter_context(one_search_per_song())
        access = SpotifyResource._access
        stack.enter_context(
            patch.object(SpotifyResource, "_access", lambda self: replace(access(self), backoff=0.001))
        )
        instance = stack.enter_context(dagster_instance(settings.data / "dagster"))
        household = Household(settings, instance, clock, spotify)
        live(household, folder / "msd")
        yield household


def live(household: Household, msd: Path) -> None:
    """The fortnight, day by day."""
    of = {key: [song for song in SONGS if song["track_id"][2:4] == key] for key in ("AA", "AB", "BZ")}
    late = of["AB"][::2]
    arrive(msd, [*of["AA"], *(song for song in of["AB"] if song not in late)], FIRST)

    def news() -> None:
        if day == NEW_DIRECTORY:
            arrive(msd, of["BZ"], household.clock.now())
        if day == NEW_FILES:
            changed = {**of["AA"][0], "duration": of["AA"][0]["duration"] + 1}
            arrive(msd, [changed, *late], household.clock.now())

    for day in DAYS:
        rate = {BAD: 1.0, HALF_BAD: 0.4}.get(day, 0.0)
        faults = household.spotify.sandbox.faults
        faults.broken_rate, faults.broken = rate, ("502",)
        household.kill_next = "ask_first" if day == KILLED else None
        household.live_through(day, news)
    household.asked = household.spotify.requests
    household.answers = dict(household.spotify.answered)


def told(household: Household) -> str:
    """The days, for whoever looks at a failure."""
    return "\n".join(f"{day}: {dict(household.spent[day])} {household.started[day]}" for day in DAYS)


def test_the_tables_are_ready_by_seven_every_day(fortnight: Household) -> None:
    """On the bad day and on that of the killed run as well: with the answers there are."""
    assert fortnight.fresh == {day: dict.fromkeys(PROMISED, "PASS") for day in DAYS}


def test_it_ends_with_the_tables_of_an_undisturbed_run(
    fortnight: Household, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over the files as they are at the end, by one command, with nothing that limits or breaks answers."""
    fortnight.spotify.sandbox.faults = Faults()
    data = tmp_path_factory.mktemp("undisturbed")
    place = Settings.from_environment({}, data=str(data))
    apart = {"data": data, "staging": place.staging, "warehouse": place.warehouse}
    settings = fortnight.settings.model_copy(update={**apart, "ledger": str(data / "ledger.sqlite")})
    assert run_job(settings, refresh=True, resources=resources_of(settings, refresh=1000)).failed == []
    ids_and_times = ("run_id", "loaded_at", "fetched_at")
    lived, made = (tables(each, without=ids_and_times) for each in (fortnight.settings, settings))
    assert len(made["msd.songs"]) == len(SONGS)
    # The stalest artists' releases, as many as the days had requests for, of all that there are.
    found, there_are = (each.pop("spotify.artist_releases") for each in (lived, made))
    assert 0 < len(found) == len(found.merge(there_are)) <= len(there_are)
    for name in lived:
        assert_frame_equal(lived[name], made[name], obj=name)


def test_no_request_is_spent_twice(fortnight: Household) -> None:
    """Each song's question is answered once; what was on its way to the killed run is asked once more."""
    assert fortnight.ledger_spent() == fortnight.asked
    songs = Counter(query for song in SONGS for query in queries_for(song["title"], song["artist_name"]))
    searched = {
        parse_qs(urlsplit(question).query)["q"][0]: n
        for question, n in fortnight.answers.items()
        if question.startswith("/v1/search?")
    }
    assert sum(searched.values()) > len(SONGS) / 2
    assert {query: n for query, n in searched.items() if n > songs[query]} == {}
    assert fortnight.spotify.held
    assert all(fortnight.answers[question] for question in fortnight.spotify.held)


def test_the_quota_is_what_limits_the_first_week(fortnight: Household) -> None:
    """That it is spent is noticed by one request too many, from each of the threads at most."""
    searches = {day: fortnight.spent[day]["search"] for day in DAYS}
    good = [searches[day] for day in DAYS if day not in (BAD, HALF_BAD)]
    assert sum(spent >= QUOTA - REFRESH for spent in good) >= 5, told(fortnight)
    assert max(good) <= QUOTA + 8, told(fortnight)
    assert searches[KILLED] > 0, told(fortnight)


def test_a_day_without_changes_fills_the_tables_and_asks_only_again(fortnight: Household) -> None:
    for day in QUIET:
        assert fortnight.started[day] == [("refresh", ""), ("tables", "")], told(fortnight)
        assert fortnight.spent[day]["search"] == 0, told(fortnight)
        assert 0 < sum(fortnight.spent[day].values()) <= REFRESH, told(fortnight)


def test_what_is_new_is_extracted_and_nothing_else(fortnight: Household) -> None:
    extracted = [(day, part) for day in DAYS for job, part in fortnight.started[day] if job == "extract"]
    assert extracted == [(1, "AA-AB"), (NEW_DIRECTORY, "BZ"), (NEW_FILES, "AA-AB")]


def test_runs_that_went_wrong_are_known_as_failed_and_taken_up(fortnight: Household) -> None:
    """The bad day's by itself; the killed one, which could not say so, by the daemon's run monitoring."""
    failed = fortnight.instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.FAILURE]))
    assert {run.job_name for run in failed} == {"ask_first"}
    assert len(failed) == 1 + RETRIES + 1  # the bad day's with its retries, and the killed one
    assert fortnight.instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.STARTED])) == 0
    for day in (BAD, KILLED):
        assert ("ask_first", "") in fortnight.started[day]
        assert ("ask_first", "") in fortnight.started[day + 1]
        assert ("tables", "") in fortnight.started[day]

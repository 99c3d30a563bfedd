"""One request in ten goes wrong, in each way there is: what is known in the end is what is known without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from music_assets.cli.job import run_job
from music_assets.cli.summary import Summary
from music_assets.defs.resources import SpotifyResource
from music_assets.resolution import Resolver
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.spotify import AccessDenied, BadCredentials, SpotifyCatalog, SpotifyUnreachable
from music_assets.sources.spotify.client import SpotifyClient
from music_assets_tests.campaigns.world import LONG, catalogue_of, indexed, settings_for, tables
from music_assets_tests.support.faults import BROKEN, LIMITS, ROUGH, Faults
from music_assets_tests.support.resolving import one_search_per_song
from music_assets_tests.support.sandbox import (
    FaultySandbox,
    SandboxServer,
    catalogue,
    in_thread,
    running_server,
    song_queries,
    songs_frame,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SONGS = songs_frame(1000 if LONG else 150)
RATE = 0.1
RUNS = 150 if LONG else 40  # more would be hopeless


class Days:
    """Time as it goes, and days that are skipped: whoever waits a second has waited one."""

    def __init__(self) -> None:
        self.days = 0

    def __call__(self) -> float:
        return time.time() + 86_400 * self.days


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running_server(catalogue(tmp_path_factory.mktemp("catalogue"), SONGS), timeout=1.0) as listening:
        yield listening


def known(server: SandboxServer, folder: Path) -> tuple[dict[str, Any], int]:
    """Ask until nothing is open or failed, run after run; what is known then, and how many runs it took."""
    folder.mkdir()
    ledger = open_ledger(folder / "ledger.sqlite", source="sandbox")
    index = indexed(folder / "songs.sqlite", SONGS)
    runs = 0
    while runs < RUNS:
        runs += 1
        with opened(server, ledger) as spotify:
            try:
                outcome = Resolver(spotify, index, by_release=False).resolve()
            except (AccessDenied, BadCredentials, SpotifyUnreachable):
                continue  # ends a run; the next one goes on
        if outcome.out_of_budget:
            server.clock.now = max(server.clock.now, outcome.out_of_budget.until.timestamp()) + 1
        elif not outcome.errors:
            break
    server.sandbox.faults = Faults()
    with opened(server, ledger) as spotify:
        answers = spotify.cached(song_queries(SONGS))
    ledger.close()
    told = {
        id_: (a.status, a.query, [{**row, "fetched_at": None} for row in a.tracks])
        for id_, a in answers.items()
    }
    return told, runs


def opened(server: SandboxServer, ledger: Ledger) -> SpotifyCatalog:
    return SpotifyCatalog(
        SpotifyClient(server.settings, ledger, clock=server.clock, sleep=server.clock.sleep), ledger
    )


@pytest.fixture(scope="module")
def undisturbed(server: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return known(server, tmp_path_factory.mktemp("undisturbed") / "data")[0]


@pytest.mark.parametrize("fault", [*BROKEN, *ROUGH, *LIMITS])
def test_one_in_ten_answers_of_a_kind_is_a_fault(
    fault: str, server: SandboxServer, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    server.reset()
    server.sandbox.faults = Faults(broken_rate=RATE, broken=(fault,), hang=2.0, seed=1)
    told, runs = known(server, tmp_path / "data")
    assert len(told) == len(SONGS) and told == undisturbed
    assert runs < RUNS


def test_the_main_job_under_faults_ends_where_one_without_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Days()
    monkeypatch.setattr(SpotifyResource, "clock", lambda self: clock())
    calm = settings_for(tmp_path / "calm", "http://127.0.0.1:9")
    path = catalogue_of(calm)
    sandbox = FaultySandbox(path, mode="development", clock=clock)
    with in_thread(sandbox) as address, one_search_per_song():
        url = address.base_url.removesuffix("/v1/")
        calm = settings_for(tmp_path / "calm", url)
        assert run_job(calm).failed == []
        kinds = (*BROKEN, "reset", "expired", "wait_0", "wait_a_day")
        sandbox.faults = Faults(broken_rate=RATE, broken=kinds)
        sandbox.other_faults = Faults(broken_rate=RATE, seed=3)
        rough = settings_for(tmp_path / "rough", url)
        runs: list[Summary] = []
        while not runs or runs[-1].pending or runs[-1].error:
            runs.append(run_job(rough))
            assert runs[-1].failed == []
            clock.days += 1
            assert len(runs) < 30
        sandbox.faults, sandbox.other_faults = Faults(), Faults()
        run_job(rough)  # audio features that ReccoBeats did not give
        assert tables(rough) == tables(calm)

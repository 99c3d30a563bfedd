"""Commands at one moment over the same partitions: `music-assets run` twice, and `dagster` beside it.

One may be refused or left out with a sentence that names who works on it. In the end the tables are those of
one run that nobody disturbed, and nothing was requested twice but what was under way. What Dagster's daemon
starts at one moment is in `test_daemon_at_once`.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus

from music_assets.defs.failures import cause_of
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import Settings
from music_assets.tables import STAGED
from music_assets_tests.campaigns.places import InFolder, Tables, dagster_started, started
from music_assets_tests.campaigns.test_kills import THREADS, matches
from music_assets_tests.campaigns.world import LONG
from music_assets_tests.support.msd_songs import write_in_place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * 3600 if LONG else 900)]

ROUNDS = 20 if LONG else 1
PATIENCE_S = 600
ONE, OTHER, ALL = ("AA", "AB", "AC"), ("AB", "AC", "AD"), ("AA", "AB", "AC", "AD")
SONGS = 60
DUMPS = ("musicbrainz", "acousticbrainz", "echonest")  # each machine downloads them
REFUSED = re.compile(r"in use by (another run \()?process \d+.*(Run again once|Wait for it)")


@pytest.fixture(scope="module")
def msd(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("msd")
    write_in_place(root, *sample_songs(ALL, SONGS))
    return str(root)


def partitions(keys: tuple[str, ...]) -> tuple[str, str]:
    return "--partitions", ",".join(keys)


@dataclass(frozen=True)
class Alone:
    """What one run of all partitions requested and left."""

    requests: int
    tables: Tables


def requests_so_far(url: str) -> int:
    """All that reached the sandbox, of every source, but tokens and downloads."""
    with urllib.request.urlopen(f"{url}/sandbox/requests") as answer:
        counts = json.load(answer)
    return sum(n for kind, n in counts.items() if kind not in ("token", *DUMPS))


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """How a process ended and what it said, read as it says it: a pipe holds 64 KB."""
    try:
        said = process.communicate(timeout=PATIENCE_S)[0].decode()
    finally:
        process.kill()
    return process.returncode, said


def run(settings: Settings, *options: str) -> None:
    code, said = ended(started(settings, "run", *options))
    assert code == 0, said


def alone(place: InFolder, *options: str) -> Alone:
    """One run that nobody disturbs."""
    settings, before = place.settings("alone"), requests_so_far(place.url)
    settings.data.mkdir()
    run(settings, *options)
    return Alone(requests_so_far(place.url) - before, place.tables(settings))


def same_as(one: Alone, tables: Tables) -> bool:
    """Whether these are the same songs with the same matches.

    Which query found a match depends on the order of partitions, and so what else that query brought.
    """
    own = ("msd.songs", "msd.artists", "mapped.recordings", "acousticbrainz.audio_features")
    return matches(tables) == matches(one.tables) and all(tables[name] == one.tables[name] for name in own)


def ends(settings: Settings) -> set[DagsterRunStatus]:
    """How the runs in Dagster's storage ended; where a step failed, it was refused."""
    with DagsterInstance.from_config(str(settings.dagster_home), "run.yaml") as instance:
        runs = instance.get_runs()
        for one in runs:
            for event in instance.all_logs(one.run_id, of_type=DagsterEventType.STEP_FAILURE):
                assert REFUSED.search(cause_of(event.dagster_event)), event
        return {one.status for one in runs}


def assert_done_or_refused(code: int, said: str) -> None:
    """What `music-assets run` says is wrong is that somebody else works on it, and its exit code says so."""
    wrong = [line for line in said.splitlines() if line.startswith(("Failed:", "Error:", "Traceback"))]
    assert all(map(REFUSED.search, wrong)) and (code == 0) == (not wrong), said


def test_two_commands_of_overlapping_partitions(place: InFolder) -> None:
    calm, dice = alone(place, *partitions(ALL)), random.Random(22)
    for round_ in range(ROUNDS):
        settings = place.settings(f"both {round_}")
        settings.data.mkdir()
        other = place.beside(settings)
        before = requests_so_far(place.url)
        first = started(settings, "run", *partitions(ONE))
        time.sleep(dice.uniform(0, 0.1))
        both = [ended(one) for one in (first, started(other, "run", *partitions(OTHER)))]
        for code, said in both:
            assert_done_or_refused(code, said)
        assert 0 in {code for code, _ in both}, both
        run(other, *partitions(ALL))  # whoever was refused goes on
        assert requests_so_far(place.url) - before <= calm.requests + 2 * THREADS
        assert same_as(calm, place.tables(other))
        assert place.held(settings) == place.held(other) == []
        assert ends(settings) | ends(other) <= {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
        place.drop(settings)


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_dagsters_own_command_beside_the_command_line(place: InFolder) -> None:
    """It takes no lock on the data folder: both work there, and `status` is asked meanwhile."""
    calm = alone(place, *partitions(ALL))
    for round_ in range(ROUNDS):
        settings = place.settings(f"beside {round_}")
        settings.data.mkdir()
        run(settings, *partitions(("AA",)))
        before = requests_so_far(place.url)
        chosen = ("--select", ",".join(STAGED), "--partition", "AB")
        materialize = ("asset", "materialize", "-m", "music_assets.definitions", *chosen)
        both = dagster_started(settings, *materialize), started(settings, "run", *partitions(ALL))
        with ThreadPoolExecutor() as pool:
            reading = [pool.submit(ended, one) for one in both]
            while not all(one.done() for one in reading):
                code, said = ended(started(settings, "status"))
                assert code == 0 and "Traceback" not in said, said
            (code, said), by_command = [one.result() for one in reading]
        assert code == 0 or REFUSED.search(said), said
        assert_done_or_refused(*by_command)
        run(settings, *partitions(ALL))
        assert requests_so_far(place.url) - before <= calm.requests + 2 * THREADS
        assert same_as(calm, place.tables(settings))
        assert place.held(settings) == []
        assert ends(settings) <= {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
        place.drop(settings)

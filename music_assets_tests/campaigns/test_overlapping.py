"""Runs at one moment over the same partitions: commands, backfills, a schedule, sensors, `dagster` itself.

One may be refused or left out with a sentence that names who works on it. In the end the tables are those of
one run that nobody disturbed, and nothing was requested twice but what was under way.
"""

from __future__ import annotations

import json
import random
import re
import time
import urllib.request
from dataclasses import dataclass

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import Settings
from music_assets_tests.campaigns.places import InFolder, Tables, started
from music_assets_tests.campaigns.test_kills import THREADS, matches
from music_assets_tests.campaigns.world import LONG
from music_assets_tests.support.msd_songs import write_in_place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * 3600 if LONG else 900)]

ROUNDS = 20 if LONG else 1
ONE, OTHER, ALL = ("AA", "AB", "AC"), ("AB", "AC", "AD"), ("AA", "AB", "AC", "AD")
SONGS = 60
DUMPS = ("musicbrainz", "acousticbrainz", "echonest")  # each machine downloads them
REFUSED = re.compile(r"in use by (another run \()?process \d+.*(Run again once|Wait for it)")


@pytest.fixture(scope="module")
def msd(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("msd")
    write_in_place(root, *sample_songs(ALL, SONGS))
    return str(root)


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


def run(settings: Settings, partitions: tuple[str, ...] = ALL) -> None:
    process = started(settings, "run", "--partitions", ",".join(partitions))
    said = process.communicate()[0].decode()
    assert process.returncode == 0, said


def alone(place: InFolder) -> Alone:
    settings, before = place.settings("alone"), requests_so_far(place.url)
    settings.data.mkdir()
    run(settings)
    return Alone(requests_so_far(place.url) - before, place.tables(settings))


def same_as(one: Alone, tables: Tables) -> bool:
    """Whether these are the same songs with the same matches.

    Which query found a match depends on the order of partitions, and so what else that query brought.
    """
    own = ("msd.songs", "msd.artists", "mapped.recordings", "acousticbrainz.audio_features")
    return matches(tables) == matches(one.tables) and all(tables[name] == one.tables[name] for name in own)


def ends(settings: Settings) -> set[DagsterRunStatus]:
    """How the runs in Dagster's storage ended."""
    with DagsterInstance.from_config(str(settings.dagster_home), "run.yaml") as instance:
        return {run.status for run in instance.get_runs()}


def test_two_commands_of_overlapping_partitions(place: InFolder) -> None:
    calm, dice = alone(place), random.Random(22)
    for round_ in range(ROUNDS):
        settings = place.settings(f"both {round_}")
        settings.data.mkdir()
        other = place.beside(settings)
        before = requests_so_far(place.url)
        first = started(settings, "run", "--partitions", ",".join(ONE))
        time.sleep(dice.uniform(0, 0.1))
        both = first, started(other, "run", "--partitions", ",".join(OTHER))
        said = [process.communicate()[0].decode() for process in both]
        for process, text in zip(both, said, strict=True):
            wrong = [
                line for line in text.splitlines() if line.startswith(("Failed:", "Error:", "Traceback"))
            ]
            assert all(map(REFUSED.search, wrong)) and (process.returncode == 0) == (not wrong), text
        assert 0 in {process.returncode for process in both}, said
        run(other)  # whoever was refused goes on
        assert requests_so_far(place.url) - before <= calm.requests + 2 * THREADS
        assert same_as(calm, place.tables(other))
        assert place.held(settings) == place.held(other) == []
        assert ends(settings) | ends(other) <= {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
        place.drop(settings)

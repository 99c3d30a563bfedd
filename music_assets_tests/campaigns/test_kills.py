"""The main job killed at random moments: each next run goes on by itself, nothing is lost or asked twice.

In a folder with DuckDB, and on S3 with the stand-in for Redshift and a ledger in PostgreSQL.
"""

from __future__ import annotations

import json
import logging
import random
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from music_assets.sandbox.keyless import SOURCES
from music_assets.settings import Settings
from music_assets.tables import PUBLISHED
from music_assets_tests.campaigns.places import InFolder, OnServers, Tables, scratch_of, started
from music_assets_tests.campaigns.world import LONG, PASSING
from music_assets_tests.support.sandbox import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * 3600 if LONG else 900)]

_log = logging.getLogger(__name__)
ROUNDS, KILLS = (25, 4) if LONG else (1, 3)  # places that begin empty, and kills in each
RESTARTS = 20 if LONG else 1
THREADS = 8  # each loses a request under way when its process is killed


@dataclass(frozen=True)
class Calm:
    """A run that nothing disturbed: how long it took, what it asked and sent, what it left."""

    seconds: float
    requests: int
    statements: list[str]
    tables: Tables
    files: set[str]


@pytest.fixture(scope="module")
def msd(msd: str) -> str | None:
    """In the long form the whole sample."""
    return None if LONG else msd


def whole(settings: Settings) -> float:
    """Run to the end; the seconds it took."""
    began = time.monotonic()
    process = started(settings)
    said = process.communicate()[0].decode()
    assert process.returncode == 0, said
    return time.monotonic() - began


def requests_so_far(url: str) -> int:
    with urllib.request.urlopen(f"{url}/sandbox/requests") as answer:
        counts = json.load(answer)
    return sum(n for kind, n in counts.items() if kind not in ("token", *SOURCES))


def undisturbed(place: InFolder) -> Calm:
    settings = place.settings("calm")
    before, sent = requests_so_far(place.url), len(place.statements)
    seconds = whole(settings)
    asked = requests_so_far(place.url) - before
    return Calm(seconds, asked, place.statements[sent:], place.tables(settings), place.files(settings))


def test_killed_runs_lose_and_repeat_nothing(place: InFolder) -> None:
    calm = undisturbed(place)
    dice = random.Random(20)
    for round_ in range(ROUNDS):
        hunted = place.settings(f"hunted {round_}")
        hunted.data.mkdir()
        before, sent = requests_so_far(place.url), len(place.statements)
        killed = sum(
            is_killed(place, hunted, moment(place, dice, calm, attempt, sent)) for attempt in range(KILLS)
        )
        assert killed > 0
        whole(hunted)
        assert requests_so_far(place.url) - before <= calm.requests + killed * THREADS
        check(place, hunted, calm, killed)
        place.drop(hunted)


def moment(place: InFolder, dice: random.Random, calm: Calm, attempt: int, sent: int) -> Callable[[], bool]:
    """When to kill: after some seconds, or at a statement to the warehouse, every other time one that loads.

    `sent` is how many statements there had been before the first attempt.
    """
    began, already = time.monotonic(), len(place.statements)
    if attempt % 2 == 0 or not calm.statements:
        # The first in the middle, however much faster the machine has become meanwhile; the others anywhere
        # in what the earlier ones have left.
        earliest, latest = (0.3, 0.5) if attempt == 0 else (0.15, 0.6)
        seconds = dice.uniform(earliest, latest) * calm.seconds
        return lambda: time.monotonic() - began > seconds
    only = dice.choice(("", "COPY"))
    there = sum(one.startswith(only) for one in calm.statements)
    done = sum(one.startswith(only) for one in place.statements[sent:])
    nth = dice.randint(1, max(there - done, 1))
    return lambda: sum(one.startswith(only) for one in place.statements[already:]) >= nth


def is_killed(place: InFolder, settings: Settings, far_enough: Callable[[], bool]) -> bool:
    """Start a run and kill it once it is so far; False where it has ended by then.

    What it held must be free soon: its processes are gone, and its sessions, with their locks.
    """
    began, process = time.monotonic(), started(settings)
    while process.poll() is None and not far_enough():
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    seconds, last = time.monotonic() - began, " ".join(place.statements[-1:])[:60]
    _log.warning("ended by %s after %.1f s; last sent: %r", -process.returncode, seconds, last)
    wait_until(lambda: not place.held(settings), 15)
    assert place.held(settings) == []
    return process.returncode == -signal.SIGKILL


def check(place: InFolder, hunted: Settings, calm: Calm, killed: int) -> None:
    """What the killed runs left, and the one after them: tables, files, and runs in Dagster."""
    tables = place.tables(hunted)
    assert {name: len(rows) for name, rows in tables.items()} == {
        name: len(rows) for name, rows in calm.tables.items()
    }
    assert tables == calm.tables
    assert place.files(hunted) == calm.files
    assert place.held(hunted) == []
    assert [*scratch_of(hunted).iterdir()] == []
    summary = json.loads((hunted.data / "last_run.json").read_text())
    assert (summary["pending"], summary["failed"]) == (0, [])
    with DagsterInstance.from_config(str(hunted.dagster_home), "run.yaml") as instance:
        runs = instance.get_runs()
    ends = Counter(run.status for run in runs)
    # A command makes several runs: one that is killed between two of them fails none.
    assert ends.keys() <= {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
    assert ends[DagsterRunStatus.SUCCESS] and ends[DagsterRunStatus.FAILURE] <= killed


@pytest.mark.parametrize("place", ["servers"], indirect=True)
def test_restarts_of_the_database_lose_and_repeat_nothing(place: OnServers) -> None:
    """Of the warehouse and the ledger, as they are on one server: a run goes on, or ends and names it.

    A run whose search by priority ended so goes on partition by partition, in another order: what a match was
    found by may differ, and what it took, but no match.
    """
    calm = undisturbed(place)
    dice = random.Random(21)
    for round_ in range(RESTARTS):
        hunted = place.settings(f"hunted {round_}")
        hunted.data.mkdir()
        before, sent = requests_so_far(place.url), len(place.statements)
        process, far_enough = started(hunted), moment(place, dice, calm, round_, sent)
        while process.poll() is None and not far_enough():
            time.sleep(0.005)
        place.servers.restart()
        said = process.communicate()[0].decode()
        assert process.returncode in (0, 1) and "Traceback" not in said, said
        whole(hunted)
        assert requests_so_far(place.url) - before <= calm.requests + 2 * THREADS
        assert matches(place.tables(hunted)) == matches(calm.tables)
        assert place.held(hunted) == []
        place.drop(hunted)


def matches(tables: Tables) -> list[tuple[Any, ...]]:
    """Every song with its status and its match."""
    names = [one.name for one in PUBLISHED["analytics.songs"].columns if one.name not in PASSING]
    at = [names.index(name) for name in ("track_id", "match_status", "spotify_track_id")]
    return [tuple(row[place] for place in at) for row in tables["analytics.songs"]]

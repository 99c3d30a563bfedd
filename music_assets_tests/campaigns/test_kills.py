"""The main job killed at random moments: each next run goes on by itself, nothing is lost or asked twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from music_assets.sandbox.keyless import SOURCES
from music_assets.settings import Settings
from music_assets_tests.campaigns.world import LONG, catalogue_of, settings_for, tables
from music_assets_tests.support.sandbox import running_sandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

ROUNDS, KILLS = (50, 4) if LONG else (1, 4)  # folders that begin empty, and kills in each
THREADS = 8  # each loses a request under way when its process is killed
LATENCY = 0.1  # seconds, so that asking takes its share of a run


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox that stays up, whoever is killed."""
    nowhere = settings_for(tmp_path_factory.mktemp("catalogue"), "http://127.0.0.1:9")
    with running_sandbox(catalogue_of(nowhere), mode="development", faults={"latency": LATENCY}) as address:
        yield address.base_url.removesuffix("/v1/")


def started(settings: Settings) -> subprocess.Popen[bytes]:
    """The command, in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSIC_ASSETS")}
    environment["MUSIC_ASSETS_SANDBOX_URL"] = str(settings.sandbox.url)
    environment["MUSIC_ASSETS_SKIP_SOURCES"] = settings.sources.skip
    if settings.msd:
        environment["MUSIC_ASSETS_MSD"] = str(settings.msd)
    command = [sys.executable, "-m", "music_assets.cli", "run", "--data", str(settings.data)]
    return subprocess.Popen(
        command, env=environment, cwd=settings.data.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


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


def test_killed_runs_lose_and_repeat_nothing(url: str, tmp_path: Path) -> None:
    calm = settings_for(tmp_path / "calm", url)
    before = requests_so_far(url)
    seconds = whole(calm)
    undisturbed = requests_so_far(url) - before

    dice = random.Random(20)
    for round_ in range(ROUNDS):
        hunted = settings_for(tmp_path / f"hunted {round_}", url)
        hunted.data.mkdir()
        before = requests_so_far(url)
        killed = sum(is_killed(hunted, dice, seconds, attempt) for attempt in range(KILLS))
        assert killed > 0
        whole(hunted)
        assert requests_so_far(url) - before <= undisturbed + killed * THREADS
        check(hunted, calm, killed)
        shutil.rmtree(hunted.data)


def is_killed(settings: Settings, dice: random.Random, seconds: float, attempt: int) -> bool:
    """Start a run and kill it, at a moment within these seconds; False where it has ended by then."""
    process = started(settings)
    # The first in the middle, however much faster the machine has become meanwhile; the others anywhere.
    earliest, latest = (0.3, 0.5) if attempt == 0 else (0.15, 0.95)
    try:
        process.wait(timeout=dice.uniform(earliest, latest) * seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def check(hunted: Settings, calm: Settings, killed: int) -> None:
    """What the killed runs left, and the one after them: tables, files, and runs in Dagster."""
    one, other = tables(hunted), tables(calm)
    assert {name: len(rows) for name, rows in one.items()} == {
        name: len(rows) for name, rows in other.items()
    }
    assert one == other
    assert files(hunted) == files(calm)
    summary = json.loads((hunted.data / "last_run.json").read_text())
    assert (summary["pending"], summary["failed"]) == (0, [])
    with DagsterInstance.from_config(str(hunted.dagster_home), "run.yaml") as instance:
        runs = instance.get_runs()
    ends = {run.status for run in runs}
    assert ends == {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
    assert 0 < sum(run.status == DagsterRunStatus.FAILURE for run in runs) <= killed


def files(settings: Settings) -> set[str]:
    """The names of all files but Dagster's own and those that SQLite has beside a database."""
    found = (path.relative_to(settings.data) for path in settings.data.rglob("*") if path.is_file())
    own = {path for path in found if path.parts[0] != "dagster"}
    return {str(path) for path in own if not path.name.endswith(("-wal", "-shm"))}

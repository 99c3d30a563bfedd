"""A hundred readers while runs, purges and publishing go on, and two runs in each other's way.

Readers of the published file see one version of all tables; readers of a warehouse see of each table one of
its versions, whole, and the same as long as their transaction lasts. Nobody waits for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from music_assets.settings import Settings
from music_assets_tests.campaigns.places import InFolder, OnServers, started
from music_assets_tests.campaigns.readers import COUNTED, SQL, State, looking
from music_assets_tests.campaigns.world import LONG

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * 3600 if LONG else 900)]

READERS, CYCLES = 100, 20 if LONG else 1
PROCESSES = {"folder": 10, "servers": 1}  # in one process, DuckDB opens a file once for all


def done(settings: Settings, *command: str) -> None:
    """Run a command to its end."""
    process = started(settings, *command)
    said = process.communicate()[0].decode()
    assert process.returncode == 0, said


def read_at(settings: Settings) -> str:
    return str(settings.published) if settings.warehouse.startswith("duckdb") else settings.warehouse


def state(settings: Settings) -> State:
    """What a reader sees when all is quiet."""
    with looking(read_at(settings)) as look:
        found: State = tuple(look()[0])
    return found


@contextmanager
def reading(settings: Settings, processes: int) -> Iterator[dict[str, Any]]:
    """Readers, as long as the context lasts; afterwards what they say is in it."""
    command = [sys.executable, "-m", "music_assets_tests.campaigns.readers"]
    command += [str(READERS // processes), read_at(settings)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": Path(__file__).parents[2]}
    readers = [subprocess.Popen(command, **pipes) for _ in range(processes)]  # type: ignore[call-overload]
    said: dict[str, Any] = {"looks": [], "seen": [], "wrong": []}
    try:
        yield said
    finally:
        for reader in readers:
            for name, values in json.loads(reader.communicate()[0]).items():
                said[name] += values


def test_a_hundred_readers_see_whole_versions_and_are_in_nobodys_way(place: InFolder) -> None:
    settings = place.settings("read")
    settings.data.mkdir()
    done(settings, "run", "--partitions", "AA")
    versions = [state(settings)]
    kind = "servers" if isinstance(place, OnServers) else "folder"
    with reading(settings, PROCESSES[kind]) as said:
        for command in (("run",), *CYCLES * (("purge", "--all", "--yes"), ("run",))):
            done(settings, *command)
            versions.append(state(settings))
    assert said["wrong"] == []
    assert len(said["looks"]) == READERS and min(said["looks"]) > 0
    assert versions[1] == versions[3] != versions[2]
    seen = {tuple(one) for one in said["seen"]}
    if kind == "folder":
        assert seen <= {*versions}
    else:
        for table, columns in by_table().items():
            assert {tuple(one[at] for at in columns) for one in seen} <= {
                tuple(one[at] for at in columns) for one in versions
            }, table
    assert len(seen) > 1  # they were there when it changed


def by_table() -> dict[str, list[int]]:
    """Where in a state the numbers of each table are."""
    places, at = {}, 0
    for table, counted in COUNTED.items():
        places[table] = [*range(at, at + len(counted))]
        at += len(counted)
    assert SQL.count("(SELECT") == at
    return places

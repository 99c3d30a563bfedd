"""Partitions read in worker processes: order, bounds, errors, and that no worker outlives its caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from music_assets.sources.msd import MsdRoot, MsdRootError, WorkerDied, read_partitions
from music_assets_tests.support.msd_songs import song, write_in_place

KEYS = [f"A{letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> MsdRoot:
    """Twenty partitions of one song each."""
    folder = tmp_path_factory.mktemp("msd")
    write_in_place(folder, *(song(f"TR{key}XDE128F4230A1B") for key in KEYS))
    return MsdRoot.open(folder)


def in_two(root: MsdRoot, apply: Callable[[MsdRoot, str], Any], keys: list[str] = KEYS) -> Any:
    return read_partitions(root, keys, 2, apply, many_files=1)


def tracks(root: MsdRoot, key: str) -> list[str]:
    time.sleep(0.1 if key == "AA" else 0)  # the first is done last
    found: list[str] = root.read(key).songs["track_id"].tolist()
    return found


def process_id(root: MsdRoot, key: str) -> int:
    return os.getpid()


def refuse_second(root: MsdRoot, key: str) -> str:
    if key == "AB":
        raise MsdRootError("There is no MSD here.")
    return key


def die_at_ninth(root: MsdRoot, key: str) -> str:
    if key == "AI":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return key


def much(root: MsdRoot, key: str) -> bytes:
    return bytes(5_000_000)


def mark(root: MsdRoot, key: str) -> None:
    (root.path / f"{key}.read").touch()


def test_partitions_come_in_order_and_as_read_here(root: MsdRoot) -> None:
    expected = [(key, [f"TR{key}XDE128F4230A1B"]) for key in KEYS]
    assert list(in_two(root, tracks)) == expected
    assert list(read_partitions(root, KEYS, 1, tracks)) == expected


def test_many_files_are_read_by_as_many_processes_as_asked_for(root: MsdRoot) -> None:
    pids = {pid for _, pid in in_two(root, process_id)}
    assert os.getpid() not in pids and len(pids) <= 2


@pytest.mark.parametrize("options", [{"processes": 2}, {"processes": 1, "many_files": 1}], ids=str)
def test_few_files_or_one_process_are_read_here(root: MsdRoot, options: dict[str, int]) -> None:
    assert {pid for _, pid in read_partitions(root, KEYS, apply=process_id, **options)} == {os.getpid()}
    assert list(read_partitions(root, KEYS[:1], 8, process_id, many_files=1)) == [("AA", os.getpid())]
    assert list(read_partitions(root, [], 8, process_id, many_files=0)) == []


def test_no_more_is_read_ahead_than_the_workers_need(root: MsdRoot) -> None:
    partitions = in_two(root, mark)
    for _ in range(3):
        next(partitions)
    time.sleep(0.5)
    assert 3 <= len(list(root.path.glob("*.read"))) <= 3 + 6
    partitions.close()


def test_results_larger_than_any_pipe_do_not_block(root: MsdRoot) -> None:
    assert sum(len(content) for _, content in in_two(root, much)) == 100_000_000


def test_what_is_raised_in_a_worker_is_raised_here(root: MsdRoot) -> None:
    partitions = in_two(root, refuse_second)
    assert next(partitions) == ("AA", "AA")
    with pytest.raises(MsdRootError, match="There is no MSD here"):
        next(partitions)


def test_a_worker_that_is_killed_is_one_error_that_names_its_partition(root: MsdRoot) -> None:
    read: list[str] = []
    with pytest.raises(WorkerDied, match=r"partition .*\bAI\b.* was killed.*LOKY_MAX_CPU_COUNT") as died:
        read.extend(key for key, _ in in_two(root, die_at_ninth))
    assert read == KEYS[: len(read)] and len(read) <= 8
    assert "AA" not in str(died.value) and "AT" not in str(died.value)


def test_a_worker_killed_while_it_waits_is_noticed_too(root: MsdRoot) -> None:
    partitions = in_two(root, process_id)
    with pytest.raises(WorkerDied, match="LOKY_MAX_CPU_COUNT"):
        for _, pid in partitions:
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)


CALLER = """
import sys, time
from music_assets.sources.msd import MsdRoot, read_partitions
from music_assets_tests.sources.msd.test_partitions import KEYS, process_id
partitions = read_partitions(MsdRoot.open(sys.argv[1]), KEYS, 2, process_id, many_files=1)
print(*{next(partitions)[1] for _ in range(6)}, flush=True)  # no guard against being imported again is needed
time.sleep(60)
"""


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_no_worker_outlives_its_caller(root: MsdRoot, tmp_path: Path, ended_by: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(CALLER)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(script), str(root.path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as caller:
        assert caller.stdout is not None
        pids = [int(pid) for pid in caller.stdout.readline().split()]
        caller.send_signal(ended_by)
    assert pids
    for _ in range(1000):
        if not any(map(_runs, pids)):
            break
        time.sleep(0.02)
    assert not any(map(_runs, pids))


def _runs(pid: int) -> bool:
    """Whether a process is there and is no zombie nobody has waited for."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False

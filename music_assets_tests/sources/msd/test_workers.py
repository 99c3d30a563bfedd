"""Processes that work for this one: order, bounds, errors, and that none outlives its caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from music_assets.sources.msd import MsdRootError, WorkerDied
from music_assets.sources.msd.workers import Workers


def double(number: int) -> int:
    time.sleep(0.02 if number == 0 else 0)  # the first is done last
    return 2 * number


def refuse() -> None:
    raise MsdRootError("There is no MSD here.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def send_much() -> bytes:
    return bytes(5_000_000)


def process_id() -> int:
    return os.getpid()


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(2) as some:
        yield some


def test_results_come_in_the_order_of_the_tasks(workers: Workers) -> None:
    tasks = ((str(number), (number,)) for number in range(100))
    assert list(workers.map(double, tasks)) == [2 * number for number in range(100)]


def test_no_more_is_taken_ahead_than_the_workers_need(workers: Workers) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[tuple[str, tuple[int]]]:
        for number in range(1_000):
            taken.append(number)
            yield str(number), (number,)

    results = workers.map(double, tasks())
    assert [next(results) for _ in range(10)] == [2 * number for number in range(10)]
    assert len(taken) < 20
    assert list(results)[-1] == 1_998


def test_results_may_be_fetched_in_any_order(workers: Workers) -> None:
    for number in range(5):
        workers.submit(f"task {number}", double, number)
    assert [workers.result(f"task {number}") for number in (3, 0, 4, 1, 2)] == [6, 0, 8, 2, 4]


def test_results_larger_than_any_pipe_do_not_block(workers: Workers) -> None:
    tasks = ((str(number), ()) for number in range(10))
    assert sum(map(len, workers.map(send_much, tasks))) == 50_000_000


def test_what_a_task_raises_is_raised_here_and_the_others_go_on(workers: Workers) -> None:
    workers.submit("refused", refuse)
    workers.submit("next", double, 4)
    with pytest.raises(MsdRootError, match="There is no MSD here"):
        workers.result("refused")
    assert workers.result("next") == 8


def test_the_work_is_done_elsewhere_by_as_many_as_were_asked_for(workers: Workers) -> None:
    tasks = ((str(number), ()) for number in range(20))
    found = set(workers.map(process_id, tasks))
    assert len(found) == 2
    assert os.getpid() not in found


def test_a_worker_that_is_killed_is_one_error_that_names_its_task() -> None:
    with Workers(2) as workers:
        workers.submit("partition AB", die)
        with pytest.raises(WorkerDied, match=r"partition AB was killed by SIGKILL.*MUSIC_ASSETS_READERS"):
            workers.result("partition AB")


def test_a_worker_killed_between_tasks_is_noticed_too() -> None:
    with Workers(1) as workers:
        workers.submit("first", process_id)
        os.kill(workers.result("first"), signal.SIGKILL)
        with pytest.raises(WorkerDied, match="second"):
            workers.submit("second", process_id)
            workers.result("second")


CALLER = """
import sys, time
from music_assets.sources.msd.workers import Workers
from music_assets_tests.sources.msd.test_workers import process_id
with Workers(2) as workers:  # no guard against being imported again: none is needed
    pids = set()
    while len(pids) < 2:
        pids |= set(workers.map(process_id, ((str(n), ()) for n in range(4))))
    workers.submit("long", time.sleep, 0.5)
    print(*pids, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_no_worker_outlives_its_caller(tmp_path: Path, ended_by: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(CALLER)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as caller:
        assert caller.stdout is not None
        pids = [int(pid) for pid in caller.stdout.readline().split()]
        caller.send_signal(ended_by)
    assert len(pids) == 2
    for _ in range(500):
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

"""A run that was killed is noticed, and what waited for its place in a pool starts."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.monitoring import execute_run_monitoring_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster_graphql.test.utils import execute_dagster_graphql

from music_assets.defs.instance import prepare_dagster_home
from music_assets.defs.run_launcher import COMMAND_LINE
from music_assets_tests.support.sandbox import wait_until

# Each says who runs it, and waits until somebody lets it go.
SPENDERS = """
import os, pathlib, time
from dagster import Definitions, asset, define_asset_job, in_process_executor

def spender(name):
    @asset(name=name, pool="scarce")
    def spends():
        here = pathlib.Path(__file__).parent
        (here / "part").write_text(f"{os.getpid()} {os.getppid()}")
        (here / "part").rename(here / name)
        while not (here / "go").exists():
            time.sleep(0.05)
    return spends

defs = Definitions(
    [spender("first"), spender("second")],
    jobs=[define_asset_job(f"{name}_job", name) for name in ("first", "second")],
    executor=in_process_executor,
)
"""
LAUNCH = """
mutation Launch($job: String!) { launchRun(executionParams: {mode: "default", selector: {
  repositoryLocationName: "spenders", repositoryName: "__repository__", jobName: $job
}}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""


class Deployment:
    """A code server with what Dagster's daemon does for runs, a look at a time."""

    def __init__(self, context: WorkspaceProcessContext) -> None:
        self.context = context
        self._queue = QueuedRunCoordinatorDaemon(interval_seconds=1)

    def launch(self, job: str) -> str:
        request = self.context.create_request_context()
        answer = execute_dagster_graphql(request, LAUNCH, variables={"job": job})
        return str(answer.data["launchRun"]["run"]["runId"])

    def look(self) -> None:
        list(execute_run_monitoring_iteration(self.context, logging.getLogger("test")))
        list(self._queue.run_iteration(self.context, None))

    def status(self, run_id: str) -> DagsterRunStatus:
        run = self.context.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status


@pytest.fixture(autouse=True)
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    (folder / "spenders.py").write_text(SPENDERS)
    prepare_dagster_home(folder / "home")
    with DagsterInstance.from_config(str(folder / "home")) as instance:
        instance.event_log_storage.set_concurrency_slots("scarce", 1)
        target = PythonFileTarget(str(folder / "spenders.py"), None, str(folder), "spenders")
        with WorkspaceProcessContext(instance, target) as context:
            yield Deployment(context)


def test_a_run_killed_with_its_server_is_marked_as_failed_and_frees_its_place(tmp_path: Path) -> None:
    with deployment(tmp_path) as before:
        first = before.launch("first_job")
        before.look()
        assert wait_until((tmp_path / "first").exists, 60)
        second = before.launch("second_job")
        before.look()
        assert before.status(first) is DagsterRunStatus.STARTED  # its process is there
        assert before.status(second) is DagsterRunStatus.QUEUED  # where one sees it wait
        run, server = map(int, (tmp_path / "first").read_text().split())
        for process in (server, run):
            os.kill(process, signal.SIGKILL)
    with deployment(tmp_path) as after:
        assert after.status(first) is DagsterRunStatus.STARTED  # nobody was left to notice
        after.look()
        assert after.status(first) is DagsterRunStatus.FAILURE
        assert wait_until((tmp_path / "second").exists, 60)
        (tmp_path / "go").touch()
        assert wait_until(lambda: after.status(second) is DagsterRunStatus.SUCCESS, 60)


def test_a_run_of_a_dagster_command_goes_on_beside_the_ui_until_it_is_killed(tmp_path: Path) -> None:
    with deployment(tmp_path) as ui:
        chosen = ["-f", str(tmp_path / "spenders.py"), "--select", "first"]
        whole = [sys.executable, "-m", "dagster", "asset", "materialize", *chosen]
        with subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
            try:
                assert wait_until((tmp_path / "first").exists, 60)
                (run,) = ui.context.instance.get_runs()
                ui.look()
                assert ui.status(run.run_id) is DagsterRunStatus.STARTED
            finally:
                command.kill()
        ui.look()
        assert ui.status(run.run_id) is DagsterRunStatus.FAILURE


@job
def nothing() -> None:
    pass


@pytest.mark.parametrize("killed", [True, False])
def test_a_run_of_a_killed_command_is_marked_as_failed(tmp_path: Path, killed: bool) -> None:
    prepare_dagster_home(tmp_path / "home")
    with (
        DagsterInstance.from_config(str(tmp_path / "home")) as instance,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as command,
    ):
        tags = {COMMAND_LINE: str(command.pid)}
        run = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED, tags=tags)
        if killed:
            command.kill()
            command.wait()
        launcher: Any = instance.run_launcher
        assert launcher.check_run_worker_health(run).status.value == ("NOT_FOUND" if killed else "RUNNING")

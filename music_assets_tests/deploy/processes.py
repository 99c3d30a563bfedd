"""A run launcher that gives each run a process of its own, as ECS gives it a task.

In place of `EcsRunLauncher`, which needs ECS: it runs the very command that a task runs, in a data folder
that no other run sees, and tells Dagster's monitoring whether the process is alive. Nothing of it is kept in
memory: any process may ask.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dagster import DagsterRun, Field
from dagster._core.launcher import LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.launcher.base import CheckRunHealthResult
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

PROCESS = "test/process"  # the tag that holds its id


class ProcessLauncher(RunLauncher, ConfigurableClass):
    """`scratch` is the folder below which each run has its own."""

    def __init__(self, scratch: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._scratch = Path(scratch)
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        return {"scratch": Field(str)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        run_id, origin = context.dagster_run.run_id, context.job_code_origin
        assert origin
        scratch = self._scratch / run_id
        scratch.mkdir(parents=True)
        _dagster, *command = ExecuteRunArgs(origin, run_id, self._instance.get_ref()).get_command_args()
        with (scratch / "said.txt").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "dagster", *command],
                env={**os.environ, "MUSIC_ASSETS_DATA": str(scratch / "data"), "TMPDIR": str(scratch)},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._instance.add_run_tags(run_id, {PROCESS: str(process.pid)})

    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        return run is not None and end(run)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        if PROCESS in run.tags and not is_alive(int(run.tags[PROCESS])):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not collected does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def end(run: DagsterRun) -> bool:
    """Kill a run's process, and whatever it has started, by SIGKILL; whether it was there."""
    process = int(run.tags.get(PROCESS, 0))
    if not process or not is_alive(process):
        return False
    os.killpg(process, signal.SIGKILL)
    return True

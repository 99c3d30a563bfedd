"""Launching runs on this machine so that one whose process was killed is noticed: `dagster.yaml` names it.

Dagster's own launcher cannot say whether a run still has a process, so a run that was killed together with
its code server would stay in progress, and hold its place in a pool, for ever. This one tells Dagster's run
monitoring, as `EcsRunLauncher` does on AWS. How the instance is configured is in `instance`.
"""

from __future__ import annotations

import os

from dagster import DagsterEventType, DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.events import EngineEventData
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

# Tags of the runs that `music-assets run` makes: the id that those of one command share, which is shown and
# can be filtered by, and their process, which is hidden, so that a run that repeats one elsewhere has it not.
COMMAND, COMMAND_LINE = "music_assets/command", ".dagster/music_assets_command_line"


class LocalRunLauncher(DefaultRunLauncher):
    """Dagster's launcher of runs in processes of the code server, with the state of these processes."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a run that has not ended is there."""
        process = run.tags.get(COMMAND_LINE)
        if self._has_process(run) if process is None else _exists(process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "The process of this run was killed.")

    def _has_process(self, run: DagsterRun) -> bool:
        """Ask the code server that launched the run; if that is gone, so is the run.

        One of a `dagster` command was launched by none: an event of its own names its process.
        """
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            events = self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
            details = [one.dagster_event.event_specific_data for one in events if one.dagster_event]
            pids = [data.metadata.get("pid") for data in details if isinstance(data, EngineEventData)]
            return any(_exists(str(pid.value)) for pid in pids if pid)
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return False
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel


def _exists(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (ValueError, OSError):
        return False
    return True

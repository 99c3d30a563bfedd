"""Dagster's own storage in the data folder (runs, events, schedules), which serves as DAGSTER_HOME of the UI.

Here: its configuration, opening it for a run of the command line, and closing runs that were killed. How
events are written in batches is in `event_log`; what runs is decided by `automation` and the command line.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, JobDefinition, RunsFilter
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from sqlalchemy import make_url

from music_assets.defs.assets.common import POOLS
from music_assets.defs.run_launcher import COMMAND_LINE

_STORAGE_YAML = """\
# Dagster's own storage (runs, events, schedules) is in this folder.
telemetry:
  enabled: false
nux:  # the window that asks for an e-mail address
  enabled: false
"""
# For the runs that the UI, schedules and sensors start. A run takes some 300 MB and a core.
_RUNS_YAML = """\
event_log_storage:  # Dagster's own, written in batches
  module: music_assets.defs.event_log
  class: BatchingEventLog
concurrency:
  runs:
    max_concurrent_runs: 4
  pools:  # one run at a time spends a quota, whoever started it; the others wait in the queue
    granularity: run
    default_limit: 1
run_launcher:
  module: music_assets.defs.run_launcher
  class: LocalRunLauncher
run_monitoring:  # a run whose process was killed is marked as failed, and frees its place
  enabled: true
  poll_interval_seconds: 30
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 3
      success: 90
      failure: 90
"""
# What earlier versions wrote, by the start of its SHA-256: replaced where nobody has edited it.
_EARLIER = {"a65aef952f8dd86d", "710d019e52731676", "853571ba3a6a0a4f"}  # pragma: allowlist secret
# Runs of the command line write to the terminal themselves: capturing their output would take more processes.
# Their events go where Dagster's own storage has them, a batch at a time.
_RUN_YAML = (
    _STORAGE_YAML
    + """\
concurrency:
  pools:
    granularity: run
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
event_log_storage:
  module: music_assets.defs.event_log
  class: BatchingEventLog
  config:
    base_dir: {events}
"""
)


# Where the UI has the project's jobs: `workspace.yaml` and `pyproject.toml` name the code location.
_UI = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("music_assets"), "__repository__")


@contextmanager
def dagster_instance(home: Path) -> Iterator[DagsterInstance]:
    """Dagster's storage in the folder `home`, configured for runs of the command line."""
    # One planned event per range of partitions instead of one per partition.
    os.environ.setdefault("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", "true")
    prepare_dagster_home(home)
    with named_for_dagster(home) as named:
        events = json.dumps(str(named / "history" / "runs"))
        (home / "run.yaml").write_text(_RUN_YAML.format(events=events))
        with DagsterInstance.from_config(str(named), "run.yaml") as instance:
            _name_the_code_location(instance)
            yield instance


def _name_the_code_location(instance: DagsterInstance) -> None:
    """Give runs of this process the origin of the UI's: without one, its timeline and job pages lack them."""
    create = instance.create_run_for_job

    def created(job_def: JobDefinition, **more: Any) -> DagsterRun:
        return create(job_def, remote_job_origin=_UI.get_job_origin(job_def.name), **more)

    instance.create_run_for_job = created  # type: ignore[assignment]


@contextmanager
def ui_instance(home: Path) -> Iterator[DagsterInstance]:
    """The same, configured as the UI has it, by `dagster.yaml`."""
    before = os.environ.pop("DAGSTER_HOME", None)
    with named_for_dagster(home) as named:
        os.environ["DAGSTER_HOME"] = str(named)  # where the event log is
        try:
            with DagsterInstance.from_config(str(named)) as instance:
                yield instance
        finally:
            del os.environ["DAGSTER_HOME"]
            if before is not None:
                os.environ["DAGSTER_HOME"] = before


@contextmanager
def named_for_dagster(home: Path) -> Iterator[Path]:
    """The folder under a name that Dagster can use.

    It writes a path into a URL as it is, where `%20` would be a space and `?` the end of the path. Such a
    folder gets another name meanwhile, by a link.
    """
    if make_url(f"sqlite:///{home}").database == str(home):
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="music_assets_") as folder:
        link = Path(folder, "dagster")
        link.symlink_to(home.absolute(), target_is_directory=True)
        yield link


def prepare_dagster_home(home: Path) -> None:
    """Make a folder usable as DAGSTER_HOME. A `dagster.yaml` that somebody has edited is left as it is."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists() or _digest(config) in _EARLIER:
        config.write_text(_STORAGE_YAML + _RUNS_YAML)


def limit_pools(home: Path) -> None:
    """Set how many runs take from each pool at a time, unless somebody has set another limit.

    Dagster applies its default limit to a pool only once a run has used it: the first two would go together.
    """
    with ui_instance(home) as instance:
        known = {pool.name for pool in instance.event_log_storage.get_pool_limits()}
        for pool, limit in POOLS.items():
            if pool not in known:
                instance.event_log_storage.set_concurrency_slots(pool, limit)


def close_lost_runs(instance: DagsterInstance) -> None:
    """Mark runs of the command line as failed that were killed; call it holding the data folder's lock.

    While the UI runs, its daemon does so too (`run_launcher`).
    """
    unfinished = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    for run in instance.get_runs(RunsFilter(statuses=unfinished)):
        if COMMAND_LINE in run.tags:
            instance.report_run_failed(
                run, "The command was killed during this run. What it produced is kept."
            )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]

"""One run of the main job on this machine: which partitions, in which Dagster runs, and what came of it.

Here: the doing, and the summary as data. What it looks like on a terminal is in `console`, options
and exit codes in `cli`. On AWS the same jobs are launched by Dagster itself.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from filelock import FileLock, Timeout
from sqlalchemy import select

from music_assets.defs.failures import cause_of
from music_assets.errors import MusicAssetsError
from music_assets.settings import Settings, resources
from music_assets.tables.schema import LOADS

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

JOB = "music_etl"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_STORAGE_YAML = """\
# Dagster's own storage (runs, events, schedules) lies in this folder.
telemetry:
  enabled: false
nux:  # the window that asks for an address
  enabled: false
"""
# Of the runs that the UI, schedules and sensors start. A run takes some 300 MB and a core.
_DAGSTER_YAML = (
    _STORAGE_YAML
    + """\
concurrency:
  runs:
    max_concurrent_runs: 4
    tag_concurrency_limits:
      # Those that spend requests share one budget.
      - key: music_assets/spends
        value: requests
        limit: 1
"""
)
# Runs of the command line write to the terminal themselves: capturing that would take processes of its own.
# Their events go where Dagster's own storage has them, a batch at a time.
_RUN_YAML = (
    _STORAGE_YAML
    + """\
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


class RunError(MusicAssetsError):
    """A run that cannot start; the message says why and what to do."""


@dataclass
class Summary:
    """What a run did, as it is shown and as `last_run.json` keeps it.

    `requests_spent` are requests that left for Spotify, `requests_saved` questions that needed none.
    `failed` names what failed and why; files set aside are no failure.
    """

    spotify: str
    partitions: int = 0
    songs: int = 0
    set_aside: int = 0
    matched: int = 0
    ambiguous: int = 0
    below_floor: int = 0
    no_candidates: int = 0
    pending: int = 0
    error: int = 0
    requests_spent: int = 0
    requests_saved: int = 0
    seconds: float = 0.0
    set_aside_files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    interrupted: bool = False
    tables: dict[str, int] = field(default_factory=dict)
    run_ids: list[str] = field(default_factory=list)

    def add(self, result: ExecuteInProcessResult) -> None:
        """Take in what one Dagster run did."""
        from dagster import AssetCheckSeverity, DagsterEventType

        self.run_ids.append(result.run_id)
        for event in result.all_events:
            if event.is_step_materialization:
                self._add_asset(event.materialization)
            elif event.is_step_failure and _is_interrupt(event):
                self.interrupted = True
            elif event.is_step_failure:
                self.failed.append(cause_of(event))
            elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
                check = event.asset_check_evaluation_data
                named = f"check {check.check_name} of {check.asset_key.to_user_string()}"
                if not check.passed and check.severity == AssetCheckSeverity.WARN:
                    self.notes.append(f"{named}: {check.description}")
                elif not check.passed:
                    self.failed.append(named)

    def _add_asset(self, made: Any) -> None:
        name = made.asset_key.to_user_string()
        facts = {key: value.value for key, value in made.metadata.items()}
        self.requests_spent += facts.get("requests_spent", 0)
        if name == "spotify_answers":  # `spotify_search` finds in the ledger what this has just spent
            self.requests_saved -= facts.get("settled_by_search", 0)
        else:
            self.requests_saved += facts.get("requests_saved", 0)
        if name == "msd_songs":
            self.songs += facts["songs"]
            self.set_aside += facts["set_aside"]
            self.set_aside_files += facts["set_aside_files"]
        elif name == "mapped_songs":
            for status in ("matched", "ambiguous", "below_floor", "no_candidates", "pending", "error"):
                setattr(self, status, getattr(self, status) + facts[status])
        elif "dagster/row_count" in facts:
            self.tables[".".join(made.asset_key.path[1:])] = facts["dagster/row_count"]
        if facts.get("refused"):
            problems = "; ".join(facts["problems"])
            self.failed.append(f"{name} {made.partition}: the staged file is refused: {problems}")
        for reason in facts.get("reasons", []):
            if reason not in self.notes:
                self.notes.append(reason)


def run(settings: Settings, spec: str | None = None, *, refresh: bool = False) -> Summary:
    """Materialise every partition that has MSD files, or those `spec` names, then the tables.

    Without `spec` the questions are asked in order of what is wanted most, across all partitions, once their
    songs are read; with it, only what these partitions need is asked. With `refresh`, Spotify is asked again
    about what is stalest before the tables are made, with a share of the requests, once a day.

    Raises:
        MusicAssetsError: the data folder, a file of corrections, a list of tracks, the MSD or the warehouse
            cannot be used, or `spec` names no partition with files.
    """
    started = time.monotonic()
    with hold_data_folder(settings.data):
        from music_assets.definitions import build_defs
        from music_assets.defs.automation import asked_first, extracted, partitioned, refreshed, unpartitioned
        from music_assets.defs.partitions import parse_partitions, runs_of
        from music_assets.resolution import read_priority_list

        wanted = parse_partitions(spec) if spec is not None else None
        resources(settings)["corrections"].read()
        if settings.tracks:
            read_priority_list(settings.tracks)
        definitions = build_defs(settings=settings)
        keys = _partitions_with_files(settings, wanted)
        # Looked at first, so that a warehouse that cannot be written ends the run before any work.
        notes = _of_another_msd(settings)
        summary = Summary(spotify=settings.spotify, partitions=len(keys), notes=notes)
        graph = definitions.resolve_asset_graph()
        job = definitions.resolve_job_def(JOB)
        ranges = [
            {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
            for first, last in runs_of(keys)
        ]
        if wanted is None:
            first, later = extracted.resolve(graph), (partitioned - extracted).resolve(graph)
            steps = [(first, tags) for tags in ranges] + [(asked_first.resolve(graph), {})]
            steps += [(later, tags) for tags in ranges]
        else:
            steps = [(partitioned.resolve(graph), tags) for tags in ranges]
        if refresh:
            steps.append((refreshed.resolve(graph), {}))
        steps.append((unpartitioned.resolve(graph), {}))
        with dagster_instance(settings.dagster_home) as instance, _interruptible(summary):
            close_lost_runs(instance)
            for assets, tags in steps:
                summary.add(_execute(job, instance, assets, tags))
                if summary.interrupted:
                    break
        summary.seconds = round(time.monotonic() - started, 1)
        content = orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2)
        (settings.data / "last_run.json").write_bytes(content)
        return summary


def _execute(job: Any, instance: DagsterInstance, assets: Any, tags: dict[str, str]) -> Any:
    from music_assets.defs.automation.jobs import COMMAND_LINE

    return job.execute_in_process(
        instance=instance,
        asset_selection=sorted(assets),
        tags={COMMAND_LINE: "true", **tags},
        run_config=_QUIET,
        raise_on_error=False,
    )


def _partitions_with_files(settings: Settings, wanted: list[str] | None) -> list[str]:
    there = resources(settings)["msd"].root().partitions()
    keys = there if wanted is None else [key for key in wanted if key in set(there)]
    if not keys and wanted is not None:
        raise RunError(
            f"--partitions names {_some(wanted)}, and the MSD in use has no files there. "
            f"It has {_some(there)}."
        )
    return keys


def _of_another_msd(settings: Settings) -> list[str]:
    """A note where the tables hold partitions that the MSD in use does not have."""
    loaded = select(LOADS.c.slice).where(LOADS.c.table == "msd_songs", LOADS.c.rows > 0)
    with resources(settings)["warehouse"].open().transaction("starting a run") as connection:
        held = set(connection.execute(loaded).scalars())
    others = sorted(held - set(resources(settings)["msd"].root().partitions()))
    if not others:
        return []
    return [
        f"The tables also hold {len(others)} partitions that this MSD does not have ({_some(others)}): of "
        "another MSD, such as the sample? A data folder of its own (--data) keeps them apart."
    ]


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:10]) + (", …" if len(keys) > 10 else "")


def _is_interrupt(event: Any) -> bool:
    """Whether a step failed because of Ctrl-C, which Dagster takes for a failure like any other."""
    error = event.step_failure_data.error
    while error is not None:
        if error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt"):
            return True
        error = error.cause
    return False


@contextmanager
def _interruptible(summary: Summary) -> Iterator[None]:
    """Turn Ctrl-C into an end in order: what is made is kept, and the summary says so."""
    from dagster._core.errors import DagsterExecutionInterruptedError

    try:
        yield
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        summary.interrupted = True


@contextmanager
def hold_data_folder(data: Path) -> Iterator[None]:
    """Hold the data folder for this run."""
    lock = FileLock(data / "run.lock")
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        holder = _read(data / "run.holder")
        raise RunError(
            f"The data folder {data} is in use by another run{holder}. Wait for it, or name another folder "
            "with --data."
        ) from None
    except OSError as error:
        raise RunError(
            f"The data folder {data} cannot be written to ({error.strerror}). Make it writable, or name "
            "another with --data or MUSIC_ASSETS_DATA."
        ) from None
    try:
        (data / "run.holder").write_text(f" (process {os.getpid()})")
        yield
    finally:
        (data / "run.holder").unlink(missing_ok=True)
        lock.release()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@contextmanager
def dagster_instance(home: Path) -> Iterator[DagsterInstance]:
    """Dagster's storage in the data folder; the same folder serves as DAGSTER_HOME of the UI."""
    from dagster import DagsterInstance

    # One planned event a range instead of one a partition.
    os.environ.setdefault("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", "true")
    # Those of a step are written together.
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
    prepare_dagster_home(home)
    events = json.dumps(str(home / "history" / "runs"))
    (home / "run.yaml").write_text(_RUN_YAML.format(events=events))
    with DagsterInstance.from_config(str(home), "run.yaml") as instance:
        yield instance


def close_lost_runs(instance: DagsterInstance) -> None:
    """Say that runs of the command line which were killed failed; call it holding the data folder.

    Nobody else would: a killed process says nothing, and its runs would be "started" in the UI for ever.
    """
    from dagster import DagsterRunStatus, RunsFilter

    from music_assets.defs.automation.jobs import COMMAND_LINE

    going = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    for run in instance.get_runs(RunsFilter(statuses=going, tags={COMMAND_LINE: "true"})):
        instance.report_run_failed(run, "The command was killed while this ran. What it made is kept.")


def prepare_dagster_home(home: Path) -> None:
    """Make a folder usable as DAGSTER_HOME."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    # One that somebody has changed is theirs; what an earlier version wrote is brought up to date.
    if not config.exists() or config.read_text() == _STORAGE_YAML:
        config.write_text(_DAGSTER_YAML)

"""Dagster's daemon, as far as a test needs it: it evaluates sensors and schedules and runs what they request.

As the daemon does, it keeps each sensor's cursor, and starts no run whose key that sensor's runs had before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dagster import (
    DagsterInstance,
    ExecuteInProcessResult,
    RunRequest,
    RunsFilter,
    build_schedule_context,
    build_sensor_context,
)

from music_assets.definitions import build_defs
from music_assets.defs.wiring import resources
from music_assets.settings import Settings


class Daemon:
    """One deployment with its instance; `said` are the reasons of ticks that started nothing."""

    def __init__(
        self,
        settings: Settings,
        instance: DagsterInstance,
        make_resources: Callable[[Settings], dict[str, Any]] = resources,
    ) -> None:
        self.instance = instance
        self.make_resources = make_resources
        self.cursors: dict[str, str | None] = {}
        self.said: list[str] = []
        self.restart(settings)

    def restart(self, settings: Settings) -> None:
        """Load the project anew; what is remembered is in the instance and the cursors."""
        self.resources = self.make_resources(settings)
        self.definitions = build_defs(settings=settings, resources=self.resources)
        self.repository = self.definitions.get_repository_def()

    def tick(self, sensor: str) -> list[tuple[str, str]]:
        """Evaluate a sensor and run what it requests; the job and range of each run."""
        definition = self.repository.get_sensor_def(sensor)
        context = build_sensor_context(
            self.instance, self.cursors.get(sensor), repository_def=self.repository, resources=self.resources
        )
        with context:
            done = definition.evaluate_tick(context)
        self.cursors[sensor] = done.cursor
        return self._run(sensor, done.run_requests or [], done.skip_message)

    def daily(self, at: datetime) -> list[tuple[str, str]]:
        """Evaluate the daily schedule as of a time and run what it requests."""
        definition = self.repository.get_schedule_def("daily")
        context = build_schedule_context(
            self.instance, at, repository_def=self.repository, resources=self.resources
        )
        with context:
            done = definition.evaluate_tick(context)
        return self._run("daily", done.run_requests or [], done.skip_message)

    def settle(self) -> list[tuple[str, str]]:
        """`keep_going` until it starts nothing more."""
        done: list[tuple[str, str]] = []
        for _ in range(20):
            started = self.tick("keep_going")
            if not started:
                return done
            done += started
        raise AssertionError(f"it never comes to rest: {done}")

    def _run(self, by: str, requests: list[RunRequest], skipped: str | None) -> list[tuple[str, str]]:
        if skipped:
            self.said.append(skipped)
        started = []
        for request in requests:
            key = {"dagster/run_key": str(request.run_key), "started_by": by}
            if not self.instance.get_runs(RunsFilter(tags=key)):
                self.execute(str(request.job_name), {**request.tags, **key})
                ends = [
                    request.tags.get(f"dagster/asset_partition_range_{end}", "") for end in ("start", "end")
                ]
                started.append((str(request.job_name), "-".join(sorted(set(filter(None, ends))))))
        return started

    def execute(self, job: str, tags: dict[str, str]) -> ExecuteInProcessResult:
        """Run a job, as the UI would."""
        quiet: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, tags=tags, run_config=quiet, raise_on_error=False
        )

"""What Dagster's daemon starts at one moment: overlapping backfills; the schedule, sensors and a command.

The code server, the queue and the processes of runs are Dagster's own, as `music-assets ui` has them. In the
end the tables are those of one run that nobody disturbed, and nothing was requested twice but what was under
way. Commands beside each other are in `test_overlapping`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dagster import AssetSelection, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionStatus
from dagster._core.storage.tags import SCHEDULE_NAME_TAG, SENSOR_NAME_TAG
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._scheduler.scheduler import launch_scheduled_runs
from dagster._utils.error import SerializableErrorInfo
from dagster_graphql.test.utils import execute_dagster_graphql

from music_assets.definitions import build_defs
from music_assets.defs.automation import asked_first, extracted, partitioned, unpartitioned
from music_assets.defs.instance import limit_pools, prepare_dagster_home
from music_assets.settings import Settings
from music_assets_tests.campaigns.places import InFolder, environment_of, started
from music_assets_tests.campaigns.test_kills import THREADS
from music_assets_tests.campaigns.test_overlapping import (
    ALL,
    ONE,
    OTHER,
    PATIENCE_S,
    ROUNDS,
    alone,
    assert_done_or_refused,
    ended,
    ends,
    msd,
    requests_so_far,
    run,
    same_as,
)
from music_assets_tests.campaigns.world import LONG
from music_assets_tests.defs.test_run_launcher import Deployment
from music_assets_tests.defs.test_ui import LAUNCH
from music_assets_tests.support.sandbox import wait_until

__all__ = ["msd"]  # the fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(2 * 3600 if LONG else 900),
    pytest.mark.parametrize("place", ["folder"], indirect=True),
]

_log = logging.getLogger(__name__)
EVERYTHING = partitioned | asked_first | unpartitioned


def errors(said: Iterable[Any]) -> list[SerializableErrorInfo]:
    """What went wrong in an iteration of the daemon."""
    return [one for one in said if isinstance(one, SerializableErrorInfo)]


class Daemon(Deployment):
    """What the daemon does, when it is told to."""

    @property
    def instance(self) -> DagsterInstance:
        return self.context.instance

    def backfill(self, assets: AssetSelection, partitions: Iterable[str]) -> None:
        """Launch a backfill, as the UI's button does."""
        selected = assets.resolve(build_defs().resolve_asset_graph())
        keys = [{"path": list(key.path)} for key in selected]
        chosen = {"keys": keys, "partitions": list(partitions)}
        answer = execute_dagster_graphql(self.context.create_request_context(), LAUNCH, variables=chosen)
        assert answer.data["launchPartitionBackfill"]["__typename"] == "LaunchBackfillSuccess", answer.data

    def switch_on(self, *, sensors: Iterable[str] = (), schedules: Iterable[str] = ()) -> None:
        location = self.context.create_request_context().get_code_location("music_assets")
        repository = location.get_repository("__repository__")
        for name in sensors:
            self.instance.start_sensor(repository.get_sensor(name))
        for name in schedules:
            self.instance.start_schedule(repository.get_schedule(name))

    def sensors(self) -> None:
        """Evaluate the sensors that are on and due, and queue what they request."""
        assert errors(execute_sensor_iteration(self.context, _log, None, None)) == []

    def schedules(self) -> None:
        """The same for schedules, a day ahead."""
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert errors(launch_scheduled_runs(self.context, _log, tomorrow, {})) == []

    def settle(self) -> list[DagsterRun]:
        """Look until every backfill and run has ended; the runs."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert errors(execute_backfill_iteration(self.context, _log)) == []
            self.look()
            backfills, runs = self.instance.get_backfills(), self.instance.get_runs()
            if all(one.status in BULK_ACTION_TERMINAL_STATUSES for one in backfills) and all(
                one.is_finished for one in runs
            ):
                assert {one.status for one in backfills} <= {BulkActionStatus.COMPLETED_SUCCESS}
                return [*runs]
            assert time.monotonic() < deadline, [(one.job_name, one.status) for one in runs]
            time.sleep(0.5)


@contextmanager
def deployed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    environment = environment_of(settings) | {"DAGSTER_HOME": str(settings.dagster_home)}
    with monkeypatch.context() as variables:
        for name in environment.keys() - {"TMPDIR"}:  # a socket's path has to be short
            variables.setenv(name, environment[name])
        prepare_dagster_home(settings.dagster_home)
        limit_pools(settings.dagster_home)
        target = ModuleTarget("music_assets.definitions", None, None, "music_assets")
        with (
            DagsterInstance.from_config(str(settings.dagster_home)) as instance,
            WorkspaceProcessContext(instance, target) as context,
        ):
            yield Daemon(context)


def test_overlapping_backfills(place: InFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of everything take turns at Spotify, and one that only extracts goes beside both."""
    calm = alone(place)
    for round_ in range(ROUNDS):
        settings = place.settings(f"backfills {round_}")
        settings.data.mkdir()
        before = requests_so_far(place.url)
        with deployed(settings, monkeypatch) as daemon:
            daemon.backfill(EVERYTHING, ONE)
            daemon.backfill(EVERYTHING, OTHER)
            daemon.backfill(extracted, ALL)
            runs = daemon.settle()
        assert {one.status for one in runs} == {DagsterRunStatus.SUCCESS}
        assert requests_so_far(place.url) - before <= calm.requests + 2 * THREADS
        assert same_as(calm, place.tables(settings))
        assert wait_until(lambda: not place.held(settings), 60)  # noqa: B023
        place.drop(settings)


def test_schedule_sensors_and_a_command(place: InFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = alone(place)
    for round_ in range(ROUNDS):
        settings = place.settings(f"day {round_}")
        settings.data.mkdir()
        before = requests_so_far(place.url)
        with deployed(settings, monkeypatch) as daemon, ThreadPoolExecutor() as pool:
            daemon.backfill(extracted, ALL[:2])
            daemon.settle()
            daemon.switch_on(sensors=["keep_going"])
            daemon.sensors()  # songs were extracted, and are to be searched for
            daemon.switch_on(sensors=["msd_files_changed"], schedules=["daily"])
            for looked in [pool.submit(daemon.sensors), pool.submit(daemon.schedules)]:
                looked.result()
            command = pool.submit(ended, started(settings, "run"))  # the others are still in the queue
            runs = daemon.settle()
            assert_done_or_refused(*command.result())
        by = {one.tags.get(SENSOR_NAME_TAG, one.tags.get(SCHEDULE_NAME_TAG)): one.job_name for one in runs}
        assert by["keep_going"] == "ask_first" and by["daily"] == "extract"
        run(settings)  # whoever was refused goes on
        assert ends(settings) <= {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
        assert requests_so_far(place.url) - before <= calm.requests + 2 * THREADS
        assert same_as(calm, place.tables(settings))
        assert wait_until(lambda: not place.held(settings), 60)  # noqa: B023
        place.drop(settings)

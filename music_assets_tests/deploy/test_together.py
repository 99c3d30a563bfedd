"""All parts of the AWS deployment at once, as far as they can be had without AWS.

Each run is a process of its own, as an ECS task is, with a scratch folder of its own. They share staged files
on S3, the warehouse in Redshift, and in PostgreSQL the ledger and Dagster's storage, configured by
`deploy/dagster.yaml` and driven by Dagster's real daemon. S3 is moto's, Redshift is
`music_assets_tests.support.standin`, Spotify the sandbox; `processes` stands for the launcher of ECS tasks.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

from music_assets.cli.job import run_job
from music_assets.defs.wiring import opened_resources
from music_assets.resolution.plan import REQUEST_KINDS
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets.sources.ledger import open_ledger
from music_assets_tests.deploy.conftest import REPOSITORY
from music_assets_tests.deploy.processes import end
from music_assets_tests.support.same_rows import assert_same_rows
from music_assets_tests.support.sandbox import running_sandbox
from music_assets_tests.support.standin import PASSWORD, USER, Standin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# One letter of the MSD, in the ranges that are worked on side by side.
LETTER = ("AA", "AB", "AC", "AD", "AE")
RANGES = (("AA", "AB"), ("AC", "AD"), ("AE", "AE"))
SONGS = 300
LAUNCHER = {"module": "music_assets_tests.deploy.processes", "class": "ProcessLauncher"}


@dataclass
class Deployment:
    """The deployment as an operator has it: runs are handed in, and looked at."""

    instance: DagsterInstance
    workspace: WorkspaceProcessContext
    settings: Settings

    def submit(self, job_name: str, first: str | None = None, last: str | None = None) -> str:
        """Queue a run of a job, for a range of partitions as sensors request it; its id."""
        context = self.workspace.create_request_context()
        location = context.get_code_location("music_assets")
        (repository,) = location.get_repositories().values()
        job = repository.get_full_job(job_name)
        plan = location.get_execution_plan(job, run_config={}, step_keys_to_execute=None, known_state=None)
        ends = {"start": first, "end": last}
        tags = {f"dagster/asset_partition_range_{end}": key for end, key in ends.items() if key}
        queued = self.instance.create_run(
            job_name=job_name,
            run_id=None,
            run_config={},
            status=DagsterRunStatus.NOT_STARTED,
            tags={**job.tags, **tags},
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=plan.execution_plan_snapshot,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=job.parent_job_snapshot,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=repository.asset_graph,
        )
        return str(self.instance.submit_run(queued.run_id, context).run_id)

    def submit_ranges(self, job_name: str) -> list[str]:
        return [self.submit(job_name, *ends) for ends in RANGES]

    def run(self, run_id: str) -> DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found
        return found

    def retry_of(self, run_id: str) -> DagsterRun | None:
        found = self.instance.get_runs(RunsFilter(tags={"dagster/parent_run_id": run_id}))
        return found[0] if found else None

    def steps(self, run_id: str, kind: DagsterEventType) -> set[str]:
        return {str(event.step_key) for event in self.instance.all_logs(run_id, of_type=kind)}

    def wait_for(self, *run_ids: str) -> None:
        """Until these runs have ended well."""
        for run_id in run_ids:
            eventually(lambda run_id=run_id: self.run(run_id).is_finished, f"{run_id} to end")
            assert self.run(run_id).status == DagsterRunStatus.SUCCESS, self.said_of(run_id)

    def kill_when(self, run_id: str, far_enough: Callable[[], bool]) -> DagsterRun:
        """Kill a run's process hard once it is so far; the run that Dagster starts in its place, done."""
        eventually(far_enough, "the run to be far enough")
        assert end(self.run(run_id)), "it was done before it could be killed"
        eventually(lambda: self.retry_of(run_id) is not None, "the lost run to be retried")
        assert self.run(run_id).status == DagsterRunStatus.FAILURE
        retry = self.retry_of(run_id)
        assert retry
        self.wait_for(retry.run_id)
        return retry

    def said_of(self, run_id: str) -> str:
        failures = self.instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
        failures = failures or self.instance.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE)
        return "\n".join(str(event) for event in failures)


def eventually(holds: Callable[[], bool], what: str, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"waited {seconds:g} s for {what}"
        time.sleep(0.2)


@pytest.fixture
def deployment(standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    msd = write_sample(tmp_path / "msd", sample_songs(LETTER, SONGS))
    local = Settings.from_environment({}, data=str(tmp_path / "sandbox"), msd=str(msd))
    with opened_resources(local) as opened:
        catalogue = opened.sandbox.catalogue()
    standin.as_postgres(f"CREATE DATABASE dagster OWNER {USER} TEMPLATE template0;")
    # A little slower than it could be, so that a run is met while it asks.
    with running_sandbox(catalogue, mode="extended", faults={"latency": 0.02}) as sandbox:
        said = {
            "MUSIC_ASSETS_MSD": str(msd),
            "MUSIC_ASSETS_STAGING": f"s3://{standin.bucket}/together",
            "MUSIC_ASSETS_WAREHOUSE": standin.new_database(),
            "MUSIC_ASSETS_LEDGER": f"postgresql://{USER}@/dagster?host={standin.socket_folder}",
            "PGPASSWORD": PASSWORD,
            "MUSIC_ASSETS_SPOTIFY": "sandbox",
            "MUSIC_ASSETS_SANDBOX_URL": sandbox.base_url.removesuffix("/v1/"),
            "MUSIC_ASSETS_DATA": str(tmp_path / "daemon"),
            "DAGSTER_POSTGRES_HOST": "localhost",
            "DAGSTER_POSTGRES_DB": "dagster",
            "DAGSTER_POSTGRES_USER": USER,
            "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
            "DAGSTER_LOGS_BUCKET": standin.bucket,
            "DAGSTER_LOGS_PREFIX": "logs",
            "DAGSTER_HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(REPOSITORY),
        }
        for name, value in said.items():
            monkeypatch.setenv(name, value)
        for name in ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET"):
            monkeypatch.delenv(name, raising=False)
        home = tmp_path / "home"
        home.mkdir()
        (home / "dagster.yaml").write_text(yaml.safe_dump(configuration(standin, tmp_path)))
        with (
            DagsterInstance.from_config(str(home)) as instance,
            running_daemon(tmp_path / "daemon.txt"),
            WorkspaceProcessContext(
                instance, WorkspaceFileTarget([str(REPOSITORY / "workspace.yaml")])
            ) as workspace,
        ):
            try:
                yield Deployment(instance, workspace, Settings.from_environment(said))
            finally:
                for left in instance.get_runs():
                    end(left)


def configuration(standin: Standin, folder: Path) -> dict[str, Any]:
    """`deploy/dagster.yaml`, but for what only AWS has: ECS, TLS, and the minutes a task takes to come."""
    said: dict[str, Any] = yaml.safe_load((REPOSITORY / "deploy" / "dagster.yaml").read_text())
    socket = str(standin.socket_folder)
    said["storage"]["postgres"]["postgres_db"]["params"] = {"sslmode": "disable", "host": socket}
    said["run_launcher"] = {**LAUNCHER, "config": {"scratch": str(folder / "scratch")}}
    said["run_monitoring"] |= {"poll_interval_seconds": 2}
    return said


@contextmanager
def running_daemon(said: Path) -> Iterator[None]:
    """Dagster's daemon, as the service on ECS runs it."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", str(REPOSITORY / "workspace.yaml")]
    with said.open("wb") as output:
        daemon = subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            daemon.terminate()  # it ends its code server, too
            daemon.wait(30)


def test_a_letter_by_many_processes_gives_the_local_tables(deployment: Deployment, tmp_path: Path) -> None:
    """Also where the spender and a loader are killed at work: what they had done is not done again."""
    work, instance = deployment, deployment.instance
    work.wait_for(*work.submit_ranges("extract"))
    assert instance.get_materialized_partitions(AssetKey("msd_songs")) == set(LETTER)

    with closing(open_ledger(work.settings.ledger, source="sandbox")) as ledger:
        asking = work.submit("ask_first")
        work.kill_when(asking, lambda: ledger.count().get("search", 0) >= 20)
        work.wait_for(*work.submit_ranges("ask"))
        spent = ledger.request_counts()
        assert ledger.holder() is None

    first, killed, last = work.submit_ranges("match_and_load")
    retry = work.kill_when(killed, lambda: len(work.steps(killed, DagsterEventType.STEP_SUCCESS)) >= 3)
    work.wait_for(first, last)
    kept = work.steps(killed, DagsterEventType.STEP_SUCCESS)
    assert kept and not kept & work.steps(retry.run_id, DagsterEventType.STEP_START)
    assert were_side_by_side(instance, [first, last])  # the one between may have been killed too early

    work.wait_for(work.submit("tables"))

    # The same songs and answers, in one process, a folder and a file.
    apart = {
        "data": tmp_path / "here",
        "staging": str(tmp_path / "here" / "staging"),
        "warehouse": f"duckdb:///{tmp_path / 'here' / 'warehouse.duckdb'}",
    }
    here = work.settings.model_copy(update=apart)
    summary = run_job(here)
    assert (summary.failed, summary.songs, summary.requests_spent) == ([], SONGS, 0)
    assert_same_rows(here, work.settings)

    # Asked in one go, at one place: the kill cost no more than the questions that were under way.
    alone = run_job(
        here.model_copy(update={"data": tmp_path / "alone", "ledger": str(tmp_path / "alone.sqlite")})
    )
    assert alone.failed == []
    # Artists and audio features were staged by then, and took no request there.
    resolving = sum(spent.get(kind, 0) for kind in REQUEST_KINDS)
    assert 0 < resolving <= alone.requests_spent + 10


def were_side_by_side(instance: DagsterInstance, run_ids: list[str]) -> bool:
    """Whether all of these runs were at work at one moment."""
    records = instance.get_run_records(RunsFilter(run_ids=run_ids))
    return max(one.start_time or 0 for one in records) < min(one.end_time or 0 for one in records)

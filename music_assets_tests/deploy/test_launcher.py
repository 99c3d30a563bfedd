"""Runs on ECS: `deploy/dagster.yaml` with the task definitions of Terraform, against moto's ECS.

Moto runs no container: this shows what is asked of ECS, and what Dagster makes of a task that is gone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from dagster import DagsterInstance, DagsterRun
from dagster._core.launcher import WorkerStatus
from dagster._core.test_utils import in_process_test_workspace, instance_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceRequestContext
from moto import mock_aws

from music_assets_tests.deploy.conftest import REPOSITORY, Applied
from music_assets_tests.deploy.provider import REGION

pytestmark = pytest.mark.slow  # it needs `terraform`

DEFINITIONS = """
from dagster import Definitions, job, op
@op
def one(): pass
def named(name):
    @job(name=name)
    def made(): one()
    return made
defs = Definitions(jobs=[named("match_and_load"), named("ask"), named("extract")])
"""


@dataclass
class Cluster:
    """Dagster's instance as the daemon has it, and ECS beside it."""

    instance: DagsterInstance
    workspace: WorkspaceRequestContext
    tags: dict[str, dict[str, str]]
    ecs: Any

    def launch(self, job_name: str) -> tuple[DagsterRun, dict[str, Any]]:
        """Launch a run of a job with its tags; the run, and the task it became."""
        location = self.workspace.code_locations[0]
        job = next(iter(location.get_repositories().values())).get_full_job(job_name)
        run = self.instance.create_run(
            job_name=job_name,
            run_id=None,
            run_config={},
            status=None,
            tags=self.tags.get(job_name, {}),
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=None,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=None,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=location.get_repository(next(iter(location.get_repositories()))).asset_graph,
        )
        self.instance.launch_run(run.run_id, self.workspace)
        launched = self.instance.get_run_by_id(run.run_id)
        assert launched
        return launched, self.task(launched.tags["ecs/task_arn"])

    def task(self, arn: str) -> dict[str, Any]:
        task: dict[str, Any] = self.ecs.describe_tasks(cluster="music-assets", tasks=[arn])["tasks"][0]
        return task


@pytest.fixture
def cluster(prod: Applied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    environment = prod.outputs["environment"]
    for name, value in environment.items():
        if name.startswith(("DAGSTER_", "AWS_")) and name != "DAGSTER_HOME":
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("MUSIC_ASSETS_DATA", str(tmp_path / "data"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    (tmp_path / "of_test.py").write_text(DEFINITIONS)
    configuration = yaml.safe_load((REPOSITORY / "deploy" / "dagster.yaml").read_text())
    configuration.pop("storage")  # no PostgreSQL here: a folder
    with mock_aws(), running_daemon(prod) as metadata:
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", metadata)
        with (
            instance_for_test(overrides=configuration) as instance,
            in_process_test_workspace(
                instance, LoadableTargetOrigin(python_file=str(tmp_path / "of_test.py"))
            ) as workspace,
        ):
            tags = json.loads(environment["MUSIC_ASSETS_JOB_TAGS"])
            yield Cluster(instance, workspace, tags, boto3.client("ecs", region_name=REGION))


class running_daemon:
    """The daemon's own task on moto's ECS, and ECS's answers about it; gives the address of those."""

    def __init__(self, prod: Applied) -> None:
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.42.0.0/20")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
        ecs = boto3.client("ecs", region_name=REGION)
        ecs.create_cluster(clusterName="music-assets")
        for one in prod.of("aws_ecs_task_definition"):
            register(ecs, one)
        network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
        task = ecs.run_task(
            cluster="music-assets",
            taskDefinition="music-assets-daemon",
            launchType="FARGATE",
            networkConfiguration=network,
        )["tasks"][0]
        about = {"Cluster": task["clusterArn"], "TaskARN": task["taskArn"], "Name": "daemon"}

        class Metadata(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(about).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Metadata)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/v4"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def register(ecs: Any, definition: dict[str, Any]) -> None:
    """Register a task definition of Terraform's state, as Terraform would."""
    ecs.register_task_definition(
        family=definition["family"],
        requiresCompatibilities=definition["requires_compatibilities"],
        networkMode=definition["network_mode"],
        cpu=definition["cpu"],
        memory=definition["memory"],
        executionRoleArn=definition["execution_role_arn"],
        taskRoleArn=definition["task_role_arn"],
        containerDefinitions=json.loads(definition["container_definitions"]),
        volumes=[
            {"name": volume["name"]}
            | ({"host": {"sourcePath": path}} if (path := volume["host_path"]) else {})
            for volume in definition["volume"]
        ],
    )


def test_a_run_is_a_fargate_task_of_the_run_definition(cluster: Cluster) -> None:
    _, task = cluster.launch("match_and_load")
    assert ":task-definition/music-assets-run:" in task["taskDefinitionArn"]
    assert task["launchType"] == "FARGATE"
    (container,) = task["overrides"]["containerOverrides"]
    assert container["name"] == "run"
    assert container["command"][:3] == ["dagster", "api", "execute_run"]


def test_ask_is_a_small_task(cluster: Cluster) -> None:
    _, task = cluster.launch("ask")
    assert (task["overrides"]["cpu"], task["overrides"]["memory"]) == ("256", "1024")


def test_extract_is_asked_for_where_the_msd_is(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    launcher: Any = cluster.instance.run_launcher
    real = launcher._run_task
    monkeypatch.setattr(launcher, "_run_task", lambda **request: (asked.append(request), real(**request))[1])
    tags = json.loads(cluster.tags["extract"]["ecs/run_task_kwargs"])
    # Moto has no such instance and no such network: what would be asked is what counts.
    with pytest.raises(Exception, match=r"."):
        cluster.launch("extract")
    assert asked[0]["taskDefinition"] == "music-assets-extract"
    assert asked[0]["capacityProviderStrategy"] == tags["capacityProviderStrategy"]
    assert asked[0]["networkConfiguration"] == tags["networkConfiguration"]
    assert "launchType" not in asked[0]


def test_a_lost_task_is_noticed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    run, task = cluster.launch("match_and_load")
    launcher: Any = cluster.instance.run_launcher
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    cluster.ecs.stop_task(cluster="music-assets", task=task["taskArn"])
    # Moto leaves out the containers of a stopped task, where ECS says how they ended.
    gone = cluster.task(task["taskArn"]) | {"containers": [{"name": "run", "exitCode": 137}]}
    monkeypatch.setattr(launcher.ecs, "describe_tasks", lambda **_: {"tasks": [gone]})
    health = launcher.check_run_worker_health(run)
    assert health.status == WorkerStatus.FAILED and "exit code 137" in health.msg


def test_a_run_can_be_stopped(cluster: Cluster) -> None:
    run, task = cluster.launch("match_and_load")
    assert cluster.instance.run_launcher.terminate(run.run_id)
    assert cluster.task(task["taskArn"])["desiredStatus"] == "STOPPED"


def test_lost_runs_are_retried_and_only_those(cluster: Cluster) -> None:
    instance = cluster.instance
    assert instance.run_monitoring_enabled and instance.run_monitoring_max_resume_run_attempts == 0
    assert instance.run_retries_enabled and instance.run_retries_max_retries == 2
    assert not instance.run_retries_retry_on_asset_or_op_failure


def test_the_queue_lets_one_spender_and_two_readers_of_the_msd_go(cluster: Cluster) -> None:
    queue = cluster.instance.get_concurrency_config().run_queue_config
    assert queue
    limits = {(one["key"], one["value"]): one["limit"] for one in queue.tag_concurrency_limits}
    assert limits == {("music_assets/place", "msd"): 2}
    assert cluster.tags["extract"]["music_assets/place"] == "msd"


def test_tasks_write_to_their_scratch_folder_alone(prod: Applied) -> None:
    for definition in prod.of("aws_ecs_task_definition"):
        (container,) = json.loads(definition["container_definitions"])
        writable = [one["containerPath"] for one in container["mountPoints"] if not one["readOnly"]]
        assert container["readonlyRootFilesystem"] and writable == ["/scratch"]
        settings = {one["name"]: one["value"] for one in container["environment"]}
        assert settings["MUSIC_ASSETS_DATA"].startswith("/scratch") and settings["TMPDIR"] == "/scratch"


def test_the_msd_is_mounted_for_extract_alone_and_read_only(prod: Applied) -> None:
    mounts = {
        definition["family"]: [
            (one["containerPath"], one["readOnly"])
            for one in json.loads(definition["container_definitions"])[0]["mountPoints"]
            if one["sourceVolume"] == "msd"
        ]
        for definition in prod.of("aws_ecs_task_definition")
    }
    msd = prod.outputs["environment"]["MUSIC_ASSETS_MSD"]
    assert {family: mount for family, mount in mounts.items() if mount} == {
        "music-assets-extract": [(msd, True)]
    }

"""What the Terraform configuration comes to: it holds together, nothing is open, and it fits the code."""

from __future__ import annotations

import base64
import inspect
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dagster import job, op
from dagster._daemon.monitoring import run_monitoring

from music_assets.cli.erase import spotify_kinds
from music_assets.cli.grant import grant
from music_assets_tests.deploy.conftest import REPOSITORY, Applied, Apply, TerraformRefused

pytestmark = pytest.mark.slow  # it needs `terraform`

MODULES = sorted(path for path in (REPOSITORY / "terraform" / "modules").iterdir() if path.is_dir())
METRIC_FILTER = "aws_cloudwatch_log_metric_filter"


@pytest.mark.parametrize(
    ("variables", "there", "not_there"),
    [
        ({}, "aws_redshiftserverless_workgroup", "aws_redshift_cluster"),
        ({"redshift_engine": "ra3"}, "aws_redshift_cluster", "aws_redshiftserverless_workgroup"),
        ({"msd_source": "s3", "msd_bucket": "copy"}, "aws_autoscaling_group", None),
        ({"msd_source": "efs", "msd_efs_id": "fs-1"}, "aws_ecs_service", "aws_autoscaling_group"),
        ({"msd_source": "none"}, "aws_ecs_service", "aws_autoscaling_group"),
    ],
)
def test_every_variant_applies(
    terraform: Apply, variables: dict[str, Any], there: str, not_there: str | None
) -> None:
    applied = terraform("prod", **variables)
    assert applied.of(there)
    assert not_there is None or not applied.of(not_there)


def test_dev_is_a_bucket_and_the_smallest_redshift(dev: Applied) -> None:
    (workgroup,) = dev.of("aws_redshiftserverless_workgroup")
    assert (workgroup["base_capacity"], workgroup["max_capacity"]) == (8, 8)
    for costly in ("aws_nat_gateway", "aws_ecs_service", "aws_db_instance", "aws_lb"):
        assert not dev.of(costly)


@pytest.mark.parametrize("source", ["snapshot", "s3", "subset"])
def test_research_is_one_machine_that_runs_the_job_and_ends_itself(terraform: Apply, source: str) -> None:
    applied = terraform("research", msd_source=source, msd_bucket="copy")
    (machine,) = applied.of("aws_instance")
    assert machine["instance_initiated_shutdown_behavior"] == "terminate"
    disks = applied.of("aws_ebs_volume")
    assert len(disks) == len(applied.of("aws_volume_attachment")) == (2 if source == "snapshot" else 1)
    script = machine["user_data"]
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    for name, value in applied.outputs["environment"].items():
        assert f"{name}={value}\n" in script
    assert "SPOTIPY_CLIENT_SECRET=%(client_secret)s" in script
    # Nobody comes in, and the warehouse lets nobody in but it.
    inward = applied.of("aws_vpc_security_group_ingress_rule")
    assert [one["referenced_security_group_id"] for one in inward] == [machine["vpc_security_group_ids"][0]]
    assert not applied.of("aws_redshiftserverless_workgroup")[0]["publicly_accessible"]
    for costly in ("aws_nat_gateway", "aws_ecs_service", "aws_db_instance", "aws_lb"):
        assert not applied.of(costly)


def test_research_at_rest_keeps_its_data_and_nothing_that_is_paid_by_the_hour(terraform: Apply) -> None:
    applied = terraform("research", running=False)
    assert not applied.of("aws_instance")
    (disk,) = applied.of("aws_ebs_volume")
    assert disk["size"] == 40 and disk["final_snapshot"] is True
    assert "instance_id" not in applied.outputs


@pytest.mark.parametrize("engine", ["serverless", "ra3"])
def test_readers_have_a_queue_and_minutes_of_their_own(terraform: Apply, engine: str) -> None:
    """By the role that `grant` makes: a session cannot leave it, as it could a query group."""
    applied = terraform("prod", redshift_engine=engine, reader_seconds=120)
    if engine == "serverless":
        (workgroup,) = applied.of("aws_redshiftserverless_workgroup")
        found = {one["parameter_key"]: one["parameter_value"] for one in workgroup["config_parameter"]}
        assert found["enable_user_activity_logging"] == "true"
        # Either queues or limits of the workgroup, says AWS; not both.
        assert "max_query_execution_time" not in found
    else:
        (group,) = applied.of("aws_redshift_parameter_group")
        found = {one["name"]: one["value"] for one in group["parameter"]}
    readers, *others = json.loads(found["wlm_json_configuration"])
    role = next(one.default for one in grant.params if one.name == "role")
    assert readers["user_role"] == [role]
    assert readers["rules"][0]["predicate"][0]["value"] == 120
    assert others and not any("rules" in one for one in others)


def test_people_are_told_of_a_day_that_costs_more(prod: Applied) -> None:
    (alarm,) = prod.of("aws_cloudwatch_metric_alarm", "warehouse")
    (workgroup,) = prod.of("aws_redshiftserverless_workgroup")
    assert alarm["dimensions"] == {"Workgroup": workgroup["workgroup_name"]}
    assert alarm["threshold"] == 200 * 3600 and alarm["alarm_actions"]


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replaced("modules/base/main.tf", "module.bucket.arn\n", "module.bucket.arm\n"), "arm"),
        (replaced("modules/base/main.tf", "  nat     = false\n", ""), '"nat" is required'),
        (replaced("modules/key/main.tf", "enable_key_rotation", "enable_rotation"), "enable_rotation"),
        (
            replaced("modules/key/outputs.tf", "this.arn", "this.arm"),
            "no argument, nested block, or exported",
        ),
    ],
)
def test_what_does_not_hold_together_is_refused(
    terraform: Apply, change: Callable[[Path], None], said: str
) -> None:
    with pytest.raises(TerraformRefused, match=re.escape(said)):
        terraform("dev", change)


@pytest.mark.parametrize("cidrs", [["0.0.0.0/0"], ["203.0.113.7/32", "10.0.0.0/8"]])
def test_a_warehouse_open_to_the_world_is_refused(terraform: Apply, cidrs: list[str]) -> None:
    with pytest.raises(TerraformRefused, match="Invalid value for variable"):
        terraform("dev", client_cidrs=cidrs)


def test_nothing_of_prod_is_on_the_internet(prod: Applied) -> None:
    assert [
        one["cidr_ipv4"] for one in prod.of("aws_vpc_security_group_ingress_rule") if one["cidr_ipv4"]
    ] == ["10.42.0.0/16"]
    assert [one["internal"] for one in prod.of("aws_lb")] == [True]
    assert [one["publicly_accessible"] for one in prod.of("aws_db_instance")] == [False]
    assert [one["publicly_accessible"] for one in prod.of("aws_redshiftserverless_workgroup")] == [False]
    for service in prod.of("aws_ecs_service"):
        assert service["network_configuration"][0]["assign_public_ip"] is False


def test_nobody_gets_to_the_ui_without_signing_in(prod: Applied) -> None:
    (listener,) = prod.of("aws_lb_listener")
    assert [one["type"] for one in listener["default_action"]] == ["authenticate-cognito", "forward"]
    assert prod.of("aws_cognito_user_pool")[0]["admin_create_user_config"] == [
        {"allow_admin_create_user_only": True, "invite_message_template": []}
    ]


def test_no_password_is_in_the_state(prod: Applied) -> None:
    (database,) = prod.of("aws_db_instance")
    assert database["manage_master_user_password"] is True
    assert not {name for name, value in database.items() if name.startswith("password") and value}
    assert not prod.of("aws_secretsmanager_secret_version")


def test_a_first_apply_that_breaks_off_is_completed_by_the_second(terraform: Apply) -> None:
    """Database and tasks have the same password, wherever the first one stopped."""
    applied = terraform("prod", fails="aws_db_instance")
    (database,) = applied.of("aws_db_instance")
    secret = database["master_user_secret"][0]["secret_arn"]
    for task in applied.of("aws_ecs_task_definition"):
        (container,) = json.loads(task["container_definitions"])
        secrets = {one["name"]: one["valueFrom"] for one in container["secrets"]}
        assert secrets["PGPASSWORD"] == f"{secret}:password::"
    (reads,) = [one for one in applied.policy("execution") if one["Sid"] == "ReadSecrets"]
    assert secret in reads["Resource"]


def test_the_disk_of_the_msd_needs_no_key_that_auto_scaling_may_not_use(prod: Applied) -> None:
    (template,) = prod.of("aws_launch_template")
    disks = [one["ebs"][0] for one in template["block_device_mappings"]]
    assert len(disks) == 2 and all(one["encrypted"] and not one["kms_key_id"] for one in disks)
    script = base64.b64decode(template["user_data"]).decode()
    assert template["instance_initiated_shutdown_behavior"] == "terminate"
    assert "trap 'shutdown -h now' ERR" in script and "/dev/sdf" not in script
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_staged_spotify_content_does_not_outlive_the_retention(terraform: Apply) -> None:
    (lifecycle,) = terraform("prod", retention_days=90).of("aws_s3_bucket_lifecycle_configuration")
    ends = {
        rule["filter"][0]["prefix"]: rule["expiration"][0]["days"]
        for rule in lifecycle["rule"]
        if rule["id"].startswith("retention-")
    }
    assert ends == {f"staging/{kind}/": 90 for kind in spotify_kinds()}
    (old,) = (rule for rule in lifecycle["rule"] if rule["id"] == "old-versions")
    assert old["noncurrent_version_expiration"][0]["noncurrent_days"] == 7
    assert old["filter"] and not old["filter"][0]["prefix"]  # of everything


def test_the_ledger_is_in_the_database_of_dagster_and_its_password_is_a_secret(prod: Applied) -> None:
    (database,) = prod.of("aws_db_instance")
    url = prod.outputs["environment"]["MUSIC_ASSETS_LEDGER"]
    assert url.startswith("postgresql://dagster@") and database["address"] in url and "sslmode=require" in url
    for task in prod.of("aws_ecs_task_definition"):
        (container,) = json.loads(task["container_definitions"])
        secrets = {one["name"]: one["valueFrom"] for one in container["secrets"]}
        assert secrets["PGPASSWORD"] == secrets["DAGSTER_POSTGRES_PASSWORD"]


def test_people_are_told_by_lines_that_dagster_really_writes(
    prod: Applied, capfd: pytest.CaptureFixture[str]
) -> None:
    @op
    def one() -> None:
        pass

    @op
    def none() -> None:
        raise ValueError("no")

    @job
    def tables() -> None:
        one()

    @job
    def failing() -> None:
        none()

    tables.execute_in_process()
    failing.execute_in_process(raise_on_error=False)
    lines = capfd.readouterr().err.splitlines()
    filters = {one["name"]: re.findall(r'"([^"]+)"', one["pattern"]) for one in prod.of(METRIC_FILTER)}
    found = {
        name: [line for line in lines if all(word in line for word in words)]
        for name, words in filters.items()
    }
    assert [len(found["Published"]), len(found["FailedRuns"])] == [1, 1]
    assert '"tables"' in found["Published"][0] and '"failing"' in found["FailedRuns"][0]
    # What the daemon says of a lost task.
    assert filters["LostRuns"][0] in inspect.getsource(run_monitoring)


def test_tables_are_due_at_seven_in_peoples_time_zone(prod: Applied) -> None:
    (deadline,) = prod.of("aws_scheduler_schedule")
    assert (deadline["schedule_expression"], deadline["schedule_expression_timezone"]) == (
        "cron(0 7 * * ? *)",
        "Europe/Berlin",
    )
    mark = json.loads(deadline["target"][0]["input"])
    (alarm,) = prod.of("aws_cloudwatch_metric_alarm", "deadline")
    assert (mark["Namespace"], mark["MetricData"][0]["MetricName"]) == (
        alarm["namespace"],
        alarm["metric_name"],
    )


SERVICES = {
    "autoscaling": "autoscaling",
    "budgets": "budgets",
    "cloudwatch": "cloudwatch",
    "cloudwatch_log": "logs",
    "cognito": "cognito-idp",
    "db": "rds",
    "ecr": "ecr",
    "ecs": "ecs",
    "iam": "iam",
    "kms": "kms",
    "lb": "elasticloadbalancing",
    "redshift": "redshift",
    "redshiftserverless": "redshift-serverless",
    "s3": "s3",
    "scheduler": "scheduler",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
}


def test_the_guides_policy_lets_one_make_all_of_it(prod: Applied, dev: Applied) -> None:
    guide = (REPOSITORY / "docs" / "aws.md").read_text()
    (policy,) = re.findall(r"```json\n(.*?)```", guide, re.S)
    statements = json.loads(policy)["Statement"]
    actions = {action.split(":")[0] for one in statements for action in one["Action"]}
    made = {resource["type"] for one in (prod, dev) for resource in json.loads(one.text)["resources"]}
    for kind in made:
        words = kind.removeprefix("aws_").split("_")
        service = SERVICES.get("_".join(words[:2])) or SERVICES.get(words[0]) or "ec2"
        assert service in actions or kind.startswith(
            ("aws_caller", "aws_partition", "aws_region", "aws_ssm")
        ), kind
    # Roles are of one name alone: Terraform's have it.
    for kind in ("aws_iam_role", "aws_iam_policy", "aws_iam_instance_profile"):
        assert all(one["name"].startswith("music-assets") for one in prod.of(kind) + dev.of(kind))


def declared(module: Path, kind: str) -> dict[str, str]:
    text = "\n".join(path.read_text() for path in module.glob("*.tf"))
    return dict(re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', text, re.M | re.S))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_variable_and_output_is_described_and_used(module: Path) -> None:
    own = "\n".join(path.read_text() for path in module.glob("*.tf"))
    users = "\n".join(path.read_text() for path in module.parents[1].rglob("*.tf"))
    for name, body in declared(module, "variable").items():
        assert 'description = "' in body, name
        assert f"var.{name}" in own, f"{name} is used nowhere"
    for name, body in declared(module, "output").items():
        assert 'description = "' in body, name
        assert f"module.{module.name}.{name}" in users, f"{name} is used nowhere"


@pytest.mark.parametrize("path", sorted((REPOSITORY / "terraform").rglob("*.tf")), ids=str)
def test_every_skip_says_why(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "checkov:skip" in line:
            assert re.search(r"checkov:skip=CKV2?_AWS_\d+: \w.{10,}\.$", line), line

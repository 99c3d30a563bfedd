"""The roles, held against the calls that our code makes: each is allowed by its role, and others are not.

The code runs against moto; each call is noted as the action and resource that IAM would decide about, and
the role's statements, as Terraform gives them, are asked. Conditions are taken as fulfilled; resource
policies, KMS grants and the services' own rules are not played.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

import boto3
import botocore.client
import pytest
from moto import mock_aws

from music_assets.staging.store import StagedFile, StagingStore, checksum
from music_assets_tests.deploy.conftest import REPOSITORY, Applied, Apply
from music_assets_tests.deploy.provider import ACCOUNT, REGION

pytestmark = pytest.mark.slow  # it needs `terraform`

Call = tuple[str, str]  # action, resource
# Where the action that IAM decides about has another name than the call.
ACTION = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "UploadPart": "PutObject",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
}


def decided(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[Call]:
    """The actions and resources IAM decides about for one call."""
    if service == "s3":
        where = f"arn:aws:s3:::{parameters['Bucket']}"
        if operation == "DeleteObjects":
            yield from (
                ("s3:DeleteObjectVersion", f"{where}/{one['Key']}") for one in parameters["Delete"]["Objects"]
            )
            return
        yield (
            f"s3:{ACTION.get(operation, operation)}",
            f"{where}/{parameters['Key']}" if "Key" in parameters else where,
        )
        return
    yield f"{service}:{operation}", parameters["SecretId"]


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Call]]:
    """Note every call to AWS made within."""
    calls: set[Call] = set()
    real: Callable[..., Any] = botocore.client.BaseClient._make_api_call

    def call(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        calls.update(decided(self.meta.service_model.service_name, operation, parameters))
        return real(self, operation, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield calls


def allowed(statements: list[dict[str, Any]], call: Call) -> bool:
    """Whether a statement allows the call. None of ours denies."""

    def matches(patterns: str | list[str], value: str) -> bool:
        listed = [patterns] if isinstance(patterns, str) else patterns
        # Only * and ? mean more than themselves to IAM.
        return any(fnmatchcase(value, one.replace("[", "[[]")) for one in listed)

    assert {one["Effect"] for one in statements} == {"Allow"}
    return any(matches(one["Action"], call[0]) and matches(one["Resource"], call[1]) for one in statements)


@pytest.fixture
def world(prod: Applied, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What Terraform made, as moto has it; the settings that lead there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    environment: dict[str, str] = prod.outputs["environment"]
    with mock_aws():
        bucket = environment["MUSIC_ASSETS_STAGING"].split("/")[2]
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=bucket)
        yield environment


def stage(environment: dict[str, str], kind: str) -> None:
    store = StagingStore(environment["MUSIC_ASSETS_STAGING"])
    content = b"some"
    assert store.staged_file(kind, "AB") is None
    store.write(
        StagedFile(
            kind=kind,
            partition_key="AB",
            fingerprint="x",
            rows=1,
            bytes=len(content),
            checksum=checksum(content),
            run_id="r",
            written_at="now",
        ),
        content,
    )
    assert store.staged_file(kind, "AB") is not None


def test_a_run_may_do_what_staging_takes(
    prod: Applied, world: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with noted(monkeypatch) as calls:
        stage(world, "spotify_tracks")
    assert len(calls) > 2
    assert not [call for call in calls if not allowed(prod.policy("run"), call)]


def test_staged_files_are_encrypted_by_the_key_that_their_writers_and_copy_may_use(prod: Applied) -> None:
    """By the bucket's own default: what writes names no key."""
    (encryption,) = prod.of("aws_s3_bucket_server_side_encryption_configuration")
    (rule,) = encryption["rule"]
    (default,) = rule["apply_server_side_encryption_by_default"]
    assert default["sse_algorithm"] == "aws:kms"
    key = default["kms_master_key_id"]
    assert allowed(prod.policy("redshift-copy"), ("kms:Decrypt", key))
    for role in ("run", "extract"):
        assert allowed(prod.policy(role), ("kms:GenerateDataKey", key)), role


def test_extract_may_stage_the_msd_and_nothing_of_spotify(
    prod: Applied, world: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with noted(monkeypatch) as own:
        stage(world, "msd_songs")
    with noted(monkeypatch) as other:
        stage(world, "spotify_tracks")
    assert own and not [call for call in own if not allowed(prod.policy("extract"), call)]
    assert not [call for call in other if allowed(prod.policy("extract"), call)]


def test_each_task_is_its_own_user_of_the_warehouse(prod: Applied) -> None:
    """By the URL it is given, which names a secret that its role may read, and no other's."""
    found = {}
    for definition in prod.of("aws_ecs_task_definition"):
        (container,) = json.loads(definition["container_definitions"])
        (url,) = (one["value"] for one in container["environment"] if one["name"] == "MUSIC_ASSETS_WAREHOUSE")
        found[definition["family"].removeprefix("music-assets-")] = url.partition("secret=")[2]
    readers = {
        secret: {role for role in found if allowed(prod.policy(role), (action, secret))}
        for action in ("secretsmanager:GetSecretValue",)
        for secret in found.values()
    }
    assert readers == {
        found["run"]: {"run", "grant"},
        found["daemon"]: {"daemon", "grant"},
        found["grant"]: {"grant"},
    }
    writes = {role for role in found for secret in readers if allowed(prod.policy(role), (PUT, secret))}
    assert writes == {"grant"} and not allowed(prod.policy("grant"), (PUT, found["grant"]))


PUT = "secretsmanager:PutSecretValue"
BOUNDARY = REPOSITORY / "terraform" / "boundary.json"


@pytest.mark.parametrize("environment", ["dev", "research", "prod"])
def test_no_role_goes_beyond_the_boundary_or_needs_to(terraform: Apply, environment: str) -> None:
    applied = terraform(environment)
    (within, hand_over) = json.loads(BOUNDARY.read_text())["Statement"]
    roles = applied.of("aws_iam_role")
    assert roles and all(
        role["permissions_boundary"] == f"arn:aws:iam::{ACCOUNT}:policy/music-assets-boundary"
        for role in roles
    )
    for policy in applied.of("aws_iam_role_policy"):
        for statement in json.loads(policy["policy"])["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            for action in actions:
                assert action == "iam:PassRole" or allowed([within], (action, "*")), (policy["role"], action)
    for attached in applied.of("aws_iam_role_policy_attachment"):  # AWS's own, which are within it
        assert attached["policy_arn"].rsplit("/", 1)[1] in (
            "AmazonSSMManagedInstanceCore",
            "AmazonEC2ContainerServiceforEC2Role",
        )
    assert not allowed([within], ("iam:PassRole", "*")) and not allowed([within], ("sts:AssumeRole", "*"))
    assert hand_over["Condition"] and not allowed(
        [hand_over], ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin")
    )


def test_who_sets_up_makes_no_role_without_the_boundary_and_cannot_widen_it() -> None:
    (policy,) = re.findall(r"```json\n(.*?)```", (REPOSITORY / "docs" / "aws.md").read_text(), re.S)
    statements = json.loads(policy)["Statement"]
    denied = [one for one in statements if one["Effect"] == "Deny"]
    for action in ("CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy", "DeletePolicyVersion"):
        boundary = f"arn:aws:iam::{ACCOUNT}:policy/music-assets-boundary"
        assert any(
            f"iam:{action}" in one["Action"] and fnmatchcase(boundary, one["Resource"]) for one in denied
        )
    for action in ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"):
        allowing = [
            one for one in statements if one["Effect"] == "Allow" and f"iam:{action}" in one["Action"]
        ]
        assert allowing and all(
            one["Condition"]["StringLike"]["iam:PermissionsBoundary"].endswith(
                ":policy/music-assets-boundary"
            )
            for one in allowing
        )
    actions = {action for one in statements for action in one["Action"]}
    assert "iam:DeleteRolePermissionsBoundary" not in actions and "iam:*" not in actions


@pytest.mark.parametrize("role", ["webserver", "daemon"])
def test_webserver_and_daemon_may_launch_these_two_kinds_of_task_with_their_roles(
    prod: Applied, role: str
) -> None:
    statements = prod.policy(role)
    task_definition = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition"
    for family in ("run", "extract"):
        assert allowed(statements, ("ecs:RunTask", f"{task_definition}/music-assets-{family}:7"))
        assert allowed(statements, ("iam:PassRole", prod.outputs["task_roles"][family]))
    assert allowed(statements, ("iam:PassRole", prod.outputs["task_roles"]["execution"]))
    assert not allowed(statements, ("ecs:RunTask", f"{task_definition}/music-assets-daemon:7"))
    assert not allowed(statements, ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin"))
    assert not allowed(statements, ("ecs:RegisterTaskDefinition", "*"))


def test_ecs_may_read_every_secret_it_hands_over_and_no_other(prod: Applied) -> None:
    statements = prod.policy("execution")
    handed = {
        ":".join(secret["valueFrom"].split(":")[:7])
        for definition in prod.of("aws_ecs_task_definition")
        for secret in json.loads(definition["container_definitions"])[0]["secrets"]
    }
    assert len(handed) == 2
    assert all(allowed(statements, ("secretsmanager:GetSecretValue", secret)) for secret in handed)
    assert not allowed(
        statements,
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:other"),
    )


def test_copy_may_read_staged_files_alone(prod: Applied) -> None:
    statements = prod.policy("redshift-copy")
    staging = prod.outputs["environment"]["MUSIC_ASSETS_STAGING"].replace("s3://", "arn:aws:s3:::")
    assert allowed(statements, ("s3:GetObject", f"{staging}/spotify_tracks/A/B.json.gz"))
    assert allowed(statements, ("s3:GetObject", f"{staging}/copy/spotify_tracks/run.manifest"))
    assert not allowed(statements, ("s3:GetObject", staging.replace("/staging", "/compute-logs/x")))
    assert not allowed(statements, ("s3:PutObject", f"{staging}/spotify_tracks/A/B.json.gz"))


def test_a_laptop_may_do_what_staging_takes(
    dev: Applied, world: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dev.outputs["environment"]
    boto3.client("s3", region_name=REGION).create_bucket(
        Bucket=environment["MUSIC_ASSETS_STAGING"].split("/")[2]
    )
    with noted(monkeypatch) as calls:
        stage(environment, "spotify_tracks")
    statements = json.loads(dev.of("aws_iam_policy", "laptop")[0]["policy"])["Statement"]
    assert calls and not [call for call in calls if not allowed(statements, call)]


def test_a_run_and_a_laptop_may_purge_for_good(
    prod: Applied, dev: Applied, world: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old versions and unfinished uploads too; what is not staged stays out of reach."""
    boto3.client("s3", region_name=REGION).create_bucket(
        Bucket=dev.outputs["environment"]["MUSIC_ASSETS_STAGING"].split("/")[2]
    )
    laptop = json.loads(dev.of("aws_iam_policy", "laptop")[0]["policy"])["Statement"]
    for environment, statements in (
        (world, prod.policy("run")),
        (dev.outputs["environment"], laptop),
    ):
        stage(environment, "spotify_tracks")
        with noted(monkeypatch) as calls:
            assert StagingStore(environment["MUSIC_ASSETS_STAGING"]).erase("spotify_tracks", "AB") > 0
        assert {action for action, _ in calls} >= {
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
            "s3:DeleteObjectVersion",
        }
        assert not [call for call in calls if not allowed(statements, call)]


@pytest.mark.parametrize(
    "role", ["webserver", "daemon", "run", "extract", "redshift-copy", "execution", "grant"]
)
def test_no_role_may_do_everything_of_a_kind(prod: Applied, role: str) -> None:
    for statement in prod.policy(role):
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        assert not [action for action in actions if "*" in action]
        if statement["Resource"] == ["*"]:
            assert all(re.match(r"\w+:(Describe|GetAuthorizationToken)", action) for action in actions)

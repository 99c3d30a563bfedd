"""A Terraform provider named `aws` that makes nothing: `terraform apply` runs against it as against AWS.

Terraform itself then checks every reference, variable, output and function of the configuration, and
evaluates all of it, down to policies and task definitions. What exists, what is required and what nests is
the real provider's schema (extracted; it lies beside the repository). What AWS would answer is made up here,
in `ANSWERS`: the computed attributes that our configuration reads, each as AWS writes it. One that is not
listed is an unsupported attribute, as a misspelt one is. Types of values are not checked: every attribute
takes any.

Terraform talks to providers by gRPC (plugin protocol 6), to one that runs already by TF_REATTACH_PROVIDERS.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import msgpack

ACCOUNT, REGION = "123456789012", "us-east-1"  # the account of AWS's own examples, and moto's
SECRET = "arn:aws:secretsmanager:{region}:{account}:secret:"
UNKNOWN = msgpack.ExtType(0, b"\0")

# Computed attributes by type, `{x}` being the configuration's attribute x, or `id`.
ANSWERS: dict[str, dict[str, Any]] = {
    "aws_autoscaling_group": {
        "arn": "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:x:autoScalingGroupName/{name}"
    },
    "aws_cloudwatch_log_group": {"arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
    "aws_cognito_user_pool": {"arn": "arn:aws:cognito-idp:{region}:{account}:userpool/{id}"},
    "aws_cognito_user_pool_client": {},
    "aws_db_instance": {
        "address": "{identifier}.example.{region}.rds.amazonaws.com",
        "master_user_secret": [{"secret_arn": SECRET + "rds!db-{attempt}"}],
    },
    "aws_ecr_repository": {
        "arn": "arn:aws:ecr:{region}:{account}:repository/{name}",
        "repository_url": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
    },
    "aws_ecs_cluster": {"arn": "arn:aws:ecs:{region}:{account}:cluster/{name}"},
    "aws_ecs_task_definition": {"arn": "arn:aws:ecs:{region}:{account}:task-definition/{family}:1"},
    "aws_iam_instance_profile": {"arn": "arn:aws:iam::{account}:instance-profile/{name}"},
    "aws_iam_policy": {"arn": "arn:aws:iam::{account}:policy/{name}"},
    "aws_iam_role": {"arn": "arn:aws:iam::{account}:role/{name}"},
    "aws_kms_key": {"arn": "arn:aws:kms:{region}:{account}:key/{id}", "key_id": "{id}"},
    "aws_launch_template": {"latest_version": 1},
    "aws_lb": {
        "arn": "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/1",
        "arn_suffix": "app/{name}/1",
        "dns_name": "internal-{name}.{region}.elb.amazonaws.com",
    },
    "aws_lb_target_group": {"arn": "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/1"},
    "aws_redshift_cluster": {
        "dns_name": "{cluster_identifier}.example.{region}.redshift.amazonaws.com",
        "master_password_secret_arn": SECRET + "redshift!{cluster_identifier}-x",
    },
    "aws_redshiftserverless_namespace": {
        "admin_password_secret_arn": SECRET + "redshift!{namespace_name}-x",
    },
    "aws_redshiftserverless_workgroup": {
        "arn": "arn:aws:redshift-serverless:{region}:{account}:workgroup/{id}",
        "endpoint": [
            {"address": "{workgroup_name}.{account}.{region}.redshift-serverless.amazonaws.com", "port": 5439}
        ],
    },
    "aws_s3_bucket": {"arn": "arn:aws:s3:::{bucket}"},
    "aws_secretsmanager_secret": {"arn": SECRET + "{name}-x"},
    "aws_sns_topic": {"arn": "arn:aws:sns:{region}:{account}:{name}"},
}
DATA_ANSWERS: dict[str, dict[str, Any]] = {
    "aws_availability_zones": {"names": ["{region}a", "{region}b", "{region}c", "{region}d"]},
    "aws_caller_identity": {"account_id": "{account}"},
    "aws_partition": {"partition": "aws"},
    "aws_region": {},
    "aws_ssm_parameter": {"value": "ami-12345678"},
}  # fmt: skip
# Whose id is its name; of others it is made up.
_attempts = itertools.count(1)
# Types whose next resource cannot be made, as when a quota or a permission is missing.
FAIL_ONCE: set[str] = set()
NAMED = (
    "aws_cloudwatch_log_group",
    "aws_db_instance",
    "aws_ecs_task_definition",
    "aws_iam_role",
    "aws_s3_bucket",
)
_count = itertools.count(1)


@contextmanager
def running_provider(schema: Path, socket: Path) -> Iterator[dict[str, str]]:
    """Serve the provider on a socket; gives the environment in which Terraform finds it."""
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((_handlers(json.loads(gzip.decompress(schema.read_bytes()))),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    address = {"Network": "unix", "String": str(socket)}
    about = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps({"hashicorp/aws": about})}
    finally:
        server.stop(None).wait()


def _handlers(schema: Mapping[str, Any]) -> grpc.GenericRpcHandler:
    """The calls Terraform makes, by name; messages are read and written by the protocol's field numbers."""

    def plan(fields: dict[int, bytes]) -> bytes:
        proposed = _value(fields[3])
        if proposed is None:  # to be destroyed
            return _field(1, fields[3])
        return _field(1, _encoded(_planned(fields[1].decode(), proposed)))

    def apply(fields: dict[int, bytes]) -> bytes:
        planned, kind = _value(fields[3]), fields[1].decode()
        if kind in FAIL_ONCE:
            FAIL_ONCE.remove(kind)
            return _field(1, fields[2]) + _field(3, _flag(1) + _field(2, f"no {kind} for now".encode()))
        return _field(1, fields[3] if planned is None else _encoded(_applied(kind, planned)))

    def read_data(fields: dict[int, bytes]) -> bytes:
        config = _value(fields[2])
        return _field(1, _encoded(_answered(config, DATA_ANSWERS[fields[1].decode()], REGION)))

    calls: dict[str, Callable[[dict[int, bytes]], bytes]] = {
        "GetProviderSchema": lambda _: _schemas(schema),
        "ValidateProviderConfig": lambda _: b"",
        "ValidateResourceConfig": lambda _: b"",
        "ValidateDataResourceConfig": lambda _: b"",
        "ConfigureProvider": lambda _: b"",
        "UpgradeResourceState": lambda fields: _field(1, _field(2, _fields(fields[3])[1])),  # kept as JSON
        "ReadResource": lambda fields: _field(1, fields[2]),
        "PlanResourceChange": plan,
        "ApplyResourceChange": apply,
        "ReadDataSource": read_data,
        "StopProvider": lambda _: b"",
    }
    return grpc.method_handlers_generic_handler(
        "tfplugin6.Provider",
        {
            name: grpc.unary_unary_rpc_method_handler(lambda sent, _, call=call: call(_fields(sent)))
            for name, call in calls.items()
        },
    )


# What becomes of a resource.


def _planned(kind: str, proposed: dict[str, Any]) -> dict[str, Any]:
    """What is not configured and AWS will decide is not known yet."""
    for name in proposed:
        if proposed[name] is None and (name == "id" or name in ANSWERS.get(kind, {})):
            proposed[name] = UNKNOWN
        if name.endswith("_wo"):
            proposed[name] = None  # written, and never kept
    return proposed


def _applied(kind: str, planned: dict[str, Any]) -> dict[str, Any]:
    if planned["id"] == UNKNOWN:
        label = next((planned[name][1] for name in ("name", "bucket", "family") if planned.get(name)), kind)
        unique = f"{kind.removeprefix('aws_')}-{next(_count)}"
        planned["id"] = [b'"string"', label if kind in NAMED else unique]
    return _answered(planned, ANSWERS.get(kind, {}), REGION)


def _answered(config: dict[str, Any], answers: Mapping[str, Any], region: str) -> dict[str, Any]:
    words = {name: value[1] for name, value in config.items() if isinstance(value, list)}
    words |= {"account": ACCOUNT, "region": region, "attempt": next(_attempts)}

    def filled(answer: Any) -> Any:
        if isinstance(answer, str):
            return answer.format_map(words)
        if isinstance(answer, list):
            return [filled(one) for one in answer]
        if isinstance(answer, dict):
            return {name: filled(one) for name, one in answer.items()}
        return answer

    for name, answer in answers.items():
        config[name] = [json.dumps(_type(answer)).encode(), filled(answer)]
    if "region" in config and config["region"] is None:
        config["region"] = [b'"string"', region]
    return config


def _type(value: Any) -> Any:
    if isinstance(value, list):
        return ["tuple", [_type(one) for one in value]]
    if isinstance(value, dict):
        return ["object", {name: _type(one) for name, one in value.items()}]
    return "number" if isinstance(value, int) else "string"


# The schema as Terraform reads it.


def _schemas(schema: Mapping[str, Any]) -> bytes:
    provider = {"attrs": {"region": False}, "blocks": {"default_tags": _one_block({"tags": False})}}
    message = _field(1, _field(2, _block(provider, {})))
    for number, kind, answers in ((2, "resource", ANSWERS), (3, "data", DATA_ANSWERS)):
        # Only what we use: all 1,652 would take seconds to send.
        for name in sorted(set(_used(kind)) & set(schema[kind])):
            block = _field(2, _block(schema[kind][name], answers.get(name, {})))
            message += _field(number, _field(1, name.encode()) + _field(2, block))
    return message


def _used(kind: str) -> Iterator[str]:
    for path in (Path(__file__).parents[2] / "terraform").rglob("*.tf"):
        yield from re.findall(rf'^{kind} "(\w+)"', path.read_text(), re.M)


def _one_block(attrs: dict[str, bool]) -> dict[str, Any]:
    return {"required": False, "list": False, "block": {"attrs": attrs, "blocks": {}}}


def _block(schema: Mapping[str, Any], answers: Mapping[str, Any], top: bool = True) -> bytes:
    message = b""
    computed = set(answers) | ({"id", "region"} if top else set())
    for name in sorted(set(schema["attrs"]) | computed):
        flags = [4] if schema["attrs"].get(name) else [5] if name in schema["attrs"] else []
        flags += [6] if name in computed and 4 not in flags else []
        flags += [11] if name.endswith("_wo") else []
        message += _field(
            2, _field(1, name.encode()) + _field(2, b'"dynamic"') + b"".join(_flag(flag) for flag in flags)
        )
    for name, nested in schema["blocks"].items():
        inner = _field(1, name.encode()) + _field(2, _block(nested["block"], {}, top=False)) + _flag(3, 2)
        inner += (_flag(4) if nested["required"] else b"") + (b"" if nested["list"] else _flag(5))
        message += _field(3, inner)
    return message


# Protocol buffers, as far as this needs them: https://protobuf.dev/programming-guides/encoding/


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _flag(number: int, value: int = 1) -> bytes:
    return _varint(number << 3) + _varint(value)


def _fields(message: bytes) -> dict[int, bytes]:
    """The fields that have a length (text, bytes, messages), the last of each number; no others."""
    found, at = {}, 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = message[at]
            at, number, shift = at + 1, number | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return number

    while at < len(message):
        tag = varint()
        size = varint()
        if tag & 7 == 2:
            found[tag >> 3] = message[at : at + size]
            at += size
    return found


def _value(dynamic: bytes) -> Any:
    return msgpack.unpackb(_fields(dynamic)[1], raw=False, strict_map_key=False)


def _encoded(value: Any) -> bytes:
    return _field(1, msgpack.packb(value))

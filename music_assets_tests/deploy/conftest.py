"""Terraform, applied to a provider that makes nothing: what the environments come to, as data.

Skipped where there is no `terraform`, or no schema of the provider beside the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from music_assets_tests.conftest import SHARED
from music_assets_tests.deploy.provider import FAIL_ONCE, running_provider

REPOSITORY = Path(__file__).parents[2]
SCHEMA = SHARED / "tools" / "terraform_schema" / "aws-provider-6.45.0.json.gz"

VARIABLES: dict[str, dict[str, Any]] = {
    "dev": {"client_cidrs": ["203.0.113.7/32"]},
    "research": {"running": True},
    "prod": {
        "image_tag": "0.1.0",
        "hostname": "dagster.example.org",
        "certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/example",
        "sign_in_prefix": "example-music-assets",
        "alert_emails": ["ops@example.org"],
        "budget_usd": 400,
        "timezone": "Europe/Berlin",
    },
}


@dataclass(frozen=True)
class Applied:
    """An environment as applied: `outputs` by name, `text` the state's own, resources by `of`."""

    outputs: dict[str, Any]
    text: str

    def of(self, kind: str, name: str | None = None) -> list[dict[str, Any]]:
        """The attributes of every resource of a type (and of a name, where one is given)."""
        return [
            {key: _plain(value) for key, value in instance["attributes"].items()}
            for resource in json.loads(self.text)["resources"]
            if resource["mode"] == "managed" and resource["type"] == kind and name in (None, resource["name"])
            for instance in resource["instances"]
        ]

    def policy(self, role: str) -> list[dict[str, Any]]:
        """The statements of a role's own policy, by the end of the role's name."""
        found = [one for one in self.of("aws_iam_role_policy") if one["role"].endswith(f"-{role}")]
        assert found, f"no policy of {role}"
        statements: list[dict[str, Any]] = json.loads(found[0]["policy"])["Statement"]
        return statements


def _plain(value: Any) -> Any:
    """A value of the state without its type, which stands beside it as every attribute may have any."""
    if isinstance(value, dict):
        if value.keys() == {"type", "value"}:
            return _plain(value["value"])
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


class TerraformRefused(Exception):
    """What Terraform had against a configuration."""


Apply = Callable[..., Applied]


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apply]:
    """A function that applies an environment, with variables besides and with a change to its files."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("needs `terraform`")
    if not SCHEMA.is_file():
        pytest.skip("needs the provider's schema in ../shared, which is not part of the repository")
    here = tmp_path_factory.mktemp("terraform")

    with running_provider(SCHEMA, here / "socket") as found_by:
        environment = {**os.environ, **found_by, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        environment.pop("TF_CLI_CONFIG_FILE", None)

        def run(folder: Path, *command: str) -> None:
            done = subprocess.run(
                [program, f"-chdir={folder}", *command, "-no-color", "-input=false"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=600,
            )
            if done.returncode:
                raise TerraformRefused(done.stdout + done.stderr)

        def apply(
            name: str, change: Callable[[Path], None] | None = None, fails: str = "", **variables: Any
        ) -> Applied:
            copy = tmp_path_factory.mktemp(name) / "terraform"
            leave = shutil.ignore_patterns(".terraform*", "*.tfvars", "*.tfstate*")
            shutil.copytree(REPOSITORY / "terraform", copy, ignore=leave)
            if change:
                change(copy)
            folder = copy / "environments" / name
            # The state in a file here, not in a bucket.
            (folder / "local_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
            (folder / "x.auto.tfvars.json").write_text(json.dumps(VARIABLES[name] | variables))
            run(folder, "init")
            if fails:  # a first apply that cannot make this resource, and a second one that can
                FAIL_ONCE.add(fails)
                with pytest.raises(TerraformRefused, match=f"no {fails} for now"):
                    run(folder, "apply", "-auto-approve", "-compact-warnings")
            run(folder, "apply", "-auto-approve", "-compact-warnings")
            text = (folder / "terraform.tfstate").read_text()
            outputs = {key: one["value"] for key, one in json.loads(text)["outputs"].items()}
            return Applied(outputs, text)

        yield apply


@pytest.fixture(scope="session")
def dev(terraform: Apply) -> Applied:
    return terraform("dev")


@pytest.fixture(scope="session")
def prod(terraform: Apply) -> Applied:
    return terraform("prod")

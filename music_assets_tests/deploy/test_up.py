"""The scripts that make environments and run commands there: what they call, with every program played."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from music_assets_tests.deploy.conftest import REPOSITORY

# Each program notes how it was called, and answers what the scripts read of it.
PROGRAM = """#!/usr/bin/env bash
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
  *get-caller-identity*) echo 123456789012 ;;
  *head-bucket*|*get-policy*) exit $HAS_BUCKET ;;
  *describe-images*) exit 1 ;;
  *"output -raw repository_url"*) echo 123456789012.dkr.ecr.us-east-1.amazonaws.com/music-assets ;;
  *"output -raw bucket"*) echo staged ;;
  *"output -raw instance_id"*) echo i-1 ;;
  *networkConfiguration*) echo '{}' ;;
  *"ecs run-task"*) echo arn:aws:ecs:us-east-1:123456789012:task/music-assets/abc ;;
  *get-log-events*) printf 'one\\ttwo\\n' ;;
  *describe-tasks*) echo 3 ;;
  *"s3 cp -"*|*"docker login"*) cat > /dev/null ;;
esac
"""


@pytest.fixture
def played(tmp_path: Path) -> dict[str, str]:
    for name in ("aws", "terraform", "docker"):
        program = tmp_path / name
        program.write_text(PROGRAM)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    unset = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**unset, "PATH": path, "CALLS": str(tmp_path / "calls"), "HAS_BUCKET": "1"}


def calls(environment: dict[str, str], *command: str) -> tuple[list[str], subprocess.CompletedProcess[str]]:
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    found = Path(environment["CALLS"])
    return (found.read_text().splitlines() if found.exists() else []), done


def test_an_empty_account_gets_a_place_for_the_state_once(played: dict[str, str]) -> None:
    made, done = calls({**played, "AWS_REGION": "eu-west-1"}, "deploy/up", "dev", "-auto-approve")
    assert done.returncode == 0, done.stderr
    bucket = "music-assets-terraform-123456789012-eu-west-1"
    (create,) = [one for one in made if "create-bucket" in one]
    assert bucket in create and "LocationConstraint=eu-west-1" in create
    assert made[-1] == "terraform -chdir=terraform/environments/dev apply -var region=eu-west-1 -auto-approve"
    assert any(f"init -input=false -backend-config=bucket={bucket}" in one for one in made)
    assert any("create-policy --policy-name music-assets-boundary" in one for one in made)
    again, _ = calls({**played, "HAS_BUCKET": "0"}, "deploy/up", "dev")
    assert sum("create-bucket" in one or "create-policy" in one for one in again) == 2


def test_prod_has_its_image_before_its_tasks_and_its_users_after(played: dict[str, str]) -> None:
    made, done = calls(played, "deploy/up", "prod")
    assert done.returncode == 3, done.stderr  # as the task that made the users ended
    order = [
        "-target=module.registry",
        "docker build",
        "docker push",
        "apply -var region=us-east-1 -var image_tag",
        "--task-definition music-assets-grant",
    ]
    places = [next(place for place, one in enumerate(made) if part in one) for part in order]
    assert places == sorted(places)


def test_research_has_its_code_before_its_machine_and_loses_the_machine_alone(played: dict[str, str]) -> None:
    made, done = calls(played, "deploy/up", "research")
    assert done.returncode == 0, done.stderr
    (code,) = [
        place for place, one in enumerate(made) if "s3 cp - s3://staged/code/music-assets.tar.gz" in one
    ]
    assert "-target=module.base" in made[code - 2] and "running=true" in made[code + 1]
    assert "aws ssm start-session --target i-1" in done.stdout
    made, done = calls(played, "deploy/up", "research-down")
    assert made[-2].endswith("apply -var region=us-east-1 -var running=false")
    assert calls(played, "deploy/up", "production")[1].returncode == 2


def test_a_command_runs_as_a_task_and_says_what_it_said(played: dict[str, str]) -> None:
    made, done = calls(played, "deploy/command", "purge", "--yes")
    (task,) = [one for one in made if "run-task" in one]
    overrides = json.loads(task.split("--overrides ")[1].split(" --query")[0])
    assert overrides["containerOverrides"][0]["command"] == ["music-assets", "purge", "--yes"]
    assert done.stdout.split() == ["one", "two"] and done.returncode == 3
    made, _ = calls(played, "deploy/command", "dagster", "instance", "migrate")
    assert '"command": ["dagster", "instance", "migrate"]' in made[-4]
    made, _ = calls(played, "deploy/command", "grant")
    assert "--task-definition music-assets-grant" in made[-4] and "--overrides {} " in made[-4]

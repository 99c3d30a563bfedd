"""The project on AWS: it loads with nothing but Terraform's outputs as settings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets.warehouse.redshift import RedshiftWarehouse
from music_assets_tests.deploy.conftest import Applied

pytestmark = pytest.mark.slow  # it needs `terraform`

# In a process of its own: tags of jobs are read when the package is loaded.
LOAD = """
import json, os
from music_assets.definitions import build_defs
from music_assets.settings import unknown_settings
from music_assets.settings import Settings
defs = build_defs()
settings = Settings.from_environment()
jobs = {job.name: job.tags for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
print(json.dumps({
    "jobs": {name: dict(tags) for name, tags in jobs.items()},
    "settings": settings.model_dump(mode="json"),
    "unknown": unknown_settings(os.environ),
}))
"""


def loaded(environment: dict[str, str]) -> dict[str, Any]:
    # What a container has besides: a path, and the secrets ECS puts there.
    secrets = {"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_CLIENT_SECRET": "secret"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        env={"PATH": os.environ["PATH"], **environment, **secrets},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def on_aws(prod: Applied) -> dict[str, Any]:
    environment = {**prod.outputs["environment"]}
    environment.pop("DAGSTER_HOME")  # a folder of the image
    environment.pop("TMPDIR")
    return loaded(environment)


def test_it_loads_with_the_outputs_of_prod(on_aws: dict[str, Any]) -> None:
    assert on_aws["unknown"] == []
    settings = on_aws["settings"]
    assert settings["staging"].startswith("s3://music-assets-")
    assert settings["warehouse"].startswith("redshift+redshift_connector://")
    assert re.fullmatch(r"postgresql://dagster@[^:/@]+:5432/dagster\?sslmode=require", settings["ledger"])
    assert settings["spotify"]["source"] == "api"
    assert settings["schedule"]["timezone"] == "Europe/Berlin"


def test_it_loads_with_the_outputs_of_dev(dev: Applied) -> None:
    assert dev.outputs["dotenv"].splitlines() == [
        f"{name}={value}" for name, value in sorted(dev.outputs["environment"].items())
    ]
    assert loaded(dev.outputs["environment"])["unknown"] == []


def test_the_warehouse_is_redshift_by_its_secret(prod: Applied) -> None:
    credentials = {"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_CLIENT_SECRET": "secret"}
    settings = Settings.from_environment(prod.outputs["environment"] | credentials)
    assert not settings.warehouse_is_local
    warehouse = resources(settings)["warehouse"].open()  # refuses what is no setting of the URL
    assert isinstance(warehouse, RedshiftWarehouse)
    copies_by = prod.outputs["environment"]["MUSIC_ASSETS_REDSHIFT_IAM_ROLE"]
    assert copies_by in {one["arn"] for one in prod.of("aws_iam_role") if one["name"].endswith("-copy")}


def test_runs_of_extract_go_where_the_msd_is(on_aws: dict[str, Any], prod: Applied) -> None:
    tags = on_aws["jobs"]["extract"]
    task = json.loads(tags["ecs/run_task_kwargs"])
    families = {one["family"]: one for one in prod.of("aws_ecs_task_definition")}
    assert families[task["taskDefinition"]]["requires_compatibilities"] == ["EC2"]
    assert task["capacityProviderStrategy"] == [
        {"capacityProvider": prod.of("aws_ecs_capacity_provider")[0]["name"], "weight": 1}
    ]
    assert tags["music_assets/place"] == "msd"


def test_no_other_job_is_placed_there(on_aws: dict[str, Any]) -> None:
    placed = [name for name, tags in on_aws["jobs"].items() if "ecs/run_task_kwargs" in tags]
    assert placed == ["extract"]


def test_ask_is_a_small_task(on_aws: dict[str, Any]) -> None:
    tags = on_aws["jobs"]["ask"]
    assert (tags["ecs/cpu"], tags["ecs/memory"]) == ("256", "1024")


def test_a_laptop_places_nothing() -> None:
    jobs = loaded({})["jobs"]
    assert not [tag for tags in jobs.values() for tag in tags if tag.startswith("ecs/")]

"""The image, as far as it can be tried without a Docker engine: its own steps in a clean folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from music_assets_tests.deploy.conftest import REPOSITORY

TEST_TOOLS = {"pytest", "hypothesis", "moto", "mypy", "ruff", "selenium", "pgserver", "tables"}
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")


def test_it_is_run_by_nobody_in_particular() -> None:
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER 10001:10001$", last, re.M)
    assert "HEALTHCHECK" in last and "VOLUME" in last


def test_what_it_copies_is_let_through_and_nothing_else() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    through = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for word in line.split()
    }
    assert through == copied
    assert "*" in ignored
    assert all((REPOSITORY / path).exists() for path in copied)


def test_dagster_takes_its_configuration() -> None:
    from dagster._config import validate_config
    from dagster._core.instance.config import dagster_instance_config_schema

    configuration = yaml.safe_load((REPOSITORY / "deploy" / "dagster.yaml").read_text())
    result = validate_config(dagster_instance_config_schema(), configuration)
    assert result.success, result.errors


@pytest.mark.slow
def test_its_steps_make_a_working_environment(tmp_path: Path) -> None:
    """The Dockerfile's own lines, with other folders, on this machine's Python."""
    uv = shutil.which("uv") or str(REPOSITORY / ".venv-uv" / "bin" / "uv")
    if not Path(uv).exists():
        pytest.skip("needs uv")
    build, app = tmp_path / "build", tmp_path / "app"
    build.mkdir()
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M):
        for path in line.split():
            source, target = REPOSITORY / path, build / Path(path).name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    environment = {**os.environ, "VIRTUAL_ENV": str(app), "UV_LINK_MODE": "hardlink"}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=build, env=environment, capture_output=True, text=True, timeout=540
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    run(uv, "venv", "--python", "3.11", str(app))
    installs = re.findall(r"^RUN uv (pip install .*)$", DOCKERFILE, re.M)
    assert len(installs) == 2
    for step in installs:
        run(uv, *[word for word in step.split() if word != "--no-cache"])  # the cache spares the network

    installed = dict(line.split("==") for line in run(uv, "pip", "freeze").splitlines() if "==" in line)
    lock = (REPOSITORY / "requirements.lock").read_text()
    locked = set(re.findall(r"^([\w.-]+)==(\S+)", lock, re.M))  # some twice, by the version of Python
    assert not TEST_TOOLS & installed.keys()
    assert set(installed.items()) - locked == set()
    assert "dagster-postgres" in installed
    package = run(str(app / "bin" / "python"), "-Ic", "import music_assets; print(music_assets.__file__)")
    assert Path(package.strip()).is_relative_to(app)
    run(str(app / "bin" / "dagster-webserver"), "--version")
    run(str(app / "bin" / "dagster-daemon"), "--version")
    code = "from music_assets.definitions import defs; print(defs.resolve_job_def('ask').name)"
    assert run(str(app / "bin" / "python"), "-Ic", code).split() == ["ask"]

"""The examples of docs/extending.md, run as they are written there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, materialize

from music_assets.cli.job import run_job
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets.staging.partitions import read_rows
from music_assets.staging.store import StagingStore

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
PYTHON, SHELL = (re.findall(rf"```{name}\n(.*?)```", DOCUMENT, flags=re.S) for name in ("python", "sh"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that the main job filled from two directories."""
    folder = tmp_path_factory.mktemp("extending")
    msd = write_sample(folder / "msd", sample_songs(("AA", "AB"), 20))
    settings = Settings.from_environment({}, data=str(folder / "data"), msd=str(msd))
    assert run_job(settings).failed == []
    return folder / "data"


def staged(data: Path, kind: str, key: str) -> list[dict[str, Any]]:
    store = StagingStore(str(data / "staging"))
    file = store.staged_file(kind, key)
    assert file is not None, f"{kind} {key} is not staged"
    return read_rows(store, file)


def test_the_python_examples(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUSIC_ASSETS_DATA", str(data))
    defined: dict[str, Any] = {}
    for block in PYTHON:
        exec(block, defined)
    assert defined["done"].success
    assert staged(data, "fast_songs", "AA") == [
        {name: song[name] for name in ("track_id", "title", "tempo")}
        for song in staged(data, "msd_songs", "AA")
        if song["tempo"] > 120
    ]
    project = defined["project"]
    range_ = {"dagster/asset_partition_range_start": "AA", "dagster/asset_partition_range_end": "AB"}
    for name, tags in (("loud_songs", range_), ("decades", {})):
        mine = defined[name]
        all_ = [*project.assets, mine]
        assert materialize(all_, selection=[mine], tags=tags, resources=project.resources).success
    assert all(song["loudness"] > -10 for song in staged(data, "loud_songs", "AB"))
    assert sum(row["songs"] for row in staged(data, "decades", "all")) > 0
    assert {AssetKey("fast_songs"), AssetKey("decades")} <= defined[
        "mine"
    ].resolve_asset_graph().materializable_asset_keys


@pytest.fixture(scope="module")
def project(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example where the document puts it."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "music_assets", folder / "music_assets")
    for name in ("pyproject.toml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "data").symlink_to(data)
    return folder


def shell(project: Path, command: str) -> str:
    tools = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=project,
        env={
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(tools.parent),
            "HOME": str(project),
            "PYTHONPATH": str(project),
            "PYTHONWARNINGS": "ignore",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_commands(project: Path, data: Path) -> None:
    shell(project, "dg scaffold defs dagster.asset songs.py")
    mine = project / "music_assets" / "defs" / "own" / "songs.py"
    assert mine.exists()
    mine.write_text(PYTHON[0])
    (commands,) = SHELL
    shell(project, commands)
    for key in ("AA", "AB"):
        assert staged(data, "fast_songs", key)
    (code,) = (block for block in PYTHON if "materialize(" in block)  # as the page says of `defs/own/`
    (project / "run.py").write_text(code.replace("[*project.assets, fast_songs]", "project.assets"))
    shell(project, f"{sys.executable} run.py")
    listed = shell(project, "dg list defs && dg check defs && dagster definitions validate -w workspace.yaml")
    assert "fast_songs" in listed and "loud_songs" in listed

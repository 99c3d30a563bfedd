"""The wheel in a clean environment: `music-assets[read]` reads, matches and exports without the pipeline.

The one test that reaches beyond this machine: packages come from the index, or from uv's cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from music_assets.cli.main import cli
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets_tests.export.conftest import SONGS, published, track

__all__ = ["published"]  # a fixture

REPOSITORY = Path(__file__).resolve().parents[1]
UV = shutil.which("uv") or str(REPOSITORY / ".venv-uv" / "bin" / "uv")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(UV).exists(), reason="needs uv, which `make setup` brings"),
]
USE = """
import sys, warnings
warnings.simplefilter("error")
from music_assets.lookup import lookup
from music_assets.matching import Candidate, Song, decide
from music_assets.sources.msd import read_analysis, read_msd
from music_assets.tables import PUBLISHED
import pandas
copy, msd, track = sys.argv[1:]
songs, artists, set_aside = read_msd([msd])
assert len(songs) == 1 and not set_aside, set_aside
assert list(read_analysis(msd, ["segments_timbre"])) == ["segments_timbre"]
found = lookup([track], warehouse=copy, columns=["title", "year", "genres"])
assert found.found.all() and str(found.dtypes["year"]) == "Int64"
one = Candidate("1", "Yesterday", ["The Beatles"], duration=125.2)
assert decide(Song("Yesterday", "The Beatles", duration=125.0), [one]).status == "matched"
heavy = {"dagster", "boto3", "spotipy", "starlette", "sqlglot", "altair"} & set(sys.modules)
assert not heavy, heavy
print(pandas.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what the wheel is of, as in the Dockerfile."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "music_assets", source / "music_assets", ignore=ignored)
    uv("build", "--wheel", "--out-dir", str(source / "dist"), str(source))
    (found,) = (source / "dist").glob("*.whl")
    return found


def uv(*arguments: str, environment: Path | None = None) -> None:
    variables = {"VIRTUAL_ENV": str(environment)} if environment else {}
    done = subprocess.run(
        [UV, *arguments, "--quiet"], env={**os.environ, **variables}, capture_output=True, text=True
    )
    if "error sending request" in done.stderr or "dns error" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr


def python(version: str) -> str:
    """A Python of this machine."""
    if version == "this":
        return sys.executable
    find = [UV, "python", "find", "--no-python-downloads", version]
    done = subprocess.run(find, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs Python {version}")
    return done.stdout.strip()


@pytest.mark.parametrize(("version", "pandas"), [("this", "2"), ("this", "3"), ("3.12", "3"), ("3.13", "3")])
def test_what_reads_works_alone(
    wheel: Path, published: Callable[..., Path], tmp_path: Path, version: str, pandas: str
) -> None:
    environment, copy = tmp_path / "venv", published()
    uv("venv", "--python", python(version), str(environment))
    uv("pip", "install", f"{wheel}[read]", f"pandas=={pandas}.*", environment=environment)
    song = one_song(tmp_path)
    binaries = environment / "bin"
    used = run(str(binaries / "python"), "-c", USE, str(copy), str(song), track(1))
    assert used.returncode == 0, used.stderr
    assert used.stdout.startswith(f"{pandas}.")

    command, data = str(binaries / "music-assets"), str(copy.parents[1])
    exported = run(command, "export", "--data", data, "--out", str(tmp_path / "out"))
    assert exported.returncode == 0, exported.stderr
    count = run(command, "query", "--data", data, "--csv", "SELECT count(*) FROM analytics.songs")
    assert count.stdout.split()[-1] == str(SONGS)
    refused = run(command, "run", "--data", data)
    assert refused.returncode == 2 and "pip install 'music-assets[pipeline]'" in refused.stderr


def test_frictionless_takes_an_export_as_parquet(published: Callable[..., Path], tmp_path: Path) -> None:
    """In an environment of its own: it reads Parquet by pyarrow, which this project does without."""
    environment, data = tmp_path / "venv", str(published().parents[1])
    uv("venv", "--python", sys.executable, str(environment))
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (needed,) = re.findall(r"pip install '(frictionless.*?)'", readme)
    uv("pip", "install", f"{needed}>=5.19", environment=environment)
    for only, more in (
        ("open", []),
        ("msd", []),
        ("mapping", ["--with-spotify"]),
        ("joined", ["--with-spotify"]),
    ):
        out = tmp_path / only
        options = ["--data", data, "--only", only, "--out", str(out), *more]
        assert CliRunner().invoke(cli, ["export", *options]).exit_code == 0
        validated = run(str(environment / "bin" / "frictionless"), "validate", str(out / "datapackage.json"))
        assert validated.returncode == 0, validated.stdout


def one_song(folder: Path) -> Path:
    """A file of one song, as the sample has them."""
    write_sample(folder / "msd", sample_songs(songs=1))
    (found,) = (folder / "msd").rglob("*.h5")
    return found


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """In an environment without our settings or this package on its path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MUSIC", "PYTHON"))}
    return subprocess.run(command, cwd="/", env=clean, capture_output=True, text=True)

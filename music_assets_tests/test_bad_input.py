"""Bad input: a clear sentence, a non-zero exit, nothing lost, no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from music_assets.cli import EXIT_FAILED, EXIT_UNUSABLE
from music_assets.cli.main import cli
from music_assets.sandbox.msd.writer import write_sample

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call `music-assets` in an empty folder, with no settings but those given."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("MUSIC_ASSETS_", "SPOTIPY_"))]:
        monkeypatch.delenv(name)

    def called(*arguments: str, **environment: str) -> Result:
        result = CliRunner().invoke(cli, [*arguments], env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return called


def refused(result: Result, *said: str) -> None:
    """The call ended with one sentence that holds these words."""
    assert result.exit_code == EXIT_UNUSABLE, result.output
    sentence = result.output.strip().splitlines()[-1]
    assert sentence.startswith("Error: ")
    for words in said:
        assert words in sentence
    assert "Traceback" not in result.output


def test_an_msd_root_that_does_not_exist(call: Call, tmp_path: Path) -> None:
    refused(call("run", "--msd", str(tmp_path / "nowhere")), str(tmp_path / "nowhere"), "does not exist")


def test_an_msd_root_that_is_empty(call: Call, tmp_path: Path) -> None:
    (tmp_path / "msd").mkdir()
    refused(call("run", "--msd", "msd"), str(tmp_path / "msd"))


def test_an_msd_root_that_is_a_file_of_something_else(call: Call, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not HDF5")
    refused(call("run", "--msd", "notes.txt"), "notes.txt")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1, 2]
    refused(call("run", "--msd", "other.h5"), "other.h5")


def test_an_msd_root_that_may_not_be_read(tmp_path: Path) -> None:
    """As another user, since root may read everything."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become somebody who may not read")
    root = tmp_path / "msd"
    write_sample(root)
    root.chmod(0o700)
    code = (
        "import os, sys\nfrom music_assets.sources.msd import MsdRoot, MsdRootError\nos.setuid(65534)\n"
        "try:\n    MsdRoot.open(sys.argv[1])\nexcept MsdRootError as error:\n    print('refused:', error)\n"
    )
    command = [sys.executable, "-c", code, str(root)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stdout.startswith("refused:"), said
    assert str(root) in said.stdout


@pytest.mark.parametrize("spec", ["XX9", "", "AB,nonsense", "AA...9Z"])
def test_partitions_that_are_none(call: Call, spec: str) -> None:
    result = call("run", "--partitions", spec)
    if spec == "":
        refused(result, "--partitions names nothing")
    else:
        refused(result, "names no partition", "AB, AA...AZ, A*")


def test_partitions_without_a_file(call: Call) -> None:
    refused(call("run", "--partitions", "ZZ"), "--partitions names ZZ", "no files there", "It has AA")


def test_a_data_folder_that_cannot_be_written(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused(call("run", "--data", str(tmp_path / "file" / "data")), "cannot be written to", "--data")


def test_a_data_folder_in_use_by_another_run(call: Call, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\nfrom music_assets.cli.lock import data_folder_lock\n"
            "with data_folder_lock(Path('data')):\n    print('held', flush=True); sys.stdin.readline()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    refused(call("run"), f"in use by another run (process {holder.pid})")
    holder.communicate("\n")
    assert FileLock(tmp_path / "data" / "run.lock").acquire(timeout=0)


def test_a_warehouse_file_that_is_not_duckdb(call: Call, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    warehouse = tmp_path / "data" / "warehouse.duckdb"
    warehouse.write_text("my notes, not to be lost")
    refused(call("run", "--partitions", "AA"), str(warehouse), "cannot be opened as a DuckDB file")
    assert not (tmp_path / "data" / "staging").exists()
    assert warehouse.read_text() == "my notes, not to be lost"


def test_what_fails_in_the_middle_is_named_and_the_rest_goes_on(call: Call, tmp_path: Path) -> None:
    assert call("run", "--partitions", "AA").exit_code == 0
    (tmp_path / "data" / "ledger" / "sandbox.sqlite").unlink()
    (tmp_path / "data" / "ledger" / "sandbox.sqlite").write_text("no ledger")
    result = call("run", "--partitions", "AB")
    assert result.exit_code == EXIT_FAILED
    failed = [line for line in result.output.splitlines() if line.startswith("Failed:")]
    assert any("spotify_search" in line for line in failed)
    assert all("sandbox.sqlite" in line for line in failed), failed
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["sandbox", "ui"])
def test_a_port_in_use(call: Call, command: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        refused(call(command, "--port", port), port, "in use")


def test_settings_that_cannot_be_meant(call: Call) -> None:
    refused(call("run", MUSIC_ASSETS_SPOTIFY="yes"), "MUSIC_ASSETS_SPOTIFY")
    refused(call("run", MUSIC_ASSETS_SPOTIFY="api"), "SPOTIPY_CLIENT_ID")
    refused(call("run", MUSIC_ASSETS_WAREHOUSE="oracle://host/db"), "MUSIC_ASSETS_WAREHOUSE")


@pytest.mark.slow
def test_a_root_whose_letters_lie_one_level_down_is_understood(call: Call, tmp_path: Path) -> None:
    write_sample(tmp_path / "msd" / "data")
    result = call("run", "--msd", "msd", "--partitions", "AA")
    assert result.exit_code == 0, result.output
    assert "Sandbox" in result.output

"""`music-assets` itself: its commands, their help, and how an error is shown."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

from music_assets.cli import INTERRUPTED
from music_assets.cli.main import COMMANDS, FULL_DISK, cli, is_full_disk

HEAVY = ("dagster", "sqlalchemy", "pandas", "duckdb", "boto3", "pydantic")


def test_help_appears_at_once() -> None:
    """It imports no command, and so no heavy library."""
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom music_assets.cli.main import cli\n"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    # A setting of the environment would have the settings checked.
    found = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "", found.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_imports_no_dagster_and_fits_a_terminal(name: str) -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom music_assets.cli.main import cli\n"
        f"print(CliRunner().invoke(cli, [{name!r}, '--help']).output)\nassert 'dagster' not in sys.modules"
    )
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, env={"COLUMNS": "80"}, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("Usage: ") and [line for line in shown.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_with_an_example(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"  music-assets {name}" in shown.output.split("Example", 1)[1]
    assert COMMANDS[name][:30] in CliRunner().invoke(cli, ["--help"]).output


@pytest.mark.parametrize(
    ("typed", "meant"), [("runn", "run"), ("expot", "export"), ("Query", "query"), ("stats", "status")]
)
def test_a_mistyped_command_is_answered_with_the_one_meant(typed: str, meant: str) -> None:
    told = CliRunner().invoke(cli, [typed])
    assert told.exit_code == 2 and f"No such command '{typed}'. Did you mean '{meant}'?" in told.output
    assert "Did you mean" not in CliRunner().invoke(cli, ["xyzzy"]).output


def test_the_module_is_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "music_assets.cli", "query", "SELECT 1"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: There is no ")
    assert len(done.stderr.splitlines()) == 1


_WHERE = {
    "amid an import": "importlib.import_module = lambda name: interrupt() or load(name)",
    "in a destructor amid an import": "importlib.import_module = lambda name: Dying() and load(name)",
    "in the command's first lines": "Settings.from_environment = lambda **_: interrupt()",
}


@pytest.mark.parametrize("patch", _WHERE.values(), ids=_WHERE)
@pytest.mark.parametrize("name", ["run", "status"])
def test_ctrl_c_in_the_first_seconds_is_as_later(name: str, patch: str, tmp_path: Path) -> None:
    code = f"""
import importlib, os, signal, sys
from music_assets.cli.main import main
from music_assets.settings import Settings
load, interrupt = importlib.import_module, lambda *_: os.kill(os.getpid(), signal.SIGINT)
Dying = type("Dying", (), {{"__del__": interrupt}})
{patch}
sys.argv = ["music-assets", "{name}"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, f"{INTERRUPTED}\n")


@pytest.mark.parametrize("name", ["run", "plan", "purge --all", "doctor", "ui", "grant", "sandbox"])
def test_ctrl_c_is_as_later_amid_the_import_of_dagster(name: str, tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
from music_assets.cli.main import main
Dying = type("Dying", (), {{"__del__": lambda _: os.kill(os.getpid(), signal.SIGINT)}})
class Finder:
    find_spec = staticmethod(lambda name, *_: Dying() and None if name == "dagster" else None)
sys.meta_path.insert(0, Finder)
sys.argv = ["music-assets", *{name.split()}]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, f"{INTERRUPTED}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    sample = tmp_path / "sample_msd"
    sample.mkdir()
    (sample / ".music-assets-sample").symlink_to("/dev/full")
    done = subprocess.run(
        [sys.executable, "-m", "music_assets.cli", "run", "--data", str(tmp_path)],
        env={},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"Error: {FULL_DISK}" and "Traceback" not in done.stderr


def test_a_full_disk_is_recognised_whoever_reports_it(tmp_path: Path) -> None:
    engine = create_engine(URL.create("sqlite", database=str(tmp_path / "full.sqlite")))
    with engine.connect() as connection, pytest.raises(OperationalError) as raised:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("PRAGMA max_page_count = 2"))
        connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    wrapped = RuntimeError("something failed")
    wrapped.__cause__ = raised.value
    assert is_full_disk(raised.value) and is_full_disk(wrapped)
    assert is_full_disk(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)))
    assert not is_full_disk(OSError(errno.EACCES, os.strerror(errno.EACCES)))


def test_the_summary_and_the_subset_are_got_one_after_the_other() -> None:
    refused = CliRunner().invoke(cli, ["download", "--summary", "subset"])
    assert refused.exit_code == 2 and "--summary and subset are two things" in refused.output

"""`music-assets ui`: one at a time on a data folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from music_assets.cli import CommandError
from music_assets.cli.main import cli
from music_assets.cli.ui import _hold, ui
from music_assets.sandbox.process import listen

# What `ui` does: hold the folder, then have another program take the place of this one.
HOLDS = """
import os, sys
from pathlib import Path
from music_assets.cli.ui import _hold
_hold(Path(sys.argv[1]))
os.execv(sys.executable, [sys.executable, "-c", "print('open', flush=True); input()"])
"""


def test_a_second_ui_on_a_data_folder_is_refused_while_the_first_is_open(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline() == b"open\n"
        with pytest.raises(CommandError, match=f"Another UI is open on {tmp_path}"):
            _hold(tmp_path)
        first.kill()
        first.wait()
    _hold(tmp_path)


def test_elsewhere_than_in_the_projects_folder_it_says_where_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(ui, ["--data", str(tmp_path / "data")])
    assert isinstance(result.exception, CommandError)
    assert str(result.exception).endswith("is not the project's folder. Start the UI where README.md is.")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["ui", "sandbox"])
@pytest.mark.parametrize("port", ["99999", "0", "-1"])
def test_a_port_there_is_not_is_refused(command: str, port: str) -> None:
    refused = CliRunner().invoke(cli, [command, "--port", port])
    assert refused.exit_code == 2 and "1<=x<=65535" in refused.output


def test_a_sandbox_says_where_it_listens_once_it_does(tmp_path: Path) -> None:
    with listen(0) as other:
        port = str(other.getsockname()[1])
        refused = CliRunner().invoke(cli, ["sandbox", "--data", str(tmp_path), "--port", port])
    assert refused.exit_code == 2 and f"Port {port} on" in refused.output
    assert "listens" not in refused.output

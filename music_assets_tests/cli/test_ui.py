"""`music-assets ui`: one at a time on a data folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from music_assets.cli import CommandError
from music_assets.cli.ui import _hold, ui

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

"""The README's commands leave nothing behind that git would take for a part of the project."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/from_ids_to_a_figure.ipynb")
_WRITES = re.compile(r"""(?:--out |MUSIC_ASSETS_DATA=|\.save\(\\?")([a-z][\w./]*)""")


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="this is no checkout")
def test_what_its_commands_write_is_ignored_by_git() -> None:
    texts = [(REPOSITORY / page).read_text(encoding="utf-8") for page in PAGES]
    written = {name for text in texts for name in _WRITES.findall(text)}
    assert {"open_data", "matched.csv", "tempo.svg", "figure.svg"} <= written
    files = [name if "." in name else f"{name}/a file" for name in sorted(written)]
    ran = subprocess.run(
        ["git", "check-ignore", *files], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == [f'"{name}"' if '"' in name else name for name in files]

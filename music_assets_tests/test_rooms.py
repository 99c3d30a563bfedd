"""The arrows between rooms go one way, and nothing is done at import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "music_assets"
PURE = ("sources", "matching", "warehouse")
SHARED_BY_SOURCES = (
    "music_assets.sources.ledger",
    "music_assets.sources.polite",
    # The rows of spotify's tables look the same whoever fills them.
    "music_assets.sources.spotify.shapes",
    "music_assets.sources.spotify.answers",
)


def imported(module: Path) -> set[str]:
    """The modules a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_know_neither_dagster_nor_one_another(room: str) -> None:
    for module in (PACKAGE / room).rglob("*.py"):
        for name in imported(module):
            assert not name.startswith("dagster"), module
            assert not name.startswith("music_assets") or name.startswith(f"music_assets.{room}"), (
                module,
                name,
            )


def test_asking_knows_sources_and_matching_alone() -> None:
    known = ("music_assets.asking", "music_assets.sources", "music_assets.matching")
    for module in (PACKAGE / "asking").rglob("*.py"):
        for name in imported(module):
            assert not name.startswith("dagster"), module
            assert not name.startswith("music_assets") or name.startswith(known), (module, name)


def test_sources_do_not_know_one_another() -> None:
    """But all of them may keep their answers in a ledger."""
    for source in (PACKAGE / "sources").iterdir():
        for module in source.rglob("*.py") if source.is_dir() else ():
            for name in imported(module):
                known = (f"music_assets.sources.{source.name}", *SHARED_BY_SOURCES)
                assert not name.startswith("music_assets.sources.") or name.startswith(known), (module, name)


def test_loading_definitions_touches_neither_disk_nor_network(tmp_path: Path) -> None:
    """In a process of its own, in an empty folder, where a socket is an error."""
    code = (
        "import socket\n"
        "def refused(*args, **kw): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = refused\n"
        "import music_assets.definitions\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []

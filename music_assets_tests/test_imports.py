"""Imports go one way between packages, and nothing is done at import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "music_assets"

# What each package may import beside itself and the shared modules, as docs/architecture.md has it.
SHARED = {"ids", "errors"}
ALLOWED: dict[str, set[str]] = {
    "ids": set(),
    "errors": set(),
    "progress": set(),
    "priority_list": set(),
    "setting_types": set(),
    "settings": {"setting_types"},
    "tables": set(),
    "sources": set(),
    "matching": set(),
    "staging": {"tables"},
    "warehouse": {"tables"},
    "resolution": {"sources", "matching"},
    "sandbox": {"sources", "matching"},
    "lookup": {"tables", "warehouse", "settings"},
    "report": {"tables", "warehouse", "matching", "export"},
    "export": {"tables", "warehouse", "lookup"},
    "defs": {
        *("tables", "sources", "matching", "staging", "warehouse", "resolution"),
        *("sandbox", "settings", "progress", "priority_list", "report"),
    },
    "definitions": {"defs", "settings"},
    "cli": {
        *(
            "tables",
            "sources",
            "matching",
            "staging",
            "warehouse",
            "resolution",
            "sandbox",
            "settings",
            "progress",
        ),
        *("defs", "definitions", "lookup", "export", "priority_list"),
    },
}
KNOW_DAGSTER = {"defs", "definitions", "cli"}
# What sources may share with one another beside the ledger and the HTTP client.
SHARED_BY_SOURCES = (
    "music_assets.sources.ledger",
    "music_assets.sources.http",
    "music_assets.sources.dumps",
    "music_assets.sources.bounded",
    # The rows of spotify's tables look the same whoever fills them.
    "music_assets.sources.spotify.rows",
    "music_assets.sources.fetched",
)


def imported(module: Path) -> set[str]:
    """The modules a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "music_assets":
                found |= {f"music_assets.{alias.name}" for alias in node.names}
    return found


def modules_of(name: str) -> list[Path]:
    """The files of a package or module of the top level."""
    single = PACKAGE / f"{name}.py"
    return [single] if single.exists() else sorted((PACKAGE / name).rglob("*.py"))


def test_every_package_of_the_top_level_is_named_here() -> None:
    there = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__", "__pycache__"} == set(ALLOWED)


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_packages_import_only_what_lies_below_them(name: str) -> None:
    may = ALLOWED[name] | SHARED | {name}
    for module in modules_of(name):
        for found in imported(module):
            if found.startswith("music_assets."):
                assert found.split(".")[1] in may, f"{module.relative_to(PACKAGE)} imports {found}"
            if name not in KNOW_DAGSTER:
                assert found.split(".")[0] != "dagster", f"{module.relative_to(PACKAGE)} imports {found}"


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def test_sources_do_not_know_one_another() -> None:
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


@pytest.mark.parametrize(
    "statement",
    [
        "from music_assets.matching import decide",
        "from music_assets.lookup import lookup",
        "from music_assets.sources.msd import read_msd",
    ],
)
def test_what_researchers_import_brings_no_dagster(statement: str) -> None:
    code = f"import sys; {statement}; sys.exit('dagster' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

"""The definitions load in a fresh process and touch nothing: no network, no other file, no process."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# Everything the process opens to write, connects to or starts while it loads.
LOAD = """
import sys
touched = []
def watch(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wxa+"):
        touched.append((event, str(args[0])))
    elif event in ("socket.connect", "subprocess.Popen", "os.mkdir", "os.remove", "sqlite3.connect"):
        touched.append((event, str(args[0])))
sys.addaudithook(watch)
sys.dont_write_bytecode = True
from music_assets.definitions import defs
python_itself = ("/dev/null", "file", "uname")  # `platform`, which Dagster asks
print([one for one in touched if one[1] not in python_itself])
heavy = ("boto3", "dagster_aws", "spotipy", "loky", "sqlglot", "music_assets.sandbox")
print([name for name in heavy if name in sys.modules])
print(len(defs.resolve_asset_graph().get_all_asset_keys()))
"""


def test_loading_touches_nothing_and_imports_nothing_heavy(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MUSIC_ASSETS_DATA": str(tmp_path / "data"),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    touched, heavy, assets = done.stdout.splitlines()[-3:]
    assert (touched, heavy) == ("[]", "[]")
    assert int(assets) > 40
    assert list(tmp_path.iterdir()) == []


def test_the_code_location_has_one_name() -> None:
    """What is switched on in the UI is stored by it: `dg`, `dagster` and `-w workspace.yaml` must agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    (place,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert place["python_module"]["location_name"] == project["code_location_name"] == "music_assets"
    assert place["python_module"]["module_name"] == project["code_location_target_module"]

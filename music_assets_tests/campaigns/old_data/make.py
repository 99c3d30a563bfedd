"""Write the fixtures of `test_upgrades`: what earlier versions leave of a run over a few songs.

    python -m music_assets_tests.campaigns.old_data.make b89238b 571ee3e

Each commit's package is taken out of git and run by this environment, over its own sandbox. A fixture holds
the songs, ledger, staging area, warehouse and summary; Dagster's storage is left out, for its size.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from music_assets.sandbox.msd.songs import sample_songs
from music_assets_tests.support.msd_songs import write_in_place

FOLDER = Path(__file__).parent
LEFT_OUT = ("dagster", "sandbox", "published")
_RUN = "import sys; from music_assets.cli{} import main; sys.argv = ['music-assets', *sys.argv[1:]]; main()"


def write(commit: str) -> Path:
    """Run the version of a commit, and pack what it leaves."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        archive = subprocess.run(["git", "archive", commit, "music_assets"], check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(place / "code", filter="data")
        write_in_place(place / "kept" / "msd", *sample_songs(("AA", "AB"), 8))
        module = ".main" if (place / "code/music_assets/cli/main.py").exists() else ""
        options = ["--msd", str(place / "kept" / "msd"), "--data", str(place / "kept" / "data")]
        environment = {name: value for name, value in os.environ.items() if "SPOTI" not in name}
        environment = {name: value for name, value in environment.items() if "MUSIC_ASSETS" not in name}
        subprocess.run(
            [sys.executable, "-c", _RUN.format(module), "run", *options],
            check=True,
            cwd=place,
            env={**environment, "PYTHONPATH": str(place / "code"), "PYTHONSAFEPATH": "1"},
        )
        fixture = FOLDER / f"{commit}.tar.xz"
        with tarfile.open(fixture, "w:xz", preset=9) as tar:
            for path in sorted((place / "kept").rglob("*")):
                inner = path.relative_to(place / "kept")
                if path.is_file() and not set(inner.parts) & set(LEFT_OUT):
                    tar.add(path, str(inner))
    return fixture


if __name__ == "__main__":
    for commit in sys.argv[1:]:
        made = write(commit)
        sys.stdout.write(f"{made.name}: {made.stat().st_size:,} bytes\n")

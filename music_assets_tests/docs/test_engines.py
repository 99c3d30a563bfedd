"""The example of docs/engines.md, run as it is written there, on Ray on this machine."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from music_assets.cli.job import run_job
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets.staging.partitions import read_rows
from music_assets.staging.store import StagingStore

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "engines.md"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="needs Ray, which .ci/run installs: pip install ray==2.60.0",
    ),
]


def test_ray_gives_the_rows_that_the_asset_stages(tmp_path: Path) -> None:
    msd = write_sample(tmp_path / "msd", sample_songs(("AA", "AB"), 20))
    settings = Settings.from_environment({}, data=str(tmp_path / "data"), msd=str(msd))
    assert run_job(settings).failed == []
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    (tmp_path / "match.py").write_text(program)
    staging = settings.data / "staging"
    command = [sys.executable, "match.py", str(staging), "AA", "AB"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    store = StagingStore(str(staging))
    for key in ("AA", "AB"):
        file = store.staged_file("mapped_songs", key)
        assert file is not None
        found = [json.loads(line) for line in (tmp_path / f"{key}.jsonl").read_text().splitlines()]
        wanted = [
            {name: one for name, one in row.items() if name != "slice"} for row in read_rows(store, file)
        ]
        assert sum(row["status"] == "matched" for row in wanted) > 5
        assert found == wanted

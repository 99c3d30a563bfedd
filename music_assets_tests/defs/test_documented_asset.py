"""The asset that docs/architecture.md shows runs as it is written there."""

import re
from pathlib import Path
from typing import Any

from dagster import AssetSpec, materialize

from music_assets.defs.io_managers import JsonLinesIOManager
from music_assets.defs.partitions import msd_directories
from music_assets.defs.resources import StagingResource
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets.staging.store import StagingStore
from music_assets_tests.support.staged_rows import row

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"


def test_the_documented_asset_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.S)
    defined: dict[str, Any] = {}
    exec(code, defined)
    store = StagingStore(str(tmp_path))
    for key in ("AA", "AB"):
        rows = [
            row("msd_songs", track_id=f"TR{key}A{tempo:013d}", tempo=float(tempo)) for tempo in (120, 190)
        ]
        write_partition(store, "msd_songs", key, Staged(rows), fingerprint="", run_id="")
    songs = AssetSpec("msd_songs", partitions_def=msd_directories).with_io_manager_key("json_lines")
    done = materialize(
        [songs, defined["fast_songs"]],
        selection=[defined["fast_songs"]],
        resources={"json_lines": JsonLinesIOManager(staging=StagingResource(url=str(tmp_path)))},
        tags={"dagster/asset_partition_range_start": "AA", "dagster/asset_partition_range_end": "AB"},
    )
    assert done.success
    for key in ("AA", "AB"):
        file = store.staged_file("fast_songs", key)
        assert file is not None and [one["tempo"] for one in read_rows(store, file)] == [190.0]

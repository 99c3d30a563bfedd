"""How long a backfill from Dagster's UI takes: every asset but the refresh, on the sandbox.

    python -m benchmarks.backfill [--partitions N] [--songs N] [--data DIR]

A real `music-assets ui`, with its daemon, on an invented MSD of `--partitions` directories with `--songs`
songs each. The backfill is launched as the button does it. Shown are its runs, with the time each waited
and worked, the most memory of the processes, and the size of Dagster's history.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from benchmarks.common import machine, resident_mb
from music_assets.definitions import build_defs
from music_assets.defs.automation import asked_first, partitioned, unpartitioned
from music_assets.ids import PARTITION_KEYS
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample

LAUNCH = """
mutation Backfill($keys: [AssetKeyInput!]!, $partitions: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $keys, partitionNames: $partitions}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
BACKFILL = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status
      runs { id status creationTime startTime endTime tags { key value } stepKeysToExecute } }
  }
}"""
ENDED = {"COMPLETED_SUCCESS", "COMPLETED", "COMPLETED_FAILED", "FAILED"}


def written_msd(root: Path, partitions: int, songs: int) -> Path:
    """An MSD of so many directories, with so many songs each."""
    keys = PARTITION_KEYS[:partitions]
    sample = sample_songs(songs=len(keys) * songs)
    for number, song in enumerate(sample):
        key = keys[number % len(keys)]
        song["track_id"] = f"TR{key}{song['track_id'][4:]}"
    write_sample(root, sample)
    return root


def ask(url: str, query: str, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    found = requests.post(f"{url}/graphql", json=body, timeout=120).json()
    if "errors" in found:
        raise SystemExit(f"the UI answered {found['errors']}")
    return found["data"]


def wait_for(url: str) -> None:
    while True:
        try:
            requests.get(f"{url}/server_info", timeout=2)
            return
        except requests.RequestException:
            time.sleep(0.5)


def processes(pid: int) -> list[int]:
    """A process and those below it."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return []
    return [pid, *(each for one in below for each in processes(int(one)))]


def held(pid: int) -> float:
    """MB that a process and those below it hold now."""
    total = 0.0
    for one in processes(pid):
        with suppress(OSError, StopIteration):  # it has ended
            total += resident_mb(one)
    return total


def measure(url: str, process: subprocess.Popen[bytes], partitions: list[str]) -> None:
    graph = build_defs().resolve_asset_graph()
    selected = (partitioned | asked_first | unpartitioned).resolve(graph)
    keys = [{"path": list(key.path)} for key in selected]
    began, most = time.time(), 0.0
    launched = ask(url, LAUNCH, keys=keys, partitions=partitions)["launchPartitionBackfill"]
    if launched["__typename"] != "LaunchBackfillSuccess":
        raise SystemExit(f"the backfill was refused: {launched}")
    while True:
        found = ask(url, BACKFILL, id=launched["backfillId"])["partitionBackfillOrError"]
        most = max(most, held(process.pid))
        if found["status"] in ENDED:
            break
        time.sleep(2)
    print(f"{'partitions':<12}{'steps':>6}{'created':>9}{'began':>8}{'ended':>8}{'status':>10}   (s)")
    for run in sorted(found["runs"], key=lambda run: run["startTime"] or 0):
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        ends = [tags.get(f"dagster/asset_partition_range_{end}", "") for end in ("start", "end")]
        times = [(run[name] or began) - began for name in ("creationTime", "startTime", "endTime")]
        print(
            f"{'...'.join(ends):<12}{len(run['stepKeysToExecute'] or ()):>6}"
            f"{times[0]:>9.0f}{times[1]:>8.0f}{times[2]:>8.0f}{run['status']:>10}"
        )
    print(
        f"{found['status']}: {len(found['runs'])} runs, {time.time() - began:.0f} s, {most:,.0f} MB at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a backfill from Dagster's UI takes.")
    parser.add_argument("--partitions", type=int, default=len(PARTITION_KEYS))
    parser.add_argument("--songs", type=int, default=2, help="songs per partition (default: 2)")
    parser.add_argument("--data", type=Path, help="an empty folder to work in, which is left there")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="music_assets_backfill_") as folder:
        data = options.data or Path(folder) / "data"
        msd = written_msd(Path(folder) / "msd", options.partitions, options.songs)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER_")}
        environment |= {"MUSIC_ASSETS_MSD": str(msd), "MUSIC_ASSETS_SPOTIFY": "sandbox"}
        process = subprocess.Popen(
            [sys.executable, "-m", "music_assets.cli", "ui", "--data", str(data), "--port", str(port)],
            env=environment,
            stdout=(Path(folder) / "ui.log").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}")
            measure(f"http://127.0.0.1:{port}", process, list(PARTITION_KEYS[: options.partitions]))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        history = sum(file.stat().st_size for file in (data / "dagster" / "history").rglob("*.db*"))
        print(f"Dagster's history: {history / 1e6:.0f} MB")


if __name__ == "__main__":
    main()

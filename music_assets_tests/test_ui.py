"""Dagster's UI on what the main job made: a real webserver, daemon and, for the picture, Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from music_assets.deployment import Settings
from music_assets.runner import run

pytestmark = pytest.mark.slow

EXTRACTED = [{"path": ["msd_songs"]}, {"path": ["msd_artists"]}]
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
    ... on PartitionBackfill { status runs { id status } }
  }
}"""
MATERIALIZED = """
query Materialized($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions } }
      assetMaterializations(limit: 40) { partition runId }
    }
  }
}"""


@dataclass(frozen=True)
class Ui:
    url: str
    settings: Settings

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            data = json.load(answer)
        assert "errors" not in data, data
        return data["data"]

    def backfill(self, partitions: list[str]) -> list[str]:
        """Materialise partitions as the UI's button does; the runs it took, once all is done."""
        launched = self.ask(LAUNCH, keys=EXTRACTED, partitions=partitions)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            found = self.ask(BACKFILL, id=launched["backfillId"])["partitionBackfillOrError"]
            if found["status"] in ("COMPLETED_SUCCESS", "COMPLETED", "COMPLETED_FAILED", "FAILED"):
                assert found["status"] == "COMPLETED_SUCCESS", found
                return [one["id"] for one in found["runs"]]
            time.sleep(1)
        raise AssertionError("the backfill did not end in five minutes")

    def materialized(self, *path: str) -> dict[str, str]:
        """The partitions of an asset that were made, and by which run last."""
        node = self.ask(MATERIALIZED, key={"path": list(path)})["assetNodeOrError"]
        made = node["assetMaterializations"]
        return {one["partition"]: one["runId"] for one in reversed(made)}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """`music-assets ui` on a data folder that the main job filled."""
    data = tmp_path_factory.mktemp("ui")
    settings = Settings.from_environment({}, data=str(data))
    assert run(settings, "AA").failed == []
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "music_assets.cli", "ui", "--data", str(data), "--port", str(port)],
        env={key: value for key, value in os.environ.items() if not key.startswith(("MUSIC_", "SPOTIPY_"))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield Ui(url, settings)
    finally:
        # The server starts others; a signal to it alone leaves them behind.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, "the UI ended before it answered"
        try:
            urllib.request.urlopen(f"{url}/server_info", timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the UI did not answer within two minutes")


def test_the_ui_shows_what_the_command_line_ran(ui: Ui) -> None:
    assert list(ui.materialized("msd_songs")) == ["AA"]
    assert list(ui.materialized("warehouse", "staging", "mapped_songs")) == ["AA"]


def test_one_partition_is_materialised_from_the_ui(ui: Ui) -> None:
    before = ui.materialized("msd_songs")
    (run_id,) = ui.backfill(["AB"])
    assert ui.materialized("msd_songs") == {**before, "AB": run_id}


def test_a_letter_is_one_run(ui: Ui) -> None:
    from music_assets.partitions import KEYS

    letter = [key for key in KEYS if key[0] == "B"]
    (run_id,) = ui.backfill(letter)
    made = ui.materialized("msd_songs")
    assert sorted(key for key in made if made[key] == run_id) == letter


@pytest.fixture
def chromium() -> Iterator[Any]:
    """A headless Chromium, as `.ci/run` installs it from Debian's packages."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs Debian's chromium and chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1800,760",
    ):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(shutil.which("chromedriver"))))
    yield driver
    driver.quit()


def test_the_graph_shows_every_stage(ui: Ui, chromium: Any) -> None:
    from selenium.webdriver.common.by import By

    chromium.get(f"{ui.url}/asset-groups")
    wanted = {"msd", "spotify", "mapping", "staged_json", "staging", "published"}
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        text = chromium.find_element(By.TAG_NAME, "body").text
        if all(group in text for group in wanted):
            break
        time.sleep(1)
    assert {group for group in wanted if group in text} == wanted
    # The README's picture: MUSIC_ASSETS_SCREENSHOTS=docs make test-all
    if folder := os.environ.get("MUSIC_ASSETS_SCREENSHOTS"):
        time.sleep(5)  # the graph is drawn after its names are there
        chromium.save_screenshot(str(Path(folder) / "asset_graph.png"))

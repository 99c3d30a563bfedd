"""Dagster's UI on what the main job made: a real webserver, daemon and, for the picture, Chromium."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from music_assets.cli.job import run_job
from music_assets.definitions import build_defs
from music_assets.defs.automation import partitioned
from music_assets.settings import Settings
from music_assets.staging.store import StagingStore

pytestmark = pytest.mark.slow

PATIENCE_S = 120
DIALOG = "//*[@role = 'dialog']"
GREEN = """
const sample = document.body.appendChild(document.createElement('i'));
sample.style.background = 'var(--color-accent-green)';
const green = getComputedStyle(sample).backgroundColor;
sample.remove();
const of = each => [null, '::before', '::after'].map(part => getComputedStyle(each, part).backgroundColor);
return [...document.querySelectorAll('body *')].filter(each => of(each).includes(green)).length;
"""

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
    assert run_job(settings, "AA").failed == []
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "music_assets.cli", "ui", "--data", str(data), "--port", str(port)],
        # Dagster's variables are for runs of the command line, such as the one just made here.
        env={
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("MUSIC_", "SPOTIPY_", "DAGSTER_"))
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # As in the background of a script; `dg` ends what it has started by SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield Ui(url, settings)
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        process.terminate()
        left = psutil.wait_procs(family, timeout=60)[1]
        for one in left:
            one.kill()
        process.wait()
        assert left == []


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


def test_a_letter_is_one_run(ui: Ui) -> None:
    from music_assets.defs.partitions import KEYS

    letter = [key for key in KEYS if key[0] == "B"]
    (run_id,) = ui.backfill(letter)
    made = ui.materialized("msd_songs")
    assert sorted(key for key in made if made[key] == run_id) == letter


@pytest.fixture(scope="module")
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
        "--window-size=1800,900",
    ):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(shutil.which("chromedriver"))))
    yield driver
    driver.quit()


class Page:
    """What a person sees and clicks; everything is waited for, since the page is drawn bit by bit."""

    def __init__(self, ui: Ui, driver: Any) -> None:
        self.ui, self.driver = ui, driver

    def open(self, path: str) -> None:
        self.driver.get(f"{self.ui.url}{path}")

    def find(self, xpath: str) -> Any:
        """The first such element that is there."""
        return self.wait(lambda: self.driver.find_element("xpath", xpath), f"{xpath} is not there")

    def click(self, xpath: str, at_its_left: bool = False) -> None:
        self.wait(lambda: self._click(xpath, at_its_left), f"{xpath} cannot be clicked")

    def _click(self, xpath: str, at_its_left: bool) -> bool:
        from selenium.webdriver import ActionChains

        element = self.driver.find_element("xpath", xpath)
        if not element.is_enabled():
            return False
        if at_its_left:
            aside = 5 - element.size["width"] // 2
            ActionChains(self.driver).move_to_element_with_offset(element, aside, 0).click().perform()
        else:
            element.click()
        return True

    def green(self) -> int:
        """How many things on the page are of Dagster's green."""
        return int(self.driver.execute_script(GREEN))

    def sees(self, *texts: str) -> None:
        """Wait until the page shows these texts."""
        missing = f"the page does not show all of {texts}"
        self.wait(lambda: all(text in self.find("//body").text for text in texts), missing)

    def wait(self, true: Callable[[], Any], otherwise: str) -> Any:
        """Wait until something holds, whatever the page is drawing meanwhile."""
        from selenium.common.exceptions import WebDriverException

        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if found := true():
                    return found
            except WebDriverException:
                pass  # not yet drawn, drawn anew, or under something else
            time.sleep(0.3)
        raise AssertionError(f"{otherwise}, after {PATIENCE_S} s, on {self.driver.current_url}")

    def materialise(self, choose: str = "") -> None:
        """Press the button of the asset's page, and in its window `choose`, if that is given, and launch."""
        self.click("//button[contains(., 'Materialize')]")
        if choose:
            self.click(f"{DIALOG}//button[normalize-space() = '{choose}']")
        self.click(f"{DIALOG}//button[normalize-space() = 'Launch 1 run']")

    def picture(self, name: str, **clip: float) -> None:
        """Keep a picture for the documentation, or a part: MUSIC_ASSETS_SCREENSHOTS=docs make test-all."""
        if folder := os.environ.get("MUSIC_ASSETS_SCREENSHOTS"):
            time.sleep(5)  # the last of it is drawn after its names are there
            taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip} if clip else {})
            Path(folder, f"{name}.png").write_bytes(base64.b64decode(taken["data"]))


@pytest.fixture
def page(ui: Ui, chromium: Any) -> Page:
    return Page(ui, chromium)


def test_the_graph_shows_every_group(ui: Ui, page: Page) -> None:
    nodes = ui.ask("{ assetNodes { groupName } }")["assetNodes"]
    page.open("/asset-groups")
    groups = {node["groupName"] for node in nodes}
    page.sees(*{group.split("/")[0] for group in groups})
    unfolded = ["stages", *(group for group in groups if group.startswith("stages/"))]
    page.driver.set_window_size(2100, 2000)
    page.driver.execute_script("localStorage.setItem('asset-graph-direction', '\"vertical\"')")
    page.open(f"/asset-groups?expanded={quote(','.join(f'global@global:{group}' for group in unfolded))}")
    page.sees("msd_songs", "mapped_songs", "spotify_tracks", "published")
    page.picture("asset_graph", x=585, y=370, width=1480, height=1110, scale=0.85)
    page.driver.set_window_size(1800, 900)


def test_what_a_command_spent_and_its_runs_are_found(page: Page) -> None:
    page.open("/assets/report")
    page.sees("since the previous report", "spotify_requests", "failed_checks")
    page.open("/overview/activity/timeline")
    page.sees("music_etl")
    page.open("/runs")
    page.sees("music_assets/command: ")


def test_a_partition_is_materialised_by_clicking(ui: Ui, page: Page) -> None:
    page.open("/assets/msd_songs?view=partitions&partition=AC")
    page.sees("Failed (0)")
    before = ui.materialized("msd_songs")
    assert "AC" not in before
    page.materialise()
    page.sees(f"Materialized ({len(before) + 1})")
    assert "AC" in ui.materialized("msd_songs")
    page.driver.refresh()
    page.sees("Failed (0)", "set_aside")


def test_the_matrix_is_green_where_all_is_made(page: Page) -> None:
    page.open("/locations/music_assets/jobs/music_etl/partitions")
    page.click("//button[contains(., 'Show per-asset status')]")
    page.sees("ZZ")
    none = page.green()
    # It opens on the last letters; where its bar is clicked it goes.
    page.click("//*[contains(@class, 'PartitionStatusBar_selectionFade')]", at_its_left=True)
    page.sees("AA")
    # `AA` is made as far as the warehouse.
    assets = len(partitioned.resolve(build_defs().resolve_asset_graph()))
    page.wait(lambda: page.green() >= none + assets, "the dots of AA are not green")
    page.picture("ui_matrix")


def test_checks_are_run_and_turn_green(ui: Ui, page: Page) -> None:
    page.open("/assets/warehouse/msd/songs?view=checks")
    page.sees("Checks (4)", "Passed")
    before = checked(ui)
    assert len(before) == 4
    page.click("//button[contains(., 'Materialize')]")
    page.wait(lambda: all(at > before[name] for name, at in checked(ui).items()), "the checks did not run")
    page.driver.refresh()
    page.sees("Checks (4)", "Passed")
    assert page.find("//body").text.count("Succeeded") == 4
    page.picture("ui_checks")


CHECKED = """
query Checked($key: AssetKeyInput!) {
  assetChecksOrError: assetNodeOrError(assetKey: $key) {
    ... on AssetNode { assetChecksOrError { ... on AssetChecks { checks {
      name executionForLatestMaterialization { status timestamp }
    } } } }
  }
}"""


def checked(ui: Ui) -> dict[str, float]:
    """When each check of `msd.songs` succeeded last; 0 for one that has not since the table was filled."""
    answer = ui.ask(CHECKED, key={"path": ["warehouse", "msd", "songs"]})["assetChecksOrError"]
    found = {}
    for check in answer["assetChecksOrError"]["checks"]:
        last = check["executionForLatestMaterialization"]
        found[check["name"]] = last["timestamp"] if last and last["status"] == "SUCCEEDED" else 0
    return found


def test_a_failed_partition_is_found_and_retried(ui: Ui, page: Page) -> None:
    """A folder lies where the file of `AD` is to go, until somebody has seen to it."""
    in_the_way = Path(StagingStore(ui.settings.staging).path("msd_songs", "AD"))
    in_the_way.mkdir()
    page.open("/assets/msd_songs?view=partitions&partition=AD")
    page.sees("Failed (0)")
    page.materialise()
    page.sees("Failed (1)")
    page.picture("ui_failed")
    in_the_way.rmdir()
    page.open("/assets/msd_songs?view=partitions")
    page.sees("Failed (1)")
    page.materialise("Failed")
    page.wait(lambda: "AD" in ui.materialized("msd_songs"), "AD was not made")
    page.sees("Failed (0)")


SWITCHES = {
    "daily": "schedules",
    "keep_going": "sensors",
    "msd_files_changed": "sensors",
    "run_failed": "sensors",
}
SWITCHED = """
{ repositoriesOrError { ... on RepositoryConnection { nodes {
  schedules { name scheduleState { status } }
  sensors { name sensorState { status } }
} } } }"""


def switched(ui: Ui) -> dict[str, str]:
    (code,) = ui.ask(SWITCHED)["repositoriesOrError"]["nodes"]
    schedules = {each["name"]: each["scheduleState"]["status"] for each in code["schedules"]}
    return schedules | {each["name"]: each["sensorState"]["status"] for each in code["sensors"]}


def switch(ui: Ui, page: Page, name: str, box: str, wanted: str) -> bool:
    """Click the box once it shows the other state: drawn too early it does nothing, or what was not meant."""
    drawn = page.find(box)
    if switched(ui)[name] != wanted and drawn.is_enabled() and drawn.is_selected() == (wanted == "STOPPED"):
        page.click(f"{box}/ancestor::label[1]")
        time.sleep(3)
    return switched(ui)[name] == wanted


def test_the_schedule_and_the_sensors_are_switched_on_and_off(ui: Ui, page: Page) -> None:
    """Last in this file: while they are on, they start runs."""
    page.open("/automation")
    page.sees(*SWITCHES)
    assert switched(ui) == dict.fromkeys(SWITCHES, "STOPPED")
    for wanted in ("RUNNING", "STOPPED"):
        for name, kind in SWITCHES.items():
            # The last box in its row; the first selects it.
            row = f"//a[contains(@href, '/{kind}/{name}')]/ancestor::*[@data-index][1]"
            box = f"({row}//input[@type = 'checkbox'])[last()]"
            page.wait(
                lambda name=name, box=box, to=wanted: switch(ui, page, name, box, to),
                f"{name} is not {wanted}",
            )
        if wanted == "RUNNING":
            page.open("/locations/music_assets/schedules/daily")
            page.sees("Next tick", "3:00:00 AM UTC")
            page.picture("ui_automation")
            page.open("/automation")
    assert switched(ui) == dict.fromkeys(SWITCHES, "STOPPED")

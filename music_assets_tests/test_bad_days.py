"""Spotify's bad days, through the whole run: afterwards a plain run completes everything."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from music_assets.cli.job import run_job
from music_assets.defs.resources import SpotifyResource
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets.sources import bounded
from music_assets_tests.campaigns.world import catalogue_of, settings_for, tables
from music_assets_tests.support.faults import BOMB_MB, Faults
from music_assets_tests.support.sandbox import FaultySandbox, in_thread

SONGS = 60
DAY = 86_400


class Days:
    """The time as it goes, and days that are skipped."""

    skipped = 0

    def __call__(self) -> float:
        return time.time() + DAY * self.skipped


@dataclass
class World:
    """One MSD and its sandbox, whose days can be bad."""

    msd: Path
    url: str
    sandbox: FaultySandbox
    days: Days

    def settings(self, data: Path) -> Settings:
        return settings_for(data, self.url, msd=str(self.msd))

    def be(self, behaviours: Mapping[str, float | None], **faults: Any) -> None:
        self.sandbox.behaviours.switch(behaviours)
        self.sandbox.faults = Faults(**faults)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    msd = write_sample(folder / "msd", sample_songs(("AA", "AB"), SONGS))
    days, access = Days(), SpotifyResource._access
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpotifyResource, "clock", lambda self: days())
        patch.setattr(SpotifyResource, "_access", lambda self: replace(access(self), backoff=0.001))
        catalogue = catalogue_of(settings_for(folder / "catalogue", "http://127.0.0.1:9", msd=str(msd)))
        sandbox = FaultySandbox(catalogue, mode="development", clock=days)
        with in_thread(sandbox) as address:
            yield World(msd, address.base_url.removesuffix("/v1/"), sandbox, days)


@pytest.fixture(scope="module")
def undisturbed(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    world.be({})
    settings = world.settings(tmp_path_factory.mktemp("undisturbed"))
    summary = run_job(settings)
    assert (summary.failed, summary.pending, summary.error) == ([], 0, 0)
    return tables(settings)


OUTAGES: dict[str, tuple[Mapping[str, float | None], Mapping[str, Any]]] = {
    "search answers 404": ({"search_404": None}, {}),
    "403 for want of Premium, everywhere": ({}, {"broken_rate": 1.0, "broken": ("premium",)}),
    "403 once": ({"premium": 5}, {}),
    "503 to everything": ({}, {"broken_rate": 1.0, "broken": ("503",)}),
    "a total and no items, now and then": ({"empty_pages": 0.5}, {}),
    "errors with status 200, now and then": ({"error_bodies": 0.5}, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("outage", OUTAGES)
def test_after_an_outage_a_plain_run_completes_everything(
    outage: str, world: World, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    behaviours, faults = OUTAGES[outage]
    world.be(behaviours, **faults)
    settings = world.settings(tmp_path / "data")
    bad = run_job(settings)
    assert bad.songs == SONGS and bad.no_candidates <= len(_without_candidates(undisturbed))
    assert bad.failed == [] and bad.tables["analytics.songs"] == SONGS  # known so far, and published
    while_it_lasted = tables(settings)
    assert _matches(while_it_lasted).items() <= _matches(undisturbed).items()

    world.be({})
    world.days.skipped += 1
    good = run_job(settings)
    assert (good.failed, good.pending, good.error) == ([], 0, 0)
    assert tables(settings) == undisturbed


# Bodies without bound, and what the run says of them; the bounds are small, to be reached soon.
BODIES = {
    "endless": "more than 1,000,000 bytes",
    "bomb": "more than 1,000,000 bytes",
    "drip": "a body that takes more than 1 s",
    "deep": "JSON that is nested too deep",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BODIES)
def test_searches_answered_without_bound_end_no_run_and_fill_no_memory(
    kind: str, world: World, undisturbed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = world.settings(tmp_path / "data")
    world.be({}, broken_rate=1.0, broken=(kind,), broken_for=("search",))
    with monkeypatch.context() as patch:
        patch.setattr(bounded, "MAX_BYTES", 1_000_000)
        patch.setattr(bounded, "MAX_SECONDS", 1.0)
        before = _megabytes("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the most it held is counted anew
        bad = run_job(settings)
    assert _megabytes("VmHWM") - before < BOMB_MB
    assert bad.songs == SONGS and bad.failed == [] and bad.no_candidates == 0
    assert any(BODIES[kind] in line for line in bad.notes)
    assert _matches(tables(settings)).items() <= _matches(undisturbed).items()

    world.be({})
    good = run_job(settings)
    assert (good.failed, good.pending, good.error) == ([], 0, 0)
    assert tables(settings) == undisturbed


@pytest.mark.slow
def test_hits_without_a_name_are_no_candidates(
    world: World, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    world.be({"nameless": 1.0})
    settings = world.settings(tmp_path / "data")
    summary = run_job(settings)
    assert (summary.failed, summary.pending, summary.error) == ([], 0, 0)
    assert tables(settings) == undisturbed


@pytest.mark.slow
def test_text_that_is_none_costs_its_row_nothing(
    world: World, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    world.be({"half_pairs": 0.3})
    settings = world.settings(tmp_path / "data")
    summary = run_job(settings)
    assert (summary.failed, summary.pending, summary.error) == ([], 0, 0)
    assert _matches(tables(settings)) == _matches(undisturbed)
    with duckdb.connect(str(settings.published), read_only=True) as database:
        repaired = database.execute(
            "SELECT count(*) FROM spotify.tracks WHERE name LIKE '% \ufffd'"
        ).fetchone()
        assert repaired is not None and repaired[0] > 5
    again = run_job(settings)
    assert again.failed == [] and again.requests_spent == 0


def _megabytes(name: str) -> float:
    """What Linux says of this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name))


def _matches(found: dict[str, list[tuple[Any, ...]]]) -> dict[Any, Any]:
    """The accepted Spotify track of each MSD track."""
    return {row[0]: row[1] for row in found["mapped.songs"] if row[4] is True}


def _without_candidates(found: dict[str, list[tuple[Any, ...]]]) -> list[Any]:
    return [row for row in found["mapped.songs"] if row[2] == "no_candidates"]

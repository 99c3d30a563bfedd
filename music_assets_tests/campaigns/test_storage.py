"""Disks that are full or read-only: one sentence, nothing damaged, and the next run goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from music_assets.cli.job import run_job
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import Settings
from music_assets_tests.campaigns.places import started
from music_assets_tests.campaigns.world import LONG, catalogue_of, settings_for, tables
from music_assets_tests.support.disks import mounted, remount
from music_assets_tests.support.msd_songs import write_in_place
from music_assets_tests.support.sandbox import running_sandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

SIZES = tuple(range(1, 25)) if LONG else (3, 12)  # MB: each ends a run at another moment; 26 are enough
# Where a dump has no room a run goes on without it, and finds other songs by other sources.
WITHOUT = {"skip_sources": "musicbrainz,acousticbrainz,echonest"}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A run that nothing disturbed, over a sandbox that stays."""
    folder = tmp_path_factory.mktemp("calm")
    msd = str(folder / "msd")
    write_in_place(folder / "msd", *sample_songs(("AA", "AB"), 60))
    nowhere = settings_for(folder / "catalogue", "http://127.0.0.1:9", msd=msd)
    with running_sandbox(catalogue_of(nowhere), mode="development") as address:
        settings = settings_for(folder / "data", address.base_url.removesuffix("/v1/"), msd=msd, **WITHOUT)
        assert run_job(settings).failed == []
        yield settings


def on(disk: Path, calm: Settings) -> Settings:
    return settings_for(disk / "data", str(calm.sandbox.url), msd=str(calm.msd), **WITHOUT)


def said(settings: Settings) -> tuple[int, str]:
    process = started(settings)
    output = process.communicate()[0].decode()
    return process.returncode, output


@pytest.mark.parametrize("megabytes", SIZES)
def test_a_full_disk_is_named_and_with_space_the_next_run_ends_the_same(
    megabytes: int, calm: Settings, disk: Path
) -> None:
    mounted(disk, f"size={megabytes}m")
    settings = on(disk, calm)
    code, output = said(settings)
    assert code in (1, 2), output
    assert "Traceback" not in output and len(output) < 6000, output
    assert any(words in output for words in ("disk is full", "No space left", "are free")), output
    remount(disk, "size=400m")
    summary = run_job(settings)
    assert (summary.failed, summary.pending, summary.error) == ([], 0, 0)
    assert tables(settings) == tables(calm)
    left = [path for path in disk.rglob("*") if path.suffix in (".part", ".fresh", ".tmp")]
    assert left == [] and not list(disk.rglob("*.building"))


def test_a_read_only_folder_is_named_by_every_command(calm: Settings, disk: Path) -> None:
    mounted(disk, "size=400m")
    settings = on(disk, calm)
    assert said(settings)[0] == 0
    remount(disk, "ro")
    code, output = said(settings)
    assert code in (1, 2) and "Traceback" not in output and len(output) < 2000, output
    assert "read-only" in output.lower() or "readonly" in output.lower() or "write" in output, output

"""What Dagster's UI calls out of date: changed MSD files, what was computed from them, changed SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from music_assets.definitions import build_defs
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Project:
    """The project's definitions on an MSD of three directories, and what Dagster says of its partitions."""

    def __init__(self, folder: Path, instance: DagsterInstance) -> None:
        self.msd = write_sample(folder / "msd", sample_songs(("AA", "AB", "AC"), 9))
        self.instance = instance
        self.definitions = build_defs(
            settings=Settings.from_environment({}, data=str(folder / "data"), msd=str(self.msd))
        )

    def run(self, first: str, last: str, *assets: str) -> None:
        ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        done = self.definitions.resolve_job_def("extract").execute_in_process(
            instance=self.instance,
            tags=ends,
            run_config=QUIET,
            asset_selection=[AssetKey(name) for name in assets] or None,
        )
        assert done.success

    def observe(self) -> None:
        """As the button of `msd_files` does."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        done = job.get_subset(asset_selection={AssetKey("msd_files")}).execute_in_process(
            instance=self.instance, run_config=QUIET
        )
        assert done.success

    def stale(self, asset: str) -> list[str]:
        graph = self.definitions.resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        return [
            key for key in ("AA", "AB", "AC") if resolver.get_status(AssetKey(asset), key).value == "STALE"
        ]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with DagsterInstance.ephemeral() as instance:
        yield Project(tmp_path, instance)


def test_a_changed_file_makes_its_partition_stale_and_then_what_reads_it(project: Project) -> None:
    project.run("AA", "AC")
    project.observe()
    assert project.stale("msd_songs") == project.stale("musicbrainz_recordings") == []
    next((project.msd / "A" / "B").rglob("*.h5")).unlink()
    project.observe()
    assert project.stale("msd_songs") == project.stale("msd_artists") == ["AB"]
    project.run("AB", "AB", "msd_songs", "msd_artists")
    assert project.stale("msd_songs") == []
    assert project.stale("musicbrainz_recordings") == ["AB"]
    project.run("AB", "AB")
    assert project.stale("musicbrainz_recordings") == []


def test_building_again_what_has_not_changed_makes_nothing_stale(project: Project) -> None:
    for _ in range(2):
        project.run("AA", "AC")
        project.run("AC", "AC")
        assert project.stale("musicbrainz_recordings") == []


def test_a_table_has_the_version_of_its_query(monkeypatch: pytest.MonkeyPatch) -> None:
    from music_assets.defs.assets import tables

    def versions() -> dict[str, str | None]:
        made = (tables._table_asset(name, table) for name, table in tables.TABLES.items())
        return {
            spec.key.path[-1] + spec.key.path[-2]: spec.code_version for one in made for spec in one.specs
        }

    before = versions()
    assert len({*before.values()}) == len(before)
    monkeypatch.setattr(tables, "sql", lambda name: f"{name} as somebody else wrote it")
    assert not before.items() & versions().items()

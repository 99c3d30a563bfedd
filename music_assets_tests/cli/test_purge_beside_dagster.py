"""`music-assets purge` beside runs that Dagster started, which take no lock on the data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dagster import DagsterInstance, DagsterRunStatus, job

from music_assets.cli.erase import Purge
from music_assets.cli.lock import RunBegan
from music_assets.cli.main import cli
from music_assets.defs.instance import dagster_instance
from music_assets.defs.run_launcher import COMMAND_LINE
from music_assets.settings import Settings
from music_assets.sources.ledger import Key, Ledger, Response, open_ledger


@job
def tables() -> None:
    pass


@dataclass(frozen=True)
class Folder:
    """A data folder with one response of Spotify's, and its Dagster."""

    settings: Settings
    ledger: Ledger
    instance: DagsterInstance

    def purge(self, *options: str) -> Result:
        whole = ["purge", "--all", *options, "--data", str(self.settings.data)]
        return CliRunner(env={"MUSIC_ASSETS_SPOTIFY": "sandbox", "COLUMNS": "240"}).invoke(cli, whole)

    @property
    def is_purged(self) -> bool:
        return not self.ledger.count()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    settings = Settings.from_environment({"MUSIC_ASSETS_SPOTIFY": "sandbox"}, data=str(tmp_path / "data"))
    with (
        closing(open_ledger(settings.ledger, source="sandbox")) as ledger,
        dagster_instance(settings.dagster_home) as instance,
    ):
        key = Key("track", "TR", "search")
        ledger.put_many([Response(key, "answered", "q", datetime.now(UTC), "development", {})])
        yield Folder(settings, ledger, instance)


@pytest.mark.parametrize("status", [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTED])
def test_nothing_is_removed_while_such_a_run_has_not_ended(folder: Folder, status: DagsterRunStatus) -> None:
    run = folder.instance.create_run_for_job(tables, status=status)
    told = folder.purge("--yes")
    assert told.exit_code == 2
    assert f"in use by a run that Dagster started (tables, {run.run_id[:8]})" in told.output
    assert not folder.is_purged
    assert folder.purge("--dry-run").exit_code == 0
    folder.instance.report_run_failed(run)
    assert folder.purge("--yes").exit_code == 0
    assert folder.is_purged


def test_a_run_of_a_killed_command_hinders_no_purge(folder: Folder) -> None:
    tags = {COMMAND_LINE: "1"}
    run = folder.instance.create_run_for_job(tables, status=DagsterRunStatus.STARTED, tags=tags)
    assert folder.purge("--yes").exit_code == 0
    assert folder.is_purged
    ended = folder.instance.get_run_by_id(run.run_id)
    assert ended and ended.status is DagsterRunStatus.FAILURE


def test_that_such_a_run_began_during_a_purge_is_told(folder: Folder) -> None:
    removing = Purge(folder.settings, None).run()
    next(removing)
    run = folder.instance.create_run_for_job(tables)
    with pytest.raises(RunBegan):
        list(removing)
    folder.instance.report_run_failed(run)
    list(Purge(folder.settings, None).run())

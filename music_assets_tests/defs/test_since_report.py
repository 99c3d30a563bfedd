"""What a report counts since the one before it: requests by source, runs, new songs, checks that failed."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetMaterialization,
    DagsterInstance,
    MaterializeResult,
    TableMetadataValue,
    asset,
    asset_check,
    materialize,
)

from music_assets.defs.assets.since_report import SOURCES, since_report
from music_assets.defs.resources import LedgerResource
from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets.sources.ledger import open_ledger
from music_assets.sources.listenbrainz import LABS, LISTENBRAINZ
from music_assets.sources.reccobeats import RECCOBEATS

STATUSES = {"matched": 40, "no_candidates": 8, "pending": 2}


@asset
def report(context: AssetExecutionContext, ledger: LedgerResource) -> MaterializeResult[None]:
    """The asset of that name without its page, which takes a second to draw."""
    if context.run.tags.get("broken"):
        raise OSError("no space left")
    return MaterializeResult(metadata=since_report(context, ledger.open(), STATUSES))


class Deployment:
    """A ledger, and Dagster's history in memory."""

    def __init__(self, folder: Path, instance: DagsterInstance) -> None:
        self.instance = instance
        self.settings = Settings.from_environment({}, data=str(folder))

    def send(self, ago: timedelta = timedelta(), **requests: int) -> None:
        with closing(open_ledger(self.settings.ledger, source=self.settings.ledger_source)) as ledger:
            for kind, count in requests.items():
                ledger.record_request(kind, datetime.now(UTC) - ago, count)

    def run(self, *assets: Any, **tags: str) -> bool:
        ledger = {"ledger": resources(self.settings)["ledger"]}
        options: dict[str, Any] = {"instance": self.instance, "tags": tags, "raise_on_error": False}
        return materialize([*assets], resources=ledger, **options).success

    def report(self) -> dict[str, Any]:
        """The metadata of the next report."""
        assert self.run(report)
        event = self.instance.get_latest_materialization_event(report.key)
        assert event and event.asset_materialization
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    def requests(self) -> dict[str, int]:
        """What the next report counts, without zeros."""
        found = {name.removesuffix("_requests"): value for name, value in self.report().items()}
        return {name: found[name] for name in (*SOURCES, "another") if found.get(name)}


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with DagsterInstance.ephemeral() as instance:
        yield Deployment(tmp_path, instance)


def test_all_services_that_requests_go_to_are_counted() -> None:
    assert {policy.kind for policy in (RECCOBEATS, LABS, LISTENBRAINZ)} | {"spotify"} == {*SOURCES}


def test_each_request_is_in_one_report(deployment: Deployment) -> None:
    deployment.send(search=3, tracks=2, reccobeats=4)
    assert deployment.requests() == {"spotify": 5, "reccobeats": 4}
    assert deployment.requests() == {}
    deployment.send(**{"album-batches": 1, "labs": 7, "another": 2})
    deployment.send(search=1)
    assert deployment.requests() == {"spotify": 2, "labs": 7, "another": 2}


def test_where_nothing_was_sent_there_is_a_zero_to_plot(deployment: Deployment) -> None:
    first = deployment.report()
    assert [first[f"{source}_requests"] for source in SOURCES] == [0, 0, 0, 0]
    assert (first["runs"], first["songs"], first["new_songs"]) == (1, 50, 50)
    second = deployment.report()
    assert (second["runs"], second["songs"], second["new_songs"]) == (1, 50, 0)
    assert second["match_rate"] == first["match_rate"] == 0.8333  # of those with a response


def test_the_table_has_the_day_and_all_days_too(deployment: Deployment) -> None:
    deployment.send(timedelta(days=2), search=1200)
    deployment.report()
    deployment.send(search=3)
    assert "| spotify | 3 | 3 | 1,203 |" in deployment.report()["requests"]


def test_a_retry_counts_what_the_failed_run_spent(deployment: Deployment) -> None:
    deployment.report()
    deployment.send(search=3)
    assert not deployment.run(report, broken="yes")
    deployment.send(search=1)
    metadata = deployment.report()
    assert metadata["spotify_requests"] == 4
    assert metadata["runs"] == 2


@asset
def earlier_stage() -> None:
    pass


def test_runs_before_the_one_that_reports_count(deployment: Deployment) -> None:
    deployment.report()
    deployment.run(earlier_stage)
    deployment.run(earlier_stage)
    metadata = deployment.report()
    assert metadata["runs"] == 3
    assert 0 < metadata["seconds"] < 60
    assert deployment.report()["runs"] == 1


def new_ledger(deployment: Deployment) -> None:
    for file in Path(deployment.settings.ledger).parent.glob("*sqlite*"):
        file.unlink()


def another_source_and_back(deployment: Deployment) -> None:
    mine = deployment.settings
    deployment.settings = Settings.from_environment({"MUSIC_ASSETS_SPOTIFY": "off"}, data=str(mine.data))
    deployment.send(reccobeats=9)
    assert deployment.requests() == {"reccobeats": 9}
    deployment.settings = mine


@pytest.mark.parametrize("happens", [new_ledger, another_source_and_back])
def test_whatever_ledger_is_in_use_what_is_new_is_counted(
    deployment: Deployment, happens: Callable[[Deployment], None]
) -> None:
    deployment.send(search=30)
    deployment.report()
    happens(deployment)
    deployment.send(search=2)
    assert deployment.requests() == {"spotify": 2}


def test_after_a_report_of_an_earlier_version_older_requests_are_left_out(deployment: Deployment) -> None:
    deployment.send(timedelta(hours=5), search=30)
    deployment.instance.report_runless_asset_event(AssetMaterialization("report"))
    deployment.send(search=2)
    assert deployment.requests() == {"spotify": 2}


def check(name: str, passed: list[bool]) -> Any:
    """A check that passes or fails in turn."""

    @asset_check(asset=earlier_stage, name=name)
    def checked() -> AssetCheckResult:
        one = passed.pop(0)
        return AssetCheckResult(passed=one, severity=AssetCheckSeverity.WARN, description="2 of 9 songs")

    return checked


def test_failed_checks_are_named_until_they_pass(deployment: Deployment) -> None:
    checks = [check("good", [True, True, True]), check("bad", [False, False, True])]

    deployment.run(earlier_stage, *checks)
    deployment.run(earlier_stage, *checks)
    failing = deployment.report()
    assert (failing["checks_passed"], failing["checks_failed"]) == (1, 1)
    event = deployment.instance.get_latest_materialization_event(report.key)
    assert event and event.asset_materialization
    table = event.asset_materialization.metadata["failed_checks"]
    assert isinstance(table, TableMetadataValue)
    (row,) = table.records
    named = {"asset": "earlier_stage", "check": "bad", "partitions": "", "reason": "2 of 9 songs"}
    assert row.data == named
    deployment.run(earlier_stage, *checks)
    passing = deployment.report()
    assert (passing["checks_passed"], passing["checks_failed"], passing["failed_checks"]) == (2, 0, "none")

"""The jobs: what each takes, and how many may run at once."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterRunStatus
from dagster._core.instance.config import PoolGranularity

from music_assets.definitions import build_defs
from music_assets.defs.assets.common import POOLS, SPOTIFY_REQUESTS
from music_assets.defs.instance import (
    close_lost_runs,
    dagster_instance,
    limit_pools,
    prepare_dagster_home,
    ui_instance,
)
from music_assets.defs.partitions import backfill_policy
from music_assets.defs.registry import COMPUTED
from music_assets.defs.run_launcher import COMMAND_LINE
from music_assets.settings import Settings


def keys(job: str) -> set[str]:
    layer = build_defs().resolve_job_def(job).asset_layer
    return {key.to_user_string() for key in layer.selected_asset_keys}


def test_only_asking_spends_requests() -> None:
    graph = build_defs().resolve_asset_graph()
    spending = {
        key.to_user_string() for key in graph.materializable_asset_keys if graph.get(AssetKey(key.path)).pools
    }
    assert "spotify_search" in spending
    assert spending <= keys("ask") | keys("ask_first") | keys("refresh")
    for job in ("extract", "match_and_load", "tables"):
        assert not spending & keys(job), job


def test_the_steps_are_the_whole() -> None:
    steps = [keys(job) for job in ("extract", "ask", "match_and_load", "tables", "ask_first")]
    assert set().union(*steps) == keys("music_etl")
    # A refresh is partitioned by day, and no job may hold two kinds of partitions.
    graph = build_defs().resolve_asset_graph()
    every = {key.to_user_string() for key in graph.materializable_asset_keys}
    assert every - keys("music_etl") == keys("refresh")
    # Only what spends nothing may be made by two: by the one that asks, and by the one that does not.
    computed = {kind for stage in COMPUTED for kind in stage.outputs}
    for one, other in combinations(steps, 2):
        assert one & other <= computed


def test_a_run_of_a_job_takes_a_letter() -> None:
    for job in ("extract", "ask", "match_and_load", "music_etl"):
        assert build_defs().resolve_job_def(job).backfill_policy == backfill_policy, job


def test_one_run_spends_a_quota_at_a_time_from_the_first_on(tmp_path: Path) -> None:
    prepare_dagster_home(tmp_path)
    limit_pools(tmp_path)
    with ui_instance(tmp_path) as instance:
        concurrency = instance.get_concurrency_config()
        limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
        instance.event_log_storage.set_concurrency_slots(SPOTIFY_REQUESTS, 2)
    assert concurrency.pool_config.pool_granularity is PoolGranularity.RUN
    assert limits == POOLS and limits[SPOTIFY_REQUESTS] == 1
    graph = build_defs().resolve_asset_graph()
    assert set().union(*(graph.get(key).pools or () for key in graph.materializable_asset_keys)) <= {*POOLS}
    # What somebody has set stays.
    limit_pools(tmp_path)
    with ui_instance(tmp_path) as instance:
        limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
    assert limits[SPOTIFY_REQUESTS] == 2


@pytest.mark.parametrize("revision", ["b89238b", "571ee3e"])
def test_a_configuration_of_an_earlier_version_is_replaced(tmp_path: Path, revision: str) -> None:
    config = tmp_path / "dagster.yaml"
    config.write_text((Path(__file__).parent / f"dagster_{revision}.yaml").read_text())
    prepare_dagster_home(tmp_path)
    assert "LocalRunLauncher" in config.read_text()


def test_a_configuration_that_somebody_has_edited_is_left_as_it_is(tmp_path: Path) -> None:
    config = tmp_path / "dagster.yaml"
    prepare_dagster_home(tmp_path)
    config.write_text(config.read_text() + "# mine\n")
    edited = config.read_text()
    prepare_dagster_home(tmp_path)
    assert config.read_text() == edited


def test_runs_of_a_killed_command_are_not_started_for_ever(tmp_path: Path) -> None:
    job = build_defs().resolve_job_def("extract")
    with dagster_instance(tmp_path) as instance:
        ours = instance.create_run_for_job(job, status=DagsterRunStatus.STARTED, tags={COMMAND_LINE: "true"})
        daemons = instance.create_run_for_job(job, status=DagsterRunStatus.STARTED)
        close_lost_runs(instance)
        states = {run.run_id: run.status for run in instance.get_runs()}
    assert states == {ours.run_id: DagsterRunStatus.FAILURE, daemons.run_id: DagsterRunStatus.STARTED}


def test_the_tags_of_jobs_are_those_of_the_settings_given() -> None:
    settings = Settings.from_environment({"MUSIC_ASSETS_JOB_TAGS": '{"ask": {"place": "here"}}'})
    defs = build_defs(settings=settings)
    for job, place in (("extract", None), ("ask_first", "here"), ("ask", "here"), ("refresh", "here")):
        assert defs.resolve_job_def(job).tags.get("place") == place

"""The daily run and the sensors over real assets, the sandbox and DuckDB: what starts, and what does not."""

from __future__ import annotations

import inspect
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterRunStatus, RunsFilter, build_sensor_context

from music_assets.definitions import build_defs
from music_assets.defs.automation.day import day_of
from music_assets.defs.automation.facts import Loads, to_refresh
from music_assets.defs.instance import dagster_instance
from music_assets.defs.registry import STAGES
from music_assets.defs.run_launcher import COMMAND_LINE
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample, write_song_file
from music_assets.settings import Settings
from music_assets.staging.store import StagingStore
from music_assets_tests.support.clock import MovedClock, moved
from music_assets_tests.support.daemon import Daemon
from music_assets_tests.support.webhook import Listener

DIRECTORIES = ("AA", "AB", "BZ")
SENSORS = ("msd_files_changed", "keep_going", "run_failed")


# Where it is noon now: in the hour before seven nothing waits for responses.
NOON = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"


def settings_for(folder: Path, **more: str) -> Settings:
    places = {"data": str(folder / "data"), "msd": str(folder / "msd"), "timezone": NOON}
    return Settings.from_environment({}, **{**places, **more})


story = pytest.mark.slow  # some twenty runs


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, Path]]:
    """A small MSD and the daemon beside it; the tests of this module are one story, in this order."""
    folder = tmp_path_factory.mktemp("daily")
    write_sample(folder / "msd", sample_songs(DIRECTORIES, 12))
    with dagster_instance(folder / "data" / "dagster") as instance:
        yield Daemon(settings_for(folder), instance), folder


def touch(folder: Path, letters: str) -> None:
    """Write one song of a directory anew, a little longer."""
    song = next(song for song in sample_songs(DIRECTORIES, 12) if song["track_id"][2:4] == letters)
    track_id = song["track_id"]
    path = folder / "msd" / letters[0] / letters[1] / track_id[4] / f"{track_id}.h5"
    write_song_file(path, {**song, "duration": song["duration"] + 1})
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def test_the_sensor_has_what_the_stages_depend_on() -> None:
    depended = [set(inspect.signature(stage.depends_on).parameters) for stage in STAGES if stage.depends_on]
    sensor = build_defs().get_repository_def().get_sensor_def("keep_going")
    assert set().union(*depended) - {"msd"} <= sensor.required_resource_keys


def test_all_is_off_until_it_is_switched_on() -> None:
    repository = build_defs().get_repository_def()
    states = [repository.get_sensor_def(name).default_status.value for name in SENSORS]
    states.append(repository.get_schedule_def("daily").default_status.value)
    assert set(states) == {"STOPPED"}


def test_the_schedule_and_the_promise_follow_the_settings(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, timezone="Europe/Berlin", daily_start="01:30")
    definitions = build_defs(settings=settings)
    daily = definitions.get_repository_def().get_schedule_def("daily")
    assert (daily.cron_schedule, daily.execution_timezone) == ("30 1 * * *", "Europe/Berlin")
    promised = {
        key.to_user_string(): node.freshness_policy
        for key in definitions.resolve_asset_graph().materializable_asset_keys
        if (node := definitions.resolve_asset_graph().get(key)).freshness_policy
    }
    assert sorted(promised) == ["warehouse/analytics/artists", "warehouse/analytics/songs"]
    policy = promised["warehouse/analytics/songs"]
    assert (policy.deadline_cron, policy.timezone) == ("0 7 * * *", "Europe/Berlin")
    assert policy.lower_bound_delta == timedelta(hours=6, minutes=30)


@story
def test_a_first_day_ends_with_filled_tables(deployment: tuple[Daemon, Path]) -> None:
    daemon, _ = deployment
    assert daemon.daily(datetime.now(UTC)) == [("extract", "AA-AB"), ("extract", "BZ")]
    assert daemon.settle() == [
        ("ask_first", ""),
        ("ask", "AA-AB"),
        ("ask", "BZ"),
        ("match_and_load", "AA-AB"),
        ("match_and_load", "BZ"),
        ("tables", ""),
    ]
    failed = daemon.instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.FAILURE]))
    assert failed == []


@story
def test_where_nothing_has_happened_nothing_is_looked_at(deployment: tuple[Daemon, Path]) -> None:
    daemon, _ = deployment
    daemon.settle()
    assert daemon.tick("keep_going") == []
    assert daemon.said[-1] == "No run has ended, and it is not yet time for anything."
    assert daemon.tick("msd_files_changed") == []
    assert "none is new or changed" in daemon.said[-1]
    assert daemon.daily(datetime.now(UTC) + timedelta(days=1)) == []


@story
def test_one_touched_file_makes_its_partition_again_and_no_other(deployment: tuple[Daemon, Path]) -> None:
    daemon, folder = deployment
    touch(folder, "AB")
    assert daemon.tick("msd_files_changed") == [("extract", "AB")]
    assert daemon.settle() == [("ask_first", ""), ("ask", "AB"), ("match_and_load", "AB"), ("tables", "")]


@story
def test_one_cause_starts_one_run_though_the_run_failed(deployment: tuple[Daemon, Path]) -> None:
    daemon, folder = deployment
    touch(folder, "BZ")
    store = StagingStore(settings_for(folder).staging)
    in_the_way = Path(store.path("msd_artists", "BZ"))
    in_the_way.unlink()
    in_the_way.mkdir()
    assert daemon.tick("msd_files_changed") == [("extract", "BZ")]
    (failed,) = daemon.instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.FAILURE]))
    in_the_way.rmdir()
    daemon.restart(settings_for(folder))
    assert daemon.tick("msd_files_changed") == []
    # Tried again by hand, as the alert says.
    tags = {key: value for key, value in failed.tags.items() if "asset_partition" in key}
    assert daemon.execute("extract", tags).success
    assert daemon.settle()[-1] == ("tables", "")


@story
def test_nothing_starts_beside_a_run_that_loads(deployment: tuple[Daemon, Path]) -> None:
    daemon, folder = deployment
    touch(folder, "AA")
    daemon.tick("msd_files_changed")
    job = daemon.definitions.resolve_job_def("tables")
    run = daemon.instance.create_run_for_job(job, status=DagsterRunStatus.STARTED)
    assert daemon.tick("keep_going") == []
    assert daemon.said[-1] == "Waiting for tables."
    daemon.instance.add_run_tags(run.run_id, {COMMAND_LINE: "true"})  # which waits for itself
    assert ("tables", "") in daemon.settle()
    daemon.instance.delete_run(run.run_id)


@story
def test_an_override_is_loaded_with_the_next_day(deployment: tuple[Daemon, Path]) -> None:
    """No run ends when a person writes a file; the day's begin is the time to look."""
    daemon, folder = deployment
    daemon.settle()
    track_id = next(
        song["track_id"] for song in sample_songs(DIRECTORIES, 12) if song["track_id"][2:4] == "AA"
    )
    overrides = folder / "overrides.csv"
    overrides.write_text(f"track_id,spotify_track_id,note\n{track_id},none,not it\n")
    daemon.restart(settings_for(folder, overrides=str(overrides)))
    assert daemon.settle() == []
    cursor = json.loads(daemon.cursors["keep_going"] or "")
    cursor["looked"] = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    daemon.cursors["keep_going"] = json.dumps(cursor)
    assert daemon.settle() == [("match_and_load", "AA"), ("tables", "")]


@pytest.mark.parametrize("sensor", ["msd_files_changed", "keep_going"])
def test_what_cannot_be_used_is_said_and_raises_nothing(sensor: str, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, overrides=str(tmp_path / "gone.csv"), msd=str(tmp_path / "gone"))
    with dagster_instance(tmp_path / "dagster") as instance:
        daemon = Daemon(settings, instance)
        assert daemon.tick(sensor) == []
        assert daemon.daily(datetime.now(UTC)) == []
    assert f"{tmp_path}/gone" in daemon.said[0]
    assert "MUSIC_ASSETS_MSD" in daemon.said[1]


def test_a_slow_disk_is_looked_at_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the time a tick has is over, the next goes on where it stopped."""
    from music_assets.defs.automation import sensors

    for letters in [f"A{second}" for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] + ["BA"]:
        folder = tmp_path / "msd" / letters[0] / letters[1] / "A"
        folder.mkdir(parents=True)
        (folder / f"TR{letters}A00128F0000000.h5").write_bytes(b"not HDF5: set aside")
    monkeypatch.setattr(sensors, "LOOK_S", 0.0)
    with dagster_instance(tmp_path / "dagster") as instance:
        daemon = Daemon(settings_for(tmp_path), instance)
        assert daemon.tick("msd_files_changed") == [("extract", "AA-AZ")]
        daemon.restart(settings_for(tmp_path))
        assert daemon.tick("msd_files_changed") == [("extract", "BA")]
        assert daemon.tick("msd_files_changed") == []


def test_a_directory_that_is_gone_is_named_and_stays(tmp_path: Path) -> None:
    write_sample(tmp_path / "msd", sample_songs(("AA", "BZ"), 2))
    with dagster_instance(tmp_path / "dagster") as instance:
        daemon = Daemon(settings_for(tmp_path), instance)
        assert daemon.tick("msd_files_changed") == [("extract", "AA"), ("extract", "BZ")]
        shutil.rmtree(tmp_path / "msd" / "B")
        assert daemon.tick("msd_files_changed") == []
    assert "no files of BZ any more" in daemon.said[-1]
    store = StagingStore(settings_for(tmp_path).staging)
    kept = store.staged_file("msd_songs", "BZ")
    assert kept is not None and kept.rows > 0


def test_a_failed_step_is_tried_again_later_and_not_for_ever(tmp_path: Path) -> None:
    from music_assets.defs.automation.sensors import RETRIES, RETRY_AFTER, _attempts

    since = datetime.now(UTC) - timedelta(hours=1)
    with dagster_instance(tmp_path / "dagster") as instance:
        job = build_defs(settings=settings_for(tmp_path)).resolve_job_def("ask_first")
        assert _attempts(instance, since, datetime.now(UTC)) == ({}, None)
        for attempt in range(RETRIES):
            instance.create_run_for_job(job, status=DagsterRunStatus.FAILURE)
            now = datetime.now(UTC)
            before, again = _attempts(instance, since, now)
            assert before == {"ask_first": attempt} and again is not None
            assert now < again <= now + RETRY_AFTER * 2**attempt
            assert _attempts(instance, since, again) == ({"ask_first": attempt + 1}, None)
        instance.create_run_for_job(job, status=DagsterRunStatus.FAILURE)
        assert _attempts(instance, since, datetime.now(UTC)) == ({"ask_first": RETRIES}, None)
        assert _attempts(instance, datetime.now(UTC), datetime.now(UTC)) == ({}, None)  # another day


@pytest.mark.parametrize("budget_is_back", [-1, 5, 60])
def test_the_next_look_is_at_the_first_time_that_is_to_come(tmp_path: Path, budget_is_back: int) -> None:
    """The state of a run that failed has the time it began at, which is past when it is to be tried again."""
    now, settings = datetime.now(UTC), settings_for(tmp_path)
    back = now + timedelta(minutes=budget_is_back)
    state = {"partitions": {}, "go_on_at": back.isoformat(), "asked_at": None}
    StagingStore(settings.staging).write_json("spotify_answers", "all", ".state.json", state)
    with dagster_instance(tmp_path / "dagster") as instance:
        daemon = Daemon(settings, instance)
        job = daemon.definitions.resolve_job_def("ask_first")
        instance.create_run_for_job(job, status=DagsterRunStatus.FAILURE)
        context = build_sensor_context(instance, repository_def=daemon.repository, resources=daemon.resources)
        with context:
            cursor = daemon.repository.get_sensor_def("keep_going").evaluate_tick(context).cursor
    at = datetime.fromisoformat(json.loads(cursor or "")["go_on_at"])
    assert (
        at == back if budget_is_back == 5 else now + timedelta(minutes=9) < at < now + timedelta(minutes=11)
    )


@pytest.mark.parametrize("minutes", [-1, 1])
def test_tables_that_are_not_ready_in_time_are_reported(
    tmp_path: Path, listener: Listener, minutes: int
) -> None:
    settings = settings_for(tmp_path, timezone="UTC", alert_webhook=listener.url)
    due = day_of(datetime.now(UTC), "03:00", "UTC").due
    write_sample(tmp_path / "msd", sample_songs(("AA",), 1))
    clock = MovedClock(due + timedelta(minutes=minutes))
    with moved(clock), dagster_instance(tmp_path / "dagster") as instance:
        daemon = Daemon(settings, instance)
        daemon.cursors["keep_going"] = json.dumps({"looked": (due - timedelta(minutes=2)).isoformat()})
        daemon.tick("keep_going")
    posted = [body["text"] for _, _, body in listener.got]
    assert ["due at 07:00" in text for text in posted] == [True] * (minutes > 0)


@story
def test_what_is_stalest_is_refreshed_once_a_day_before_the_tables(deployment: tuple[Daemon, Path]) -> None:
    daemon, folder = deployment
    with duckdb.connect(settings_for(folder).warehouse.removeprefix("duckdb:///")) as database:
        database.execute("UPDATE meta.loads SET loaded_at = loaded_at - INTERVAL 2 DAY")
    daemon.cursors.clear()
    started = daemon.settle()
    assert started[0] == ("refresh", "")
    assert all(job == "tables" for job, _ in started[1:])
    daemon.cursors.clear()
    assert ("refresh", "") not in daemon.settle()


@pytest.mark.parametrize(
    ("first", "refreshed", "due"),
    [
        (None, None, False),  # nothing is loaded
        ("2026-11-23T04:00", None, False),  # all is of today
        ("2026-11-20T04:00", None, True),
        ("2026-11-20T04:00", "2026-11-22T04:00", True),
        ("2026-11-20T04:00", "2026-11-23T03:00", False),
    ],
)
def test_a_refresh_is_due_once_a_day(first: str | None, refreshed: str | None, due: bool) -> None:
    def at(time: str | None) -> datetime | None:
        return datetime.fromisoformat(time).replace(tzinfo=UTC) if time else None

    since = datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert (to_refresh(Loads({}, at(first), at(first)), at(refreshed), since) is not None) == due

"""The main job, end to end: MSD files in, query-ready tables out, over the real sandbox and DuckDB."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from dagster import AssetKey

from music_assets.cli.job import run_job
from music_assets.cli.summary import Summary
from music_assets.defs.instance import dagster_instance
from music_assets.defs.run_launcher import COMMAND
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import Settings
from music_assets.tables import PUBLISHED, key_columns
from music_assets_tests.support.msd_songs import write_aggregate_file

# The expected values' own short names, and ours.
FIELDS = {
    "track_id": "track_id",
    "song_id": "song_id",
    "title": "title",
    "artist": "artist_name",
    "release": "release",
    "artist_id": "artist_id",
    "mbid": "artist_mbid",
    "loc": "artist_location",
    "lat": "artist_latitude",
    "lon": "artist_longitude",
    "fam": "artist_familiarity",
    "hot": "artist_hotttnesss",
    "shot": "song_hotttnesss",
    "year": "year",
    "dur": "duration",
    "tempo": "tempo",
    "dance": "danceability",
    "energy": "energy",
    "t7": "track_7digitalid",
    "a7": "artist_7digitalid",
    "pm": "artist_playmeid",
}
UNKNOWN = {"year": 0, "artist_7digitalid": -1, "artist_playmeid": -1, "track_7digitalid": -1}


def settings_for(data: Path, msd: str | Path | None) -> Settings:
    return Settings.from_environment({}, data=str(data), msd=None if msd is None else str(msd))


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.published), read_only=True) as database:
        return database.execute(sql).fetchall()


def tables(settings: Settings, without: tuple[str, ...] = ()) -> dict[str, pd.DataFrame]:
    """Every published table as a frame, sorted by its key."""
    found = {}
    with duckdb.connect(str(settings.published), read_only=True) as database:
        for name, table in PUBLISHED.items():
            columns = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in without)
            keys = ", ".join(f'"{key}"' for key in key_columns(table))
            found[name] = database.execute(f"SELECT {columns} FROM {name} ORDER BY {keys}").df()
    return found


def assert_same(one: dict[str, pd.DataFrame], two: dict[str, pd.DataFrame]) -> None:
    for name in PUBLISHED:
        pd.testing.assert_frame_equal(one[name], two[name], obj=name)


@dataclasses.dataclass(frozen=True)
class Done:
    settings: Settings
    summary: Summary


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The main job over all real files, two broken ones put among them under other names."""
    msd = tmp_path_factory.mktemp("real") / "MillionSongSubset" / "data"
    shutil.copytree(shared / "msd", msd, copy_function=os.symlink)
    broken = [shared / "msd_broken" / "TRAAAAW128F429D538.h5", shared / "msd_broken" / "msd_summary_file.h5"]
    shutil.copy(broken[0], msd / "A" / "A" / "A" / "TRAAAZZ128F429D538.h5")
    shutil.copy(broken[1], msd / "B" / "D" / "A" / "TRBDAZZ128F429D538.h5")
    settings = settings_for(tmp_path_factory.mktemp("data"), msd.parent)
    return Done(settings, run_job(settings))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The main job over the generated sample, in a folder whose name is no value, pattern, URL or markup."""
    folder = tmp_path_factory.mktemp("sample") / "year=2025" / "a%20b?c#d'e [x]" / "source=msd"
    settings = settings_for(folder, None)
    return Done(settings, run_job(settings))


def test_every_real_file_becomes_a_row_with_all_its_fields(real: Done, shared: Path) -> None:
    expected = pd.read_csv(shared / "msd_songs_expected.csv", keep_default_na=False, dtype=str)
    columns = ", ".join(FIELDS.values())
    rows = {row[0]: row for row in query(real.settings, f"SELECT {columns} FROM msd.songs")}
    assert len(rows) == len(expected) == 145
    for _, song in expected.iterrows():
        for place, (short, name) in enumerate(FIELDS.items()):
            value, said = rows[song["track_id"]][place], song[short]
            if said == "" or (name in UNKNOWN and float(said) == UNKNOWN[name]):
                assert value is None, (song["track_id"], name, value)
            elif isinstance(value, str):
                assert value == said, (song["track_id"], name)
            else:
                assert math.isclose(value, float(said), rel_tol=1e-12), (song["track_id"], name)


def test_every_artist_has_all_its_tags(real: Done, shared: Path) -> None:
    expected = pd.read_csv(shared / "msd_songs_expected.csv").set_index("track_id")
    counts = query(
        real.settings,
        "SELECT first_track_id, json_array_length(terms), json_array_length(mbtags), "
        "json_array_length(similar_artists) FROM msd.artists",
    )
    assert len(counts) == expected["artist_id"].nunique()
    for track, *found in counts:
        assert found == expected.loc[track, ["terms", "mbtags", "sim"]].tolist(), track


def test_files_that_cannot_be_read_are_named_and_stop_nothing(real: Done) -> None:
    assert real.summary.set_aside == 2
    named = " ".join(real.summary.set_aside_files)
    assert "TRAAAZZ128F429D538.h5" in named
    assert "TRBDAZZ128F429D538.h5" in named
    assert real.summary.failed == []
    assert real.summary.songs == 145


@pytest.mark.parametrize("which", ["real", "sample"])
def test_every_track_is_in_analytics_once(which: str, request: pytest.FixtureRequest) -> None:
    settings = request.getfixturevalue(which).settings
    missing = "SELECT track_id FROM msd.songs EXCEPT SELECT track_id FROM analytics.songs"
    assert query(settings, missing) == []
    twice = "SELECT track_id FROM analytics.songs GROUP BY 1 HAVING count(*) > 1"
    assert query(settings, twice) == []


@pytest.mark.parametrize("which", ["real", "sample"])
def test_no_mapping_is_an_orphan(which: str, request: pytest.FixtureRequest) -> None:
    settings = request.getfixturevalue(which).settings
    for orphans in (
        "SELECT count(*) FROM mapped.songs ANTI JOIN msd.songs USING (track_id)",
        "SELECT count(*) FROM (FROM mapped.songs WHERE spotify_track_id IS NOT NULL) "
        "ANTI JOIN spotify.tracks USING (spotify_track_id)",
        "SELECT count(*) FROM mapped.artists ANTI JOIN msd.artists USING (artist_id)",
        "SELECT count(*) FROM mapped.artists ANTI JOIN spotify.artists USING (spotify_artist_id)",
        "SELECT count(*) FROM spotify.audio_features ANTI JOIN spotify.tracks USING (spotify_track_id)",
    ):
        assert query(settings, orphans) == [(0,)], orphans


def test_whatever_the_data_folder_is_called_everything_is_in_it(sample: Done) -> None:
    assert len(query(sample.settings, "SELECT DISTINCT year FROM msd.songs")) > 10
    assert query(sample.settings, "SELECT DISTINCT source FROM spotify.tracks") == [("sandbox",)]
    data = sample.settings.data
    for folder in (data.parent, data.parents[1], data.parents[2]):
        assert len(list(folder.iterdir())) == 1, folder
    assert (data / "warehouse.duckdb").exists()
    assert (data / "dagster" / "history" / "runs.db").exists()


def test_every_track_has_a_status_and_at_most_one_match(sample: Done) -> None:
    per_track = query(
        sample.settings,
        "SELECT track_id, count(DISTINCT status), count(*) FILTER (accepted), any_value(status) "
        "FROM mapped.songs GROUP BY 1",
    )
    assert len(per_track) == sample.summary.songs
    for track, statuses, accepted, status in per_track:
        assert statuses == 1, track
        assert accepted == (status == "matched"), track
    first = "SELECT count(*) FROM mapped.songs WHERE accepted AND rank <> 1"
    assert query(sample.settings, first) == [(0,)]


def test_the_matches_are_those_the_sandbox_knows_to_be_right(sample: Done) -> None:
    from music_assets_tests.support.sandbox import truth

    (catalogue,) = (sample.settings.data / "sandbox").glob("catalogue-*.sqlite")
    right = truth(catalogue)
    matches = dict(
        query(sample.settings, "SELECT track_id, spotify_track_id FROM mapped.songs WHERE accepted")
    )
    correct = sum(id_ in right[track] for track, id_ in matches.items())
    there = sum(bool(ids) for ids in right.values())
    assert correct / len(matches) >= 0.97
    assert correct / there >= 0.90


def test_sandbox_rows_say_so(sample: Done) -> None:
    for name, table in PUBLISHED.items():
        if "source" in table.c:
            sources = query(sample.settings, f"SELECT DISTINCT source FROM {name} WHERE source IS NOT NULL")
            # Releases since the MSD's time come with a refresh.
            assert sources == ([] if name == "spotify.artist_releases" else [("sandbox",)]), name
    assert sample.summary.spotify == "sandbox"


def test_the_summary_as_data_agrees_with_the_tables(sample: Done) -> None:
    summary = json.loads((sample.settings.data / "last_run.json").read_text())
    statuses = dict(query(sample.settings, "SELECT match_status, count(*) FROM analytics.songs GROUP BY 1"))
    for status in ("matched", "ambiguous", "below_floor", "no_candidates", "pending"):
        assert summary[status] == statuses.get(status, 0), status
    assert summary["songs"] == sum(statuses.values())
    assert summary["tables"]["analytics.songs"] == summary["songs"]
    assert 0 < summary["requests_spent"] < summary["songs"] / 4  # most are settled elsewhere, or together
    assert {"partitions", "set_aside", "requests_saved", "seconds", "spotify"} <= set(summary)
    assert summary["requests"]["spotify"] == summary["requests_spent"]
    assert set(summary["requests"]) <= {"spotify", "reccobeats", "listenbrainz", "labs"}


def reports(settings: Settings) -> list[dict[str, Any]]:
    """What Dagster's UI shows of each run that filled the tables, in order."""
    with dagster_instance(settings.dagster_home) as instance:
        found = instance.fetch_materializations(AssetKey("report"), limit=100, ascending=True).records
    events = [record.asset_materialization for record in found]
    return [{name: value.value for name, value in event.metadata.items()} for event in events if event]


def test_the_ui_has_what_a_command_spent_in_all_of_its_runs(sample: Done) -> None:
    shown, summary = reports(sample.settings)[0], sample.summary
    assert summary.requests == {
        name.removesuffix("_requests"): count
        for name, count in shown.items()
        if name.endswith("_requests") and count
    }
    assert shown["runs"] == len(summary.run_ids) > 1
    assert 0 < shown["seconds"] <= summary.seconds
    assert shown["songs"] == shown["new_songs"] == summary.songs
    assert shown["checks_passed"] > 70
    assert shown["checks_failed"] == 0


def test_the_runs_of_a_command_are_found_by_one_tag_and_with_their_job(sample: Done) -> None:
    with dagster_instance(sample.settings.dagster_home) as instance:
        runs = [instance.get_run_by_id(run_id) for run_id in sample.summary.run_ids]
    assert len({run.tags[COMMAND] for run in runs if run}) == 1
    origins = [run.remote_job_origin for run in runs if run]
    assert {(one.location_name, one.job_name) for one in origins if one} == {("music_assets", "music_etl")}
    assert len(origins) == len(sample.summary.run_ids)


def test_running_again_spends_no_request_and_changes_no_row(sample: Done) -> None:
    before = tables(sample.settings)
    again = run_job(sample.settings)
    assert again.requests_spent == 0
    assert again.requests == {"spotify": 0}
    assert again.requests_saved >= again.songs == sample.summary.songs
    assert again.failed == []
    assert_same(tables(sample.settings), before)
    shown = reports(sample.settings)[-1]
    assert sum(count for name, count in shown.items() if name.endswith("_requests")) == 0
    assert shown["runs"] == len(again.run_ids)


@pytest.mark.slow
def test_partitions_in_any_order_and_grouping_give_the_same_tables(
    real: Done, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the answers of the first run at hand, as they came in at other times."""
    other = settings_for(tmp_path_factory.mktemp("regrouped"), real.settings.msd)
    shutil.copytree(real.settings.data / "ledger", other.data / "ledger")
    for spec in ("BD", "AX,AA", "BC"):
        assert run_job(other, spec).failed == []
    assert_same(tables(other), tables(real.settings))


@pytest.mark.slow
def test_a_partition_that_lost_files_is_warned_of(sample: Done, tmp_path: Path) -> None:
    msd = tmp_path / "msd"
    shutil.copytree(sample.settings.data / "sample_msd" / "A" / "A", msd / "A" / "A")
    settings = settings_for(tmp_path / "data", msd)
    assert run_job(settings).notes == []
    next((msd / "A" / "A").rglob("*.h5")).unlink()
    again = run_job(settings)
    assert again.failed == []
    assert "Partition AA has 39 MSD files, it had 40 before" in " ".join(again.notes)
    assert run_job(settings).notes == []  # said once


@pytest.mark.slow
def test_what_another_msd_left_in_the_tables_is_told(sample: Done, tmp_path: Path) -> None:
    folders = sample.settings.data / "sample_msd" / "A"
    for name in ("A", "B"):
        shutil.copytree(folders / name, tmp_path / f"msd{name}" / "A" / name)
    assert run_job(settings_for(tmp_path / "data", tmp_path / "msdA")).notes == []
    (note,) = run_job(settings_for(tmp_path / "data", tmp_path / "msdB")).notes
    assert note.startswith("The tables also hold 1 partition that this MSD does not have (AA)")


@pytest.mark.slow
def test_one_file_of_many_songs_is_split_by_track_id(tmp_path: Path) -> None:
    songs = sample_songs()[:60]
    write_aggregate_file(tmp_path / "many.h5", songs)
    settings = settings_for(tmp_path / "data", tmp_path / "many.h5")
    summary = run_job(settings)
    assert summary.failed == []
    assert summary.songs == len(songs)
    staged = query(
        settings, "SELECT DISTINCT slice FROM meta.loads WHERE \"table\" = 'msd_songs' AND rows > 0"
    )
    assert sorted(staged) == sorted({(song["track_id"][2:4],) for song in songs})
    titles = dict(query(settings, "SELECT track_id, title FROM msd.songs"))
    assert titles == {song["track_id"]: song["title"] for song in songs}


@pytest.fixture
def command(tmp_path: Path) -> Iterator[list[str]]:
    """`music-assets` as a person runs it, in a folder of its own."""
    yield [sys.executable, "-m", "music_assets.cli"]


def start(command: list[str], *options: str, cwd: Path) -> subprocess.Popen[str]:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("MUSIC_", "SPOTIPY_"))
    }
    return subprocess.Popen(
        [*command, *options],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_a_run_that_was_broken_off_is_finished_by_the_next(
    blow: signal.Signals, command: list[str], sample: Done, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(sample.settings.data / "sample_msd", data / "sample_msd")
    process = start(command, "run", cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not (data / "staging" / "spotify_search" / "A").exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    os.killpg(process.pid, blow)
    said, _ = process.communicate(timeout=300)
    if blow == signal.SIGINT:
        assert process.returncode == 130, said
        assert "Interrupted" in said
        assert "Traceback" not in said
    finished = start(command, "run", cwd=tmp_path)
    said, _ = finished.communicate(timeout=300)
    assert finished.returncode == 0, said
    assert_same(
        tables(settings_for(data, None), without=("fetched_at", "msd_file")),
        tables(sample.settings, without=("fetched_at", "msd_file")),
    )

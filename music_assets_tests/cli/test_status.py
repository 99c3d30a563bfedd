"""`music-assets status` counts what receipts and ledger say, and leaves everything as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from music_assets.cli.forecasts import read_forecast
from music_assets.cli.ledger import budget_and_access
from music_assets.cli.main import cli
from music_assets.cli.status import Songs, count_songs, lines, read_status
from music_assets.settings import Settings
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.spotify import QuotaExhausted
from music_assets.sources.spotify.budget import LAST_RESPONSES, Budget
from music_assets.staging.store import StagedFile, StagingStore
from music_assets_tests.support.msd_songs import song, write_in_place

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)


def receipt(kind: str, key: str, rows: int, *, complete: bool = True, **facts: int) -> StagedFile:
    return StagedFile(kind, key, "", rows, 0, "", "run", "2026-11-22T12:00:00+00:00", complete, facts)


def stage(store: StagingStore) -> None:
    """AA is done; of AB 60 songs are left; AC is extracted alone; AD was answered and not matched yet."""
    for key in ("AA", "AB", "AC", "AD"):
        store.write(receipt("msd_songs", key, 100), b"")
    store.write(receipt("spotify_search", "AA", 100, answered=100), b"")
    store.write(receipt("mapped_songs", "AA", 900, matched=80, ambiguous=5, no_candidates=15), b"")
    store.write(receipt("spotify_search", "AB", 100, complete=False, answered=40, pending=59, error=1), b"")
    store.write(receipt("mapped_songs", "AB", 400, matched=30, below_floor=10, pending=59, error=1), b"")
    store.write(receipt("spotify_search", "AD", 100, answered=100), b"")


def spend(ledger: Ledger) -> None:
    """Two days of asking, and Spotify's word to wait."""
    ledger.record_request("search", NOW - timedelta(days=1), 90)
    ledger.record_request("search", NOW, 30)
    ledger.record_request("artists", NOW, 10)
    ledger.record_request("listenbrainz", NOW, 5)
    budget = Budget(ledger, app="sandbox", per_day=None, clock=NOW.timestamp)
    budget.pause("search", QuotaExhausted(NOW + timedelta(hours=9)))
    budget.set_state("mode", {"mode": "development"})
    ledger.set_state(LAST_RESPONSES, {"counts": {"answered": 7, "status 404": 2, "no response": 1}})


@pytest.fixture(params=["a laptop", "AWS"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    if request.param == "a laptop":
        yield Settings.from_environment({}, data=str(tmp_path / "data"))
        return
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="songs")
    ledger = request.getfixturevalue("postgres").new_database()
    yield Settings.from_environment(
        {}, data=str(tmp_path / "data"), staging="s3://songs/staging", ledger=ledger
    )
    server.stop()


def shown(settings: Settings) -> dict[str, str]:
    return lines_of(settings, NOW)


def lines_of(settings: Settings, now: datetime) -> dict[str, str]:
    return dict(lines(read_status(settings, now.timestamp)))


def test_songs_requests_and_pauses_are_counted(settings: Settings) -> None:
    stage(StagingStore(settings.staging))
    with closing(open_ledger(settings.ledger, source="sandbox")) as ledger:
        spend(ledger)
        found = read_status(settings, NOW.timestamp)
        with ledger.request_lock(wait=0, note={"run_id": "r1"}):
            held = read_status(settings, NOW.timestamp)
    assert found.songs == Songs(
        songs=400,
        matched=110,
        ambiguous=5,
        unmatched=25,
        unjudged=100,
        pending=160,
        partitions=4,
        partitions_done=2,
    )
    assert found.requests.today == {"artists": 10, "listenbrainz": 5, "search": 30}
    assert found.requests.in_all == {"artists": 10, "listenbrainz": 5, "search": 120}
    assert (found.requests.mode, found.requests.mode_is_set) == ("development", False)
    assert found.requests.waits["search"]["until"] == "2026-11-23T00:00:00+00:00"
    assert list(found.requests.waits) == ["search"]
    assert found.requests.spender is None
    assert held.requests.spender is not None and held.requests.spender["run_id"] == "r1"
    said = dict(lines(found))
    states = "110 matched, 5 ambiguous, 25 unmatched, 100 searched and not matched yet, 160 pending"
    assert said["songs"] == f"{states}, of 400"
    assert said["requests today"] == "40 to Spotify (artists 10, search 30); 5 to listenbrainz"
    assert "search: The Spotify quota" in said["waiting"]
    assert said["last responses"] == (
        "what came of Spotify's requests in the last run with any: answered as requested 7, broken off or "
        "timed out 1, status 404 2"
    )


def test_where_nothing_was_run_nothing_is_made(tmp_path: Path) -> None:
    said = shown(Settings.from_environment({}, data=str(tmp_path / "data")))
    assert said["songs"] == "0 matched, 0 ambiguous, 0 unmatched, 0 pending, of 0"
    assert "nothing is read yet" in said["to finish"]
    assert f"there is no folder {tmp_path / 'data'}" in said["to finish"]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "data").mkdir()
    assert "no folder" not in shown(Settings.from_environment({}, data=str(tmp_path / "data")))["to finish"]


@pytest.mark.parametrize("mode", ["auto", "development", "extended"])
@pytest.mark.parametrize("spotify", ["sandbox", "api"])
@pytest.mark.parametrize("learned", ["development", "extended", None])
def test_status_and_plan_forecast_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, spotify: str, learned: str | None
) -> None:
    """What is kept fresh is by the settings and, but of the sandbox, by what the ledger knows of the app."""
    for name, value in {
        "MUSIC_ASSETS_SPOTIFY_MODE": mode,
        "MUSIC_ASSETS_SPOTIFY": spotify,
        "MUSIC_ASSETS_DATA": str(tmp_path / "data"),
        "MUSIC_ASSETS_MSD": str(tmp_path / "msd"),
        "SPOTIPY_CLIENT_ID": "an-app",
        "SPOTIPY_CLIENT_SECRET": "its-secret",
    }.items():
        monkeypatch.setenv(name, value)
    write_in_place(tmp_path / "msd", song("TRZZCDE128F4230A1B"))
    settings = Settings.from_environment()
    stage(StagingStore(settings.staging))
    with closing(open_ledger(settings.ledger, source=settings.ledger_source)) as ledger:
        budget, _ = budget_and_access(settings, ledger)
        if learned:
            budget.set_state("mode", {"mode": learned})
        ledger.record_request("search", datetime.now(UTC), 40)
    texts, of_plan = (CliRunner().invoke(cli, [name, "--json"]).stdout for name in ("status", "plan"))
    fresh = [json.loads(text)["forecast"]["fresh"] for text in (texts, of_plan)]
    per_day, known = (200, mode) if spotify == "sandbox" else (40, learned if mode == "auto" else mode)
    assert fresh == [180 * per_day // 5 * (50 if known == "extended" else 1)] * 2


WAITS = {"until": (NOW + timedelta(hours=2)).isoformat(), "why": "it asks for a pause (429)"}


@pytest.mark.parametrize("source", ["reccobeats", "listenbrainz", "labs"])
def test_pauses_of_every_source_in_use_are_shown(tmp_path: Path, source: str) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path), spotify="off")
    with closing(open_ledger(settings.ledger, source=settings.ledger_source)) as ledger:
        assert shown(settings)["waiting"].startswith("no:")
        ledger.set_state(f"{source}/pause", WAITS)
        Budget(ledger, app="", per_day=None, clock=NOW.timestamp).pause(
            "search",
            QuotaExhausted(NOW + timedelta(hours=9)),  # of Spotify, which is off
        )
    said = shown(settings)["waiting"]
    assert said.startswith(f"{source}: ") and "run again after 2026-11-22 17:00 UTC" in said
    assert "quota" not in said
    assert lines_of(settings, NOW + timedelta(hours=2))["waiting"].startswith("no:")
    spared = Settings.from_environment({}, data=str(tmp_path), spotify="off", skip_sources=source)
    assert shown(spared)["waiting"].startswith("no:")


@pytest.mark.parametrize("command", [["status"], ["trace", "TRAAAAW128F429D538"], ["export", "--out", "x"]])
def test_a_data_folder_there_is_not_is_named_with_the_option(tmp_path: Path, command: list[str]) -> None:
    told = CliRunner().invoke(cli, [*command, "--data", str(tmp_path / "mistyped")])
    assert told.exit_code == 2 and "mistyped" in told.output and "--data" in told.output
    assert list(tmp_path.iterdir()) == []


def contents(folder: Path) -> dict[Path, bytes]:
    """All files but the one by which SQLite's readers and writers agree."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_looking_changes_no_file(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path / "data"))
    stage(StagingStore(settings.staging))
    with closing(open_ledger(settings.ledger, source="sandbox")) as ledger:
        spend(ledger)
        before = contents(tmp_path)
        shown(settings)
        assert contents(tmp_path) == before


def test_what_the_settings_allow_a_day_counts_more_than_the_rate_of_late(tmp_path: Path) -> None:
    settings = Settings.from_environment({"MUSIC_ASSETS_REQUESTS_PER_DAY": "40"}, data=str(tmp_path))
    stage(StagingStore(settings.staging))
    with closing(open_ledger(settings.ledger, source="sandbox")) as ledger:
        ledger.record_request("search", NOW, 40)
    said = shown(settings)
    assert said["left today"].startswith("0 of 40")
    assert "MUSIC_ASSETS_REQUESTS_PER_DAY" in said["waiting"]
    assert "at 40 requests per day, as set" in said["left for Spotify"]


def test_the_days_are_estimated_once_by_the_rate_of_late(tmp_path: Path) -> None:
    app = {"SPOTIPY_CLIENT_ID": "a", "SPOTIPY_CLIENT_SECRET": "b"}
    settings = Settings.from_environment(app, data=str(tmp_path))
    stage(StagingStore(settings.staging))
    with closing(open_ledger(settings.ledger, source="api")) as ledger:
        ledger.record_request("search", NOW - timedelta(days=1), 90)
        ledger.record_request("search", NOW, 30)
        ledger.record_request("artists", NOW, 10)
        ledger.record_request("listenbrainz", NOW, 5)
    said = shown(settings)
    assert "at 65 requests per day, as of late" in said["left for Spotify"]
    assert "of 65 requests per day" in said["kept fresh"]
    assert "to finish" not in said


def test_without_a_rate_the_days_are_by_what_others_report(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path))
    stage(StagingStore(settings.staging))
    assert "at 200 requests per day, as some report" in shown(settings)["left for Spotify"]


def test_the_command_speaks_to_people_and_to_programs(tmp_path: Path) -> None:
    command = ["status", "--data", str(tmp_path)]
    stage(StagingStore(str(tmp_path / "staging")))
    runner = CliRunner(env={"MUSIC_ASSETS_SPOTIFY": "sandbox"})
    assert "songs            110 matched" in runner.invoke(cli, command).output
    told = json.loads(runner.invoke(cli, [*command, "--json"]).output)
    assert told["songs"]["pending"] == 160
    assert told["requests"]["left_today"] is None
    refused = runner.invoke(cli, command, env={"MUSIC_ASSETS_LEDGER": "ftp://x"})
    assert refused.exit_code == 2
    assert "MUSIC_ASSETS_LEDGER is a file's path" in refused.output


def test_what_the_sandbox_answered_says_nothing_of_real_songs(tmp_path: Path) -> None:
    store = StagingStore(str(tmp_path / "staging"))
    for key, source in {"AA": "sandbox", "AB": "api"}.items():
        store.write(receipt("msd_songs", key, 100), b"")
        metadata = {"answered": 100, "source": source}
        store.write(replace(receipt("spotify_search", key, 100), metadata=metadata), b"")
        store.write(receipt("mapped_songs", key, 100, matched=100), b"")
    found = count_songs(store, "api")
    assert (found.matched, found.pending, found.partitions_done) == (100, 100, 1)


@pytest.mark.parametrize(("of", "expected"), [(("sandbox", "sandbox"), 0.807), (("api", "sandbox"), 0.1)])
def test_what_the_sandbox_settled_forecasts_nothing(
    tmp_path: Path, of: tuple[str, str], expected: float
) -> None:
    app = {"SPOTIPY_CLIENT_ID": "a", "SPOTIPY_CLIENT_SECRET": "b"}
    settings = Settings.from_environment(app, data=str(tmp_path))
    store = StagingStore(settings.staging)
    for key, source, linked in (("AA", of[0], 10), ("AB", of[1], 99)):
        store.write(receipt("msd_songs", key, 100), b"")
        store.write(receipt("musicbrainz_recordings", key, linked, linked=linked), b"")
        store.write(replace(receipt("spotify_search", key, 100), metadata={"source": source}), b"")
    found = read_forecast(settings, 1000, 1000)
    assert found.sources[0].songs == 1000 * expected
    assert found.sources[0].is_counted == (expected == 0.1)


def test_after_a_purge_that_keeps_ids_nothing_contradicts_itself(tmp_path: Path) -> None:
    """Its searches are gone, its matches are there."""
    store = StagingStore(str(tmp_path / "staging"))
    store.write(receipt("msd_songs", "AA", 100), b"")
    store.write(receipt("mapped_songs", "AA", 100, matched=90, no_candidates=10), b"")
    found = count_songs(store, "api")
    assert (found.pending, found.partitions_done) == (0, 1)

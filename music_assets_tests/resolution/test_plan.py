"""The plan says, before a request is spent, what is open and what it takes: a few numbers to act on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from music_assets.cli.main import cli
from music_assets.resolution.backlog import SearchBacklog, SongState
from music_assets.resolution.plan import EXAMPLE_PER_DAY, Plan, plan_of_backlog
from music_assets.sandbox.msd.writer import write_sample
from music_assets.sources.ledger import open_ledger


def test_songs_that_share_no_release_take_a_request_each() -> None:
    made = Plan(1000, 1000)
    assert (made.requests_per_song, made.requests) == (1.0, 1000)


def test_songs_that_share_a_release_take_fewer() -> None:
    made = Plan(6500, 1000)
    assert made.requests_per_song == pytest.approx((1000 + 5500 / 3) / 6500)
    assert made.requests == 2834


def test_what_the_ledger_has_counted_replaces_the_estimate() -> None:
    made = Plan(900, 900, resolved=100, spent=20)
    assert (made.requests_per_song, made.requests) == (0.2, 180)
    assert "as counted so far" in made.as_markdown()
    for estimated in (Plan(900, 900, spent=20), Plan(900, 900, resolved=100)):
        assert estimated.requests == 900 and "estimated" in estimated.as_markdown()


def test_days_are_those_of_the_settings_beside_the_reported_example() -> None:
    assert EXAMPLE_PER_DAY == 200
    assert "| days | 5 at 200 requests per day |" in Plan(1000, 1000).as_markdown()
    shown = Plan(1000, 1000, per_day=500).as_markdown()
    assert "| days | 2 at 500 requests per day, as set; 5 at 200" in shown


def test_songs_and_releases_are_shown() -> None:
    text = Plan(6500, 1000, resolved=500).as_markdown()
    assert "| open songs | 6,500 of 7,000 |" in text
    assert "| releases with open songs | 1,000 |" in text


def test_where_no_song_is_open_no_request_is_needed() -> None:
    for made in (Plan(0, 0), Plan(0, 0, resolved=10, spent=10)):
        assert (made.requests, "| days | 0 at" in made.as_markdown()) == (0, True)


def test_the_plan_of_a_backlog_is_for_its_open_songs(tmp_path: Path) -> None:
    backlog = SearchBacklog(open_ledger(tmp_path / "songs.sqlite", source="sandbox"))
    backlog.put("AA", "x", [song(f"TRAA{n:014d}", f"Release {n // 3}") for n in range(6)])
    assert plan_of_backlog(backlog, {}, per_day=None) == Plan(6, 2)
    backlog.mark(["TRAA00000000000000"], SongState.RESOLVED)
    backlog.mark(["TRAA00000000000001"], SongState.MISSED)
    backlog.mark(["TRAA00000000000005"], SongState.FAILED)  # it is tried again
    counts = {"search": 1, "albums": 2, "artists": 5, "token": 1}
    assert plan_of_backlog(backlog, counts, per_day=9) == Plan(4, 2, 2, 3, 9)


def song(track_id: str, release: str) -> dict[str, object]:
    return {
        "track_id": track_id,
        "song_id": None,
        "artist_id": "AR",
        "title": "x",
        "artist_name": "y",
        "release": release,
        "duration": 1.0,
        "year": None,
        "song_hotttnesss": None,
    }


def test_the_command_counts_an_msd_and_a_priority_list(tmp_path: Path) -> None:
    msd, mine = write_sample(tmp_path / "msd"), tmp_path / "mine.txt"
    mine.write_text("TRAAAGH23CE1E0A93D TRXXXXX128F0000000 3Aziz0cpFcc4N3JUSlJE46")
    environment = {"MUSIC_ASSETS_SPOTIFY": "sandbox", "COLUMNS": "160", "MUSIC_ASSETS_REQUESTS_PER_DAY": "50"}
    runner = CliRunner(env=environment)
    command = ["plan", "--msd", str(msd), "--data", str(tmp_path / "data"), "--tracks", str(mine)]
    result = runner.invoke(cli, command)
    assert result.exit_code == 0, result.output
    left = "220 of 400 songs are left for Spotify"  # of 45 % the archive is reported to know a right id
    known = "1 id of 1 song, which count as open here; 1 id of no song in this MSD: TRXXXXX128F0000000"
    for text in (left, known, "1 id not of the MSD", "1 of 1", "at 50 requests per day, as set"):
        assert text in result.output, text
    assert not (tmp_path / "data" / "ledger").exists()
    told = json.loads(runner.invoke(cli, [*command, "--json"]).stdout)
    assert (told["listing"]["unknown"], told["listing"]["requests"]) == (["TRXXXXX128F0000000"], 1)
    assert (told["forecast"]["songs"], told["forecast"]["left"]) == (400, 220)
    assert told["forecast"]["spotify"]["requests"] > 0
    refused = runner.invoke(cli, ["plan", "--msd", str(tmp_path / "gone"), "--data", str(tmp_path)])
    assert refused.exit_code == 2

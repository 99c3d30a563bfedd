"""The plan says what asking will take before anything is spent, and what it says is what asking then does."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from music_assets.cli.main import cli
from music_assets.resolution.backlog import SearchBacklog, SongState
from music_assets.resolution.chances import Chances
from music_assets.resolution.plan import EXAMPLE_PER_DAY, Plan, kept_chances, make_plan
from music_assets.sandbox.msd.writer import write_sample

ALONE, ALBUMS = {1: 1000}, {1: 500, 12: 500}
SURE = Chances({"search matches": (1, 1)})


def requests(made: Plan, name: str, mode: str = "development") -> int:
    (found,) = [one for one in made.strategies if (one.name, one.mode) == (name, mode)]
    return found.requests


def test_songs_that_share_no_release_take_a_search_each() -> None:
    made = make_plan(ALONE, chances=SURE)
    assert (made.songs, made.releases) == (1000, 1000)
    assert requests(made, "search only") == requests(made, "by release") == 1000
    assert made.telling == (0, 0)
    assert "Each request brings one song" in made.point


def test_songs_that_are_not_found_take_the_next_wordings_too() -> None:
    half = Chances({"search matches": (2, 1)})
    assert [requests(make_plan(ALONE, chances=half, ladder=n), "search only") for n in (1, 2, 3)] == [
        1000,
        1500,
        2000,
    ]


def test_by_release_takes_fewer_requests_and_extended_access_fewer_still() -> None:
    made = make_plan(ALBUMS)
    assert requests(made, "by release") < 0.6 * requests(made, "search only")
    assert requests(made, "by release", "extended") < requests(made, "by release")
    assert made.chosen.name == "by release"
    assert make_plan(ALBUMS, by_release=False).chosen.name == "search only"


def test_ids_from_elsewhere_are_worth_it_where_fifty_are_verified_at_a_time() -> None:
    made = make_plan(ALBUMS, sources=["echonest", "listenbrainz"], mode="extended")
    assert requests(made, "by release and echonest") == requests(made, "by release")
    assert requests(made, "by release and echonest", "extended") < requests(made, "by release", "extended")
    assert made.chosen.name == "by release and echonest and listenbrainz"
    trusted = make_plan(ALBUMS, sources=["echonest"], verify=False)
    assert requests(trusted, "by release and echonest") < requests(trusted, "by release")


def test_the_first_requests_bring_most_and_all_of_them_bring_all() -> None:
    made = make_plan(ALBUMS)
    shares, spent, settled = zip(*made.curve, strict=True)
    assert shares == (0.10, 0.25, 0.50, 0.75, 0.90, 1.0)
    assert spent[-1] == pytest.approx(made.chosen.requests, abs=1)
    assert settled[-1] == made.songs == 6500
    assert list(settled) == sorted(settled)
    assert settled[0] / made.songs > 0.2 and settled[1] - settled[0] > settled[5] - settled[4]
    assert made.telling[1] / made.telling[0] > 3
    assert "each further one is a search for a single song" in made.point


def test_days_are_those_of_the_settings_beside_the_reported_example() -> None:
    made = make_plan({1: 1_000_000}, chances=SURE)
    assert made.chosen.days(EXAMPLE_PER_DAY) == 5000  # 13.7 years
    assert made.days(made.chosen) == "5,000 at 200 a day"
    assert (
        make_plan(ALONE, chances=SURE, per_day=500).days(made.chosen).startswith("2,000 at 500 a day, 5,000")
    )


def test_nothing_to_ask_is_said_so() -> None:
    assert make_plan({}).as_markdown() == "No song is to be asked about."


def test_what_earlier_runs_counted_is_what_is_reckoned_with(tmp_path: Path) -> None:
    path = tmp_path / "api.songs.sqlite"
    assert kept_chances(path).as_dict() == Chances().as_dict()
    assert not path.exists()
    index = SearchBacklog(path)
    index.keep_chances({"search matches": (100, 20)})
    index.close()
    assert kept_chances(path).of("search matches") == 0.2


def test_only_open_songs_are_planned(tmp_path: Path) -> None:
    index = SearchBacklog(tmp_path / "songs.sqlite")
    index.put("AA", "x", [song(f"TRAA{n:014d}", f"Release {n // 3}") for n in range(6)])
    assert index.release_sizes() == {3: 2}
    index.mark([f"TRAA{n:014d}" for n in range(2)], SongState.RESOLVED)
    assert index.release_sizes() == {1: 1, 3: 1}
    index.close()


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


def test_the_command_counts_an_msd_and_a_list_of_what_is_wanted(tmp_path: Path) -> None:
    msd, mine = write_sample(tmp_path / "msd"), tmp_path / "mine.txt"
    mine.write_text("TRAAAGH23CE1E0A93D TRXXXXX128F0000000")
    environment = {"MUSIC_ASSETS_SPOTIFY": "sandbox", "COLUMNS": "160", "MUSIC_ASSETS_REQUESTS_PER_DAY": "50"}
    runner = CliRunner(env=environment)
    told = runner.invoke(
        cli, ["plan", "--msd", str(msd), "--data", str(tmp_path / "data"), "--tracks", str(mine)]
    )
    assert told.exit_code == 0, told.output
    for said in ("400 songs on", "1 of them are not in this MSD", "1 songs on 1 releases", "at 50 a day"):
        assert said in told.output, said
    assert not (tmp_path / "data" / "ledger").exists()
    refused = runner.invoke(cli, ["plan", "--msd", str(tmp_path / "gone"), "--data", str(tmp_path)])
    assert refused.exit_code == 2

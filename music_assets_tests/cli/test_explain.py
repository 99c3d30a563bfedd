"""`music-assets explain`: song, candidates and evidence of a track, or one sentence that says why not."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from music_assets.cli.job import run_job
from music_assets.cli.main import cli
from music_assets.lookup import lookup
from music_assets.settings import Settings
from music_assets_tests.support.staged import staged_rows

KEY = "AA"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A partition of the generated sample, made over the sandbox."""
    folder = tmp_path_factory.mktemp("explain")
    assert run_job(settings(folder), KEY).failed == []
    return folder


def settings(data: Path, **more: str) -> Settings:
    return Settings.from_environment({}, data=str(data), spotify="sandbox", **more)


def mapped(data: Path, status: str) -> list[str]:
    rows = staged_rows(settings(data), "mapped_songs", KEY)
    return [row["track_id"] for row in rows if row["status"] == status]


def explain(track_id: str, data: Path) -> Result:
    # Wide, so that a table breaks no words.
    return CliRunner(env={"COLUMNS": "240", "MUSIC_ASSETS_OVERRIDES": None}).invoke(
        cli, ["explain", track_id, "--data", str(data)]
    )


def test_a_match_is_shown_with_its_candidates_and_the_evidence(data: Path) -> None:
    result = explain(mapped(data, "matched")[0], data)
    assert result.exit_code == 0, result.output
    for said in ("status       matched", "✔", "0.9", "Evidence for", "duration", "s apart", "not compared"):
        assert said in result.output, said


def test_every_id_of_a_song_leads_to_it(data: Path) -> None:
    matches = lookup(sorted({*mapped(data, "matched")}), warehouse=data)
    for name in ("song_id", "spotify_track_id", "isrc"):  # of one track each
        matches = matches[matches[name].notna() & ~matches[name].duplicated(keep=False)]
    found = matches.iloc[0].to_dict()
    track_id = found["track_id"]
    for id_ in (
        track_id.lower(),
        f"msd_{track_id}_feat",
        found["song_id"],
        found["spotify_track_id"],
        f"https://open.spotify.com/track/{found['spotify_track_id']}?si=x",
        found["isrc"],
    ):
        result = explain(id_, data)
        assert result.exit_code == 0, result.output
        assert f"track_id     {track_id}" in result.output


@pytest.mark.parametrize("width", ["60", "80"])
def test_the_spotify_id_is_never_cut(data: Path, width: str) -> None:
    track_id = mapped(data, "matched")[0]
    rows = staged_rows(settings(data), "mapped_songs", KEY)
    ids = [row["spotify_track_id"] for row in rows if row["track_id"] == track_id]
    shown = CliRunner(env={"COLUMNS": width}).invoke(cli, ["explain", track_id, "--data", str(data)]).output
    candidates = shown.partition("Candidates")[2].partition("Evidence")[0]
    assert ids and all(id_ in candidates for id_ in ids)


def test_programs_get_the_song_its_candidates_and_their_evidence(data: Path) -> None:
    track_id = mapped(data, "matched")[0]
    shown = CliRunner().invoke(cli, ["explain", "--json", track_id, "--data", str(data)]).output
    found = json.loads(shown)
    assert (found["song"]["track_id"], found["status"]) == (track_id, "matched")
    best = found["candidates"][0]
    assert best["accepted"] and best["hit"]["spotify_track_id"] == best["spotify_track_id"]
    assert best["evidence"][0]["evidence"] == "title"
    assert sum(line["bits"] or 0 for line in best["evidence"]) > 0


def test_sandbox_rows_say_so_on_screen(data: Path) -> None:
    assert "Sandbox: every Spotify value here is invented" in explain(mapped(data, "matched")[0], data).output


@pytest.mark.parametrize("status", ["below_floor", "no_candidates"])
def test_a_track_without_a_match_says_why(data: Path, status: str) -> None:
    result = explain(mapped(data, status)[0], data)
    assert result.exit_code == 0
    assert status in result.output
    assert "✔ │" not in result.output
    looked_up = [
        line.split()[0] for line in result.output.partition("What was looked up")[2].splitlines()[1:4]
    ]
    assert looked_up == (["Spotify", "MusicBrainz", "others"] if status == "no_candidates" else [])


def test_a_lead_is_shown_of_what_may_be_the_song_and_has_a_rival(data: Path) -> None:
    rows = staged_rows(settings(data), "mapped_songs", KEY)
    rivals = Counter(
        row["track_id"] for row in rows if row["rank"] and row["rank"] > 1 and not row["equivalent"]
    )
    matched = mapped(data, "matched")
    alone = next(track_id for track_id in matched if not rivals[track_id])
    contested = next(track_id for track_id in matched if rivals[track_id])
    shown = {id_: "leading by" in explain(id_, data).output for id_ in (alone, contested)}
    assert shown == {alone: False, contested: True}
    assert "leading by" not in explain(mapped(data, "below_floor")[0], data).output


def test_an_album_that_is_evidence_is_shown_with_who_named_it(data: Path) -> None:
    """ReccoBeats names no album of a track; the archive or Labs, whose id it was, does."""
    searches = staged_rows(settings(data), "spotify_search", KEY)
    track_id, hit = next(
        (search["track_id"], hit)
        for search in searches
        for hit in search["tracks"]
        if hit["listed_album"] and not hit["album_name"]
    )
    candidates = explain(track_id, data).output.partition("Candidates")[2].partition("Evidence")[0]
    assert f"{hit['listed_album']} (named by {hit['question'].split()[0]})" in candidates


@pytest.mark.parametrize(
    ("track_id", "said"),
    [
        ("TRAAZZZ128F429D538", "The MSD in use has no track TRAAZZZ128F429D538"),
        ("TRZZAAW128F429D538", "There is no track TRZZAAW128F429D538: nothing of its partition ZZ is staged"),
        ("SOMZWCG12A8C13C480", "No track of the tables has the id SOMZWCG12A8C13C480"),
        (
            "Wheels",
            "give that of an MSD track (TR and 16 more letters and digits), song or artist, a Spotify id",
        ),
    ],
)
def test_an_unknown_track_is_one_sentence_and_a_failure(data: Path, track_id: str, said: str) -> None:
    result = explain(track_id, data)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_another_matcher_over_the_whole_job_spends_no_request(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a track set by hand shows as such, in the tables and on screen."""
    mine = tmp_path / "data"
    shutil.copytree(data, mine, ignore=shutil.ignore_patterns("dagster"))
    matched, other = mapped(data, "matched")[0], mapped(data, "below_floor")[0]
    overrides = tmp_path / "overrides.csv"
    unknown, of_another_partition = "TRAAZZZ128F429D538", "TRABZZZ128F429D538"
    lines = (
        f"{matched},none,a cover",
        f"{other},none,not there",
        f"{unknown},none,",
        f"{of_another_partition},none,",
    )
    overrides.write_text("\n".join(["track_id,spotify_track_id,note", *lines]))
    for module in ("defs.assets.mapped_rows", "matching"):
        monkeypatch.setattr(f"music_assets.{module}.matcher_version", lambda: "2-0123456789")
    monkeypatch.setattr("music_assets.defs.assets.mapping.mapped_songs.version", "2-0123456789")
    again = run_job(settings(mine, overrides=str(overrides)), KEY)
    assert again.failed == []
    assert again.requests_spent == 0
    # What a person decides is no loss to warn of; a track that is not in what was run is named.
    (note,) = again.notes
    assert note.startswith(f"The overrides name 1 track that the MSD in use does not have ({unknown})")
    result = explain(matched, mine)
    assert "rejected (set by hand)" in result.output
    assert "set by hand: a cover" in result.output


def test_a_file_of_corrections_that_cannot_be_used_ends_the_run_before_any_work(tmp_path: Path) -> None:
    missing = str(tmp_path / "mine.csv")
    environment = {"MUSIC_ASSETS_OVERRIDES": missing, "MUSIC_ASSETS_SPOTIFY": "sandbox", "COLUMNS": "240"}
    result = CliRunner(env=environment).invoke(cli, ["run", "--data", str(tmp_path / "data")])
    assert result.exit_code == 2
    assert f"MUSIC_ASSETS_OVERRIDES names {missing}, and there is no such file" in result.output
    assert not (tmp_path / "data" / "staging").exists()

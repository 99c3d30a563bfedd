"""`run --tracks`: what became of the list is said at the end and in `status`, and goes to a CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from music_assets.cli.listing import check_writable
from music_assets.cli.main import cli
from music_assets.lookup import lookup
from music_assets.sandbox.msd.songs import sample_songs

UNKNOWN = "TRAAZZZ128F429D538"
# Of the generated sample: in two partitions.
ONE, TWO = "TRAAGDA2227D2C19FC", "TRAAAGH23CE1E0A93D"


def command(*options: str) -> Result:
    return CliRunner(env={"COLUMNS": "240", "MUSIC_ASSETS_SPOTIFY": "sandbox"}).invoke(cli, options)


def test_of_a_list_alone_its_songs_are_searched_and_its_outcome_is_said(tmp_path: Path) -> None:
    data, out, tracks = tmp_path / "data", tmp_path / "matched.csv", tmp_path / "paper.csv"
    tracks.write_text(f"id\n{ONE}\n{TWO.lower()}\n{UNKNOWN}\n{ONE}\n", encoding="utf-16")
    options = ["run", "--data", str(data), "--tracks", str(tracks), "--only", "--out", str(out)]
    first = command(*options)
    assert first.exit_code == 0, first.output
    assert f"Written to {out}, " in first.output and "Of Spotify's columns: " in first.stderr
    outcome = f"2 ids of 2 songs (2 matched); 1 id of no song in the tables: {UNKNOWN}"
    assert outcome in first.output
    assert "it has not been searched for" not in first.output
    assert "few_songs_are_pending" not in first.output
    assert "1  (whole, those with listed songs)" in first.output
    summary = json.loads((data / "last_run.json").read_text())
    assert summary["listing"]["songs"] == {"matched": 2}
    assert (summary["partitions"], summary["songs"]) == (1, 40)
    assert summary["requests_spent"] <= 4
    rows = list(csv.DictReader(out.open()))
    assert [(row["id"], row["found"], row["track_id"], row["match_status"]) for row in rows] == [
        (ONE, "true", ONE, "matched"),
        (TWO.lower(), "true", TWO, "matched"),
        (UNKNOWN, "false", "", ""),
    ]
    assert "title equal" in json.loads(rows[0]["match_reasons"])
    queried = command(
        "query", "--data", str(data), "--csv", f"FROM analytics.songs WHERE track_id = '{ONE}'"
    ).stdout
    (same,) = csv.DictReader(io.StringIO(queried))
    assert {name: rows[0][name] for name in same} == same
    with duckdb.connect(str(data / "published" / "music_assets.duckdb"), read_only=True) as tables:
        states = dict(tables.sql("SELECT match_status, count(*) FROM analytics.songs GROUP BY 1").fetchall())
        matched = "SELECT spotify_track_id, isrc FROM analytics.songs WHERE spotify_track_id IS NOT NULL"
        (spotify_id, isrc), *_ = tables.sql(matched).fetchall()
    assert states["matched"] < states["pending"]
    assert outcome in command("status", "--data", str(data)).output

    # What the tables know of a song may name it: the next list is of Spotify's ids and ISRCs.
    tracks.write_text(f"spotify:track:{spotify_id}\n{isrc.lower()}\n{isrc}\n{UNKNOWN.lower()}\n")
    planned = command("plan", "--data", str(data), "--tracks", str(tracks))
    assert "2 ids of 1 song, which count" in planned.output and "not of the MSD" not in planned.output
    again = command(*options)
    assert again.exit_code == 0, again.output
    assert "2 ids of 1 song (1 matched)" in again.output
    rows = list(csv.DictReader(out.open()))
    found = lookup([spotify_id, isrc.lower(), UNKNOWN.lower()], warehouse=data)
    assert list(rows[0]) == list(found.columns)
    same = ["id", "id_kind", "track_id", "title"]
    assert [[row[name] for name in same] for row in rows] == found[same].fillna("").values.tolist()
    assert json.loads((data / "last_run.json").read_text())["requests_spent"] == 0


@pytest.mark.parametrize("option", [["--only"], ["--out", "x.csv"]])
def test_what_is_about_a_list_needs_one(tmp_path: Path, option: list[str]) -> None:
    result = command("run", "--data", str(tmp_path / "data"), *option)
    assert result.exit_code == 2
    assert "name it with --tracks" in result.output
    assert not (tmp_path / "data").exists()


def test_where_a_csv_cannot_be_written_is_said_before_the_run(tmp_path: Path) -> None:
    tracks = tmp_path / "paper.csv"
    tracks.write_text(ONE)
    out = tmp_path / "nowhere" / "x.csv"
    result = command("run", "--data", str(tmp_path / "data"), "--tracks", str(tracks), "--out", str(out))
    assert result.exit_code == 2
    assert f"{out} cannot be written" in result.output
    assert not (tmp_path / "data").exists()


def test_by_ids_of_songs_only_the_songs_of_their_partitions_count(tmp_path: Path) -> None:
    """Where the tracks are is known only once all partitions are read."""
    song = next(song["song_id"] for song in sample_songs() if song["track_id"] == ONE)
    tracks, data = tmp_path / "paper.csv", tmp_path / "data"
    tracks.write_text(song)
    assert command("run", "--data", str(data), "--tracks", str(tracks), "--only").exit_code == 0
    summary = json.loads((data / "last_run.json").read_text())
    assert (summary["partitions"], summary["songs"], summary["pending"]) == (1, 40, 39)
    assert summary["tables"]["analytics.songs"] == 40


def test_a_list_of_ids_that_only_matches_have_says_what_to_do(tmp_path: Path) -> None:
    tracks, data = tmp_path / "paper.csv", tmp_path / "data"
    tracks.write_text("spotify:track:3Aziz0cpFcc4N3JUSlJE46")
    told = command("run", "--data", str(data), "--tracks", str(tracks), "--only")
    assert told.exit_code == 0, told.output
    assert "No song that was read has an id of the list." in told.output
    assert "run without --only first" in told.output


def test_that_a_file_can_be_written_is_seen_without_leaving_one(tmp_path: Path) -> None:
    check_writable(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "earlier.csv").write_text("id\n")
    check_writable(tmp_path / "earlier.csv")
    assert (tmp_path / "earlier.csv").read_text() == "id\n"

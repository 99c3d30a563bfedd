"""Real answers of Spotify's search, recorded in 2023, beside the MSD songs that were asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from music_assets.matching import Candidate, Decision, Song, decide


def answer(shared: Path, recording: str) -> list[Candidate]:
    recorded: dict[str, Any] = json.loads((shared / "spotify" / "music_etl" / recording).read_text())
    return [
        Candidate(
            id=item["id"],
            title=item["name"],
            artist_names=[artist["name"] for artist in item["artists"]],
            album=item["album"]["name"],
            duration=item["duration_ms"] / 1000,
            release_year=int(item["album"]["release_date"][:4]),
            isrc=item["external_ids"].get("isrc"),
        )
        for item in recorded["response"]["json"]["tracks"]["items"]
    ]


@pytest.mark.parametrize(
    ("recording", "song"),
    [
        (
            "SongFetcher_search_many_0.json",
            Song(
                "Setting Fire to Sleeping Giants",
                "The Dillinger Escape Plan",
                "Miss Machine",
                207.77751,
                2004,
            ),
        ),
        (
            "SongFetcher_search_many_1.json",
            Song("In A Subtle Way", "Jacob Young", "Pieces Of Time", 459.75465, 0),
        ),
    ],
)
def test_a_recorded_answer_is_matched(shared: Path, recording: str, song: Song) -> None:
    candidates = answer(shared, recording)
    decision: Decision = decide(song, candidates)
    assert (decision.status, decision.best) == ("matched", candidates[0].id)


def test_a_recorded_answer_is_not_matched_to_another_song(shared: Path) -> None:
    candidates = answer(shared, "SongFetcher_search_many_0.json")
    decision = decide(
        Song("Sunshine The Werewolf", "The Dillinger Escape Plan", "Miss Machine", 257.0), candidates
    )
    assert decision.status == "below_floor"

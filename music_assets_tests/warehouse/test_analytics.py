"""`analytics.songs` shows what the tables it joins have of a song, and NULL where they have nothing."""

from __future__ import annotations

from typing import Any

from music_assets.tables import PUBLISHED
from music_assets.warehouse.published import query
from music_assets_tests.support.staged_rows import Place, row

MATCHED, UNMATCHED, UNSEARCHED = "TRAAAAW128F429D538", "TRAAABD128F429CF47", "TRAAACN128F9355673"
TRACK, ARTIST = "4uLU6hMCjMI75M1A2tKUQC", "0gxyHStUsqpMadRV0Di1Qt"
WIDE = (
    *("artist_mbid", "known_mismatch", "duplicate_group", "spotify_release_year", "genres"),
    *("artist_popularity", "match_probability"),
)


def test_a_song_has_its_artist_and_what_the_msd_lists_of_it(place: Place[Any]) -> None:
    songs = [row("msd_songs", track_id=id_, artist_mbid="m1") for id_ in (MATCHED, UNMATCHED, UNSEARCHED)]
    mapped = {"known_mismatch": True, "duplicate_group": MATCHED, "equivalent": False, "by_hand": False}
    staged = {
        "msd_songs": songs,
        "mapped_songs": [
            row("mapped_songs", track_id=MATCHED, spotify_track_id=TRACK, accepted=True, rank=1, score=0.9)
            | mapped,
            row("mapped_songs", track_id=UNMATCHED, accepted=False, status="no_candidates")
            | mapped
            | {"known_mismatch": False, "duplicate_group": None},
        ],
        "spotify_tracks": [
            row("spotify_tracks", spotify_track_id=TRACK, spotify_artist_id=ARTIST, release_year=1969)
        ],
        "spotify_artists": [
            row("spotify_artists", spotify_artist_id=ARTIST, genres=["soul"], popularity=71, url="u")
        ],
    }
    for kind, rows in staged.items():
        place.load(place.stage(kind, "AA", rows))
    for name, table in PUBLISHED.items():
        place.warehouse.fill(table, query(name))
    assert place.rows(PUBLISHED["analytics.songs"], "track_id", *WIDE) == [
        (MATCHED, "m1", True, MATCHED, 1969, ["soul"], 71, 0.9),
        (UNMATCHED, "m1", False, None, None, None, None, None),
        (UNSEARCHED, "m1", None, None, None, None, None, None),
    ]

"""`companion.songs`: covers that are matched to one Spotify track are marked and counted, on both engines."""

from __future__ import annotations

from typing import Any

from music_assets.defs.checks.rules import warnings
from music_assets.tables import PUBLISHED
from music_assets.warehouse.published import query
from music_assets_tests.support.staged_rows import Place, row

TABLE = PUBLISHED["companion.songs"]
# Of each track its group of covers, and the Spotify track it is matched to.
COVERS: dict[str, tuple[str | None, str | None]] = {
    "TRAAAAA128F0000001": ("A", "one"),
    "TRAAAAA128F0000002": ("A", "one"),  # the same work
    "TRAAAAA128F0000003": ("A", "two"),
    "TRAAAAA128F0000004": ("B", "two"),  # another work
    "TRAAAAA128F0000005": ("B", "three"),
    "TRAAAAA128F0000006": ("B", None),
    "TRAAAAA128F0000007": (None, "three"),  # in no group: it says nothing
    "TRAAAAA128F0000008": ("C", "four"),
    "TRAAAAA128F0000009": ("C", "four"),  # by the MSD's list the same recording
}


def filled(place: Place[Any], covers: dict[str, tuple[str | None, str | None]]) -> dict[str, str | None]:
    companion = [
        row("companion_songs", track_id=track, shs_clique=clique, lastfm_tags=[{"tag": "x", "weight": 1}])
        for track, (clique, _) in covers.items()
    ]
    mapped = [
        row("mapped_songs", track_id=track, spotify_track_id=spotify, accepted=spotify is not None, rank=1)
        | {"known_mismatch": False, "equivalent": False, "by_hand": False, "status": "matched"}
        | {"duplicate_group": "C" if clique == "C" else None}
        for track, (clique, spotify) in covers.items()
    ]
    place.load(place.stage("companion_songs", "AA", companion))
    place.load(place.stage("mapped_songs", "AA", mapped))
    for name in ("mapped.songs", "companion.songs"):
        place.warehouse.fill(PUBLISHED[name], query(name))
    return dict(place.rows(TABLE, "track_id", "shs_conflict"))


def test_covers_that_share_a_spotify_track_are_marked_and_warned_of(place: Place[Any]) -> None:
    (check,) = (one for one in warnings(TABLE, 180) if one.name == "covers_are_matched_apart")
    assert filled(place, COVERS) == {
        "TRAAAAA128F0000001": "same_track",
        "TRAAAAA128F0000002": "same_track",
        "TRAAAAA128F0000003": "other_work",
        "TRAAAAA128F0000004": "other_work",
        "TRAAAAA128F0000005": None,
        "TRAAAAA128F0000006": None,
        "TRAAAAA128F0000007": None,
        "TRAAAAA128F0000008": None,
        "TRAAAAA128F0000009": None,
    }
    with place.warehouse.transaction("checking") as connection:
        found = check.find(connection)
    assert (found.passed, found.metadata) == (False, {"same_track": 2, "other_work": 2})
    filled(place, {track: (clique, track) for track, (clique, _) in COVERS.items()})
    with place.warehouse.transaction("checking") as connection:
        assert check.find(connection).passed

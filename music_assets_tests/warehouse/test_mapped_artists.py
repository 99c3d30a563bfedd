"""`mapped.artists`: which Spotify artist an MSD artist is, by votes of all slices and agreement of names."""

from __future__ import annotations

from typing import Any

import pytest

from music_assets.matching import artist_agreement
from music_assets.tables import PUBLISHED
from music_assets.warehouse.published import query
from music_assets_tests.support.staged_rows import Place, row

ARTIST = "ARD7TVE1187B99BFB1"
TABLE = PUBLISHED["mapped.artists"]


def vote(spotify: str, name: str, votes: int, *, msd: str, artist: str = ARTIST) -> dict[str, Any]:
    """A staged vote; how far the names agree is what the matcher says."""
    agreement = artist_agreement(msd, name)
    return row(
        "artist_votes",
        artist_id=artist,
        spotify_artist_id=spotify,
        spotify_artist_name=name,
        votes=votes,
        agreement=agreement,
        source="sandbox",
    )


def mapped(place: Place[Any], slices: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The table made of these slices, best first."""
    place.load(*(place.stage("artist_votes", key, rows) for key, rows in slices.items()))
    place.warehouse.fill(TABLE, query("mapped.artists"))
    with place.warehouse.transaction("looking") as connection:
        rows = connection.execute(TABLE.select().order_by(TABLE.c.artist_id, TABLE.c.rank)).mappings()
        return [dict(one) for one in rows]


def accepted(rows: list[dict[str, Any]]) -> list[str]:
    return [one["spotify_artist_id"] for one in rows if one["accepted"]]


def test_votes_of_all_slices_count_together(place: Place[Any]) -> None:
    name = "The Paper Lanterns"
    rows = mapped(
        place,
        {
            "AA": [vote("one", name, 2, msd=name), vote("two", name, 3, msd=name)],
            "AB": [vote("one", name, 2, msd=name)],
        },
    )
    assert [(one["spotify_artist_id"], one["votes"], one["rank"]) for one in rows] == [
        ("one", 4, 1),
        ("two", 3, 2),
    ]
    assert rows[0]["share"] == pytest.approx(4 / 7)
    assert accepted(rows) == ["one"]


def test_of_several_artists_of_one_name_most_votes_win_and_ties_are_settled(
    place: Place[Any],
) -> None:
    rows = mapped(
        place,
        {"AA": [vote("b", "Orchid", 1, msd="Orchid"), vote("a", "Orchid", 1, msd="Orchid")]},
    )
    assert accepted(rows) == ["a"]


def test_several_spellings_are_one_artist(place: Place[Any]) -> None:
    rows = mapped(
        place,
        {
            "AA": [vote("a", "Sigur Havn", 1, msd="Sigur Havn")],
            "AB": [
                vote("a", "Sigur Havn", 2, msd="Havn_ Sigur & Others"),
                vote("z", "Zelda", 1, msd="Zelda X"),
            ],
        },
    )
    assert accepted(rows) == ["a"]
    assert rows[0]["agreement"] == 1.0  # the best of its spellings


def test_a_guest_of_many_songs_is_not_the_artist(place: Place[Any]) -> None:
    msd = "Ada Winter"
    rows = mapped(place, {"AA": [vote("ada", msd, 4, msd=msd), vote("guest", "MC Oslo", 4, msd=msd)]})
    assert accepted(rows) == ["ada"]
    assert [one["rank"] for one in rows] == [1, 2]


def test_one_match_by_another_artist_is_not_enough(place: Place[Any]) -> None:
    rows = mapped(place, {"AA": [vote("guest", "MC Oslo", 1, msd="Ada Winter")]})
    assert accepted(rows) == []


def test_of_a_joint_credit_one_is_taken(place: Place[Any]) -> None:
    """An MSD artist that is two people: both agree with its name, their shares show that neither is all."""
    msd = "Ada Winter / Ben Stone"
    rows = mapped(
        place,
        {"AA": [vote("z-ada", "Ada Winter", 3, msd=msd), vote("a-ben", "Ben Stone", 3, msd=msd)]},
    )
    assert len(accepted(rows)) == 1
    assert {(one["agreement"], one["share"]) for one in rows} == {(0.95, 0.5)}


def test_a_name_in_another_script_is_taken_by_its_votes(place: Place[Any]) -> None:
    """Names may share no letter; three songs that agree on one artist say enough."""
    msd = "Land of Sunset"
    rows = mapped(place, {"AA": [vote("a", "日没の国", 3, msd=msd), vote("b", "MC Oslo", 1, msd=msd)]})
    assert accepted(rows) == ["a"]


def test_every_msd_artist_has_one_at_most(place: Place[Any]) -> None:
    votes = [
        vote(spotify, "Orchid", count, msd="Orchid", artist=artist)
        for artist in ("ARA", "ARB")
        for count, spotify in enumerate(("x", "y", "z"), start=1)
    ]
    assert accepted(mapped(place, {"AA": votes})) == ["z", "z"]

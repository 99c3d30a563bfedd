"""What refreshes bring to the published tables: newer values, the fate of a track, a history that stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select

from music_assets.tables import PUBLISHED, STAGED_BY_DAY, row_columns
from music_assets.warehouse.refresh_queries import artists_to_list, stale_artists, stale_tracks
from music_assets_tests.support.staged_rows import Place, row

MONDAY, TUESDAY, WEDNESDAY = (f"2026-11-{day}" for day in (23, 24, 25))


def track(day: str, popularity: int | None = None, isrc: str | None = "X", **more: Any) -> dict[str, Any]:
    told = {"isrc": isrc, "popularity": popularity, "name": f"of {day}", "fetched_at": f"{day}T03:00:00"}
    return row("spotify_tracks", **{"spotify_track_id": "t", "source": "api", **told, **more})


def vanished(day: str) -> dict[str, Any]:
    at = f"{day}T03:00:00"
    return row("spotify_tracks", spotify_track_id="t", source="api", vanished_at=at, fetched_at=at)


def stage(place: Place[Any], **slices: dict[str, Any]) -> None:
    """Load tracks, one per slice; a day's name begins with `d` here."""
    for name, one in slices.items():
        slice_ = name.removeprefix("d_").replace("_", "-")
        place.load(
            place.stage("spotify_tracks_refresh" if "-" in slice_ else "spotify_tracks", slice_, [one])
        )


def the_track(place: Place[Any], *columns: str) -> tuple[Any, ...]:
    table = PUBLISHED["spotify.tracks"]
    place.warehouse.update(table)
    (found,) = place.rows(table, *columns)
    return found


def history(place: Place[Any]) -> list[tuple[str, int]]:
    table = PUBLISHED["spotify.popularity_history"]
    place.warehouse.update(table)
    return [(str(day), value) for day, value in place.rows(table, "date", "popularity")]


def test_a_refresh_replaces_what_a_partition_saw(place: Place[Any]) -> None:
    stage(place, AA=track(MONDAY, 10), d_2026_11_24=track(TUESDAY, 20))
    assert the_track(place, "name", "popularity") == (f"of {TUESDAY}", 20)


def test_a_whole_track_wins_over_a_newer_one_that_came_within_an_album(place: Place[Any]) -> None:
    stage(place, AA=track(WEDNESDAY, isrc=None), d_2026_11_23=track(MONDAY, 10))
    assert the_track(place, "name", "isrc", "popularity") == (f"of {MONDAY}", "X", 10)


def test_a_track_that_vanished_keeps_its_values_and_says_since_when(place: Place[Any]) -> None:
    stage(place, AA=track(MONDAY, 10), d_2026_11_24=vanished(TUESDAY), d_2026_11_25=vanished(WEDNESDAY))
    name, popularity, since = the_track(place, "name", "popularity", "vanished_at")
    assert (name, popularity, str(since)) == (f"of {MONDAY}", 10, f"{TUESDAY} 03:00:00")


def test_a_track_that_came_back_has_not_vanished(place: Place[Any]) -> None:
    stage(place, AA=track(MONDAY, 10), d_2026_11_24=vanished(TUESDAY), d_2026_11_25=track(WEDNESDAY, 5))
    assert the_track(place, "popularity", "vanished_at") == (5, None)


def test_a_track_known_within_an_album_alone_may_vanish_too(place: Place[Any]) -> None:
    stage(place, AA=track(MONDAY, isrc=None), d_2026_11_24=vanished(TUESDAY))
    name, since = the_track(place, "name", "vanished_at")
    assert (name, str(since)) == (f"of {MONDAY}", f"{TUESDAY} 03:00:00")


def test_a_relinked_track_says_under_which_id_it_is_answered(place: Place[Any]) -> None:
    stage(place, AA=track(MONDAY), d_2026_11_24=track(TUESDAY, relinked_to="u"))
    assert the_track(place, "spotify_track_id", "relinked_to") == ("t", "u")


def test_an_artist_that_was_asked_about_wins_over_a_newer_one_that_tracks_named(place: Place[Any]) -> None:
    def artist(day: str, **more: Any) -> dict[str, Any]:
        at = f"{day}T03:00:00"
        return row("spotify_artists", spotify_artist_id="a", source="api", fetched_at=at, **more)

    place.load(place.stage("spotify_artists", "AA", [artist(TUESDAY, name="Named")]))
    place.load(
        place.stage(
            "spotify_artists_refresh", MONDAY, [artist(MONDAY, name="Asked", url="there", genres=["ska"])]
        ),
        place.stage("spotify_artists_refresh", WEDNESDAY, [artist(WEDNESDAY)]),
    )
    table = PUBLISHED["spotify.artists"]
    place.warehouse.update(table)
    assert place.rows(table, "name", "url") == [("Asked", "there")]


def test_the_history_has_a_row_a_day_and_keeps_what_is_staged_no_more(place: Place[Any]) -> None:
    stage(place, AA=track(MONDAY, 10), d_2026_11_24=track(TUESDAY, 20))
    both = [(MONDAY, 10), (TUESDAY, 20)]
    assert history(place) == both
    assert history(place) == both
    stage(place, AA=track(WEDNESDAY, 30))  # the partition was asked about again
    assert history(place) == [*both, (WEDNESDAY, 30)]


def test_the_last_value_of_a_day_counts(place: Place[Any]) -> None:
    stage(place, AA=track(MONDAY, 10))
    history(place)
    stage(place, AB=track(MONDAY, 11, fetched_at=f"{MONDAY}T20:00:00"))
    assert history(place) == [(MONDAY, 11)]
    stage(place, AB=track(MONDAY, 9, fetched_at=f"{MONDAY}T01:00:00"), AA=track(TUESDAY))
    assert history(place) == [(MONDAY, 11)]


def test_an_artist_without_new_releases_is_no_row_for_readers(place: Place[Any]) -> None:
    def release(artist: str, album: str | None, day: str, name: str | None = None) -> dict[str, Any]:
        nothing = dict.fromkeys(str(c.name) for c in PUBLISHED["spotify.artist_releases"].columns)
        keys = {"spotify_artist_id": artist, "spotify_album_id": album}
        return {**nothing, **keys, "name": name, "source": "api", "fetched_at": f"{day}T03:00:00"}

    old, new = release("a", "x", MONDAY, "First"), release("a", "x", TUESDAY, "First (Deluxe)")
    place.load(
        place.stage("artist_releases", MONDAY, [old, release("b", None, MONDAY)]),
        place.stage("artist_releases", TUESDAY, [new]),
    )
    table = PUBLISHED["spotify.artist_releases"]
    place.warehouse.update(table)
    assert place.rows(table, "spotify_artist_id", "spotify_album_id", "name") == [
        ("a", "x", "First (Deluxe)")
    ]


def chosen(place: Place[Any], query: Select[Any]) -> list[str]:
    with place.warehouse.transaction("looking") as connection:
        return list(connection.execute(query).scalars())


def test_what_lacks_details_is_stalest_then_what_was_asked_about_longest_ago(place: Place[Any]) -> None:
    def matched(*ids: str) -> list[dict[str, Any]]:
        about = {"accepted": True, "source": "api"}
        return [row("mapped_songs", track_id=f"TR{id_}", spotify_track_id=id_, **about) for id_ in ids]

    other = {**matched("no match")[0], "accepted": False}
    place.load(place.stage("mapped_songs", "AA", [*matched("old", "new", "album", "today", "hand"), other]))
    seen = [
        track(MONDAY, spotify_track_id="old"),
        track(TUESDAY, spotify_track_id="new"),
        track(TUESDAY, spotify_track_id="album", isrc=None),
        track(WEDNESDAY, spotify_track_id="today"),
        track(MONDAY, spotify_track_id="no match"),
    ]
    place.load(place.stage("spotify_tracks", "AA", seen))
    today = datetime.fromisoformat(WEDNESDAY).replace(tzinfo=UTC)
    assert chosen(place, stale_tracks(today, 9)) == ["album", "hand", "old", "new"]
    assert chosen(place, stale_tracks(today, 3)) == ["album", "hand", "old"]
    refreshed = track(TUESDAY, spotify_track_id="album", isrc=None)  # it has none
    place.load(place.stage("spotify_tracks_refresh", TUESDAY, [refreshed]))
    assert chosen(place, stale_tracks(today, 9)) == ["hand", "old", "album", "new"]


def test_artists_with_most_songs_are_listed_first_and_not_again_at_once(place: Place[Any]) -> None:
    def votes(artist: str, spotify: str, count: int, agreement: float = 1.0) -> dict[str, Any]:
        about = {"source": "api", "fetched_at": f"{MONDAY}T03:00:00"}
        ids = {"artist_id": artist, "spotify_artist_id": spotify}
        return row("artist_votes", **ids, votes=count, agreement=agreement, **about)

    counted = [
        votes("1", "few", 2),
        votes("2", "many", 3),
        votes("3", "many", 4),
        votes("1", "guest", 1, 0.1),
    ]
    place.load(place.stage("artist_votes", "AA", counted))
    tuesday = datetime.fromisoformat(TUESDAY).replace(tzinfo=UTC)
    assert chosen(place, artists_to_list(tuesday, 9)) == ["many", "few"]
    nothing = dict.fromkeys(row_columns(STAGED_BY_DAY["artist_releases"]))
    asked = {"spotify_artist_id": "many", "source": "api", "fetched_at": f"{TUESDAY}T03:00:00"}
    place.load(place.stage("artist_releases", TUESDAY, [{**nothing, **asked}]))
    assert chosen(place, artists_to_list(tuesday, 9)) == ["few"]
    assert chosen(place, stale_artists(tuesday, 9)) == ["few", "guest", "many"]

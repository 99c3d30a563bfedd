"""How songs were resolved, and on which albums a release may be: as stored now and by earlier versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.spotify import ReleaseAlbum, Resolution
from music_assets.sources.spotify.resolutions import Resolutions

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TRACK = {"id": "4iV5W9uYEdYUVa79Axb7Rh", "name": "River", "artists": [{"id": "x", "name": "Foxes"}]}


def response(key: Key, status: str, query: str, body: Any, attempts: int = 1) -> Response:
    return Response(key, status, query, NOW, "development", body, attempts)


@pytest.fixture
def resolutions(ledger: Ledger) -> Resolutions:
    return Resolutions(ledger, source="sandbox", response=response)


def test_a_resolution_leads_to_the_cached_track(ledger: Ledger, resolutions: Resolutions) -> None:
    renamings = frozenset({("paper foxes", "foxes")})
    one = Resolution("TRAAAAW128F429D538", "echonest", (TRACK["id"],), renamings)
    resolutions.record([one])
    assert resolutions.get_many([one.track_id]) == {}  # the track is not cached
    ledger.put_many([response(Key("spotify_track", TRACK["id"], "track"), "answered", "", TRACK)])
    found = resolutions.get_many([one.track_id])[one.track_id]
    assert (found.resolution, [row["name"] for row in found.rows]) == (one, ["River"])


@pytest.mark.parametrize(("verified", "is_resolved"), [(True, True), (False, False)])
def test_an_id_that_an_earlier_version_did_not_verify_is_ignored(
    verified: bool, is_resolved: bool, ledger: Ledger, resolutions: Resolutions
) -> None:
    body = {"by": "listenbrainz", "ids": [TRACK["id"]], "verified": verified}
    ledger.put_many(
        [
            response(Key("track", "TRAAAAW128F429D538", "settled"), "answered", "listenbrainz x", body, 0),
            response(Key("spotify_track", TRACK["id"], "track"), "answered", "", TRACK),
        ]
    )
    assert bool(resolutions.get_many(["TRAAAAW128F429D538"])) is is_resolved


def test_albums_of_a_release_come_back_as_recorded(resolutions: Resolutions) -> None:
    albums = [ReleaseAlbum("a", True), ReleaseAlbum("b", False)]
    resolutions.record_albums({"AR/river songs": albums})
    assert resolutions.albums(["AR/river songs", "AR/other"]) == {"AR/river songs": albums}


def test_albums_stored_by_an_earlier_version_are_read(ledger: Ledger, resolutions: Resolutions) -> None:
    ledger.put_many([response(Key("release", "AR/x", "albums"), "answered", "", {"ids": ["a=", "b"]}, 0)])
    assert resolutions.albums(["AR/x"]) == {"AR/x": [ReleaseAlbum("a", True), ReleaseAlbum("b", False)]}

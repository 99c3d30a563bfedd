"""Responses of the right shape but for a place or two, from every source: a named error, or rows that load.

The sandbox answers, and what it answered is changed on its way: a value of another type or size, a key or an
item that is missing, doubled or swapped. Transport faults are in `test_faults` and `sources/test_http`.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sources.fetched import Fetched
from music_assets.sources.http import HttpPolicy, SourceError
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.listenbrainz import LABS, LISTENBRAINZ, Labs, ListenBrainz
from music_assets.sources.listenbrainz.labs import SongNames
from music_assets.sources.reccobeats import RECCOBEATS, ReccoBeats
from music_assets.sources.spotify import SpotifyCatalog, SpotifyError, SpotifySettings
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.staging.rows import encode_for
from music_assets_tests.campaigns.world import LONG
from music_assets_tests.support.sandbox import (
    Clock,
    FaultySandbox,
    SandboxServer,
    catalogue,
    in_thread,
    song_queries,
    songs_frame,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

CASES = 4000 if LONG else 25  # of each kind of request
SONGS = songs_frame(40)
Rows = list[dict[str, Any]]

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**70, -(2**70), 1e308, 5e-324, 10**400),
    *("", " ", "x" * 70_000, "\0", "\ud800", "\ufffe", "1", "NaN", "2026-13-45", "0000-00-00", "\x1b[2J"),
    *("../../x", "é" * 300, "0" * 22, [], {}, [[]], [None], [{}], {"id": None}, {"a": [1]}, [1, "x"]),
)


def changed(body: Any, dice: random.Random) -> Any:
    """The body with one to three changes, anywhere in it."""
    holder = [copy.deepcopy(body)]
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        places = list(_places(holder))
        parent, key = dice.choice(places)
        how = dice.choice(("odd", "odd", "odd", "gone", "twice", "swapped", "wrapped"))
        if how == "gone" and parent is not holder:
            del parent[key]
        elif how == "twice" and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        elif how == "swapped":
            other, at = dice.choice(places)
            value = copy.deepcopy(other[at])
            parent[key] = value
        elif how == "wrapped":
            parent[key] = [parent[key]]
        else:
            parent[key] = copy.deepcopy(dice.choice(ODD))
    return holder[0]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(inner):
        yield value, key
        yield from _places(each)


class Changing:
    """Stands before the sandbox, and changes the JSON that it answers while `dice` are there."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.dice: random.Random | None = None
        self.last = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.dice is None or scope["type"] != "http" or scope["path"] == "/api/token":
            await self._app(scope, receive, send)
            return
        parts: list[Any] = []

        async def keep(message: Any) -> None:
            parts.append(message)

        await self._app(scope, receive, keep)
        content = b"".join(part.get("body", b"") for part in parts)
        if parts[0]["status"] == 200:
            content = json.dumps(changed(json.loads(content), self.dice)).encode()
        self.last = content
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({**parts[0], "headers": headers})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="module", params=["development", "extended"])
def place(
    request: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SandboxServer, Changing, Path]]:
    """A sandbox behind `Changing`."""
    clock = Clock()
    path = catalogue(tmp_path_factory.mktemp("catalogue"), SONGS)
    sandbox = FaultySandbox(path, mode=request.param, clock=clock)
    app = Changing(sandbox.app)
    sandbox.app = app  # type: ignore[assignment]
    with in_thread(sandbox) as address:
        settings = SpotifySettings(
            address.client_id,
            address.client_secret,
            source="sandbox",
            mode=request.param,
            base_url=address.base_url,
            token_url=address.token_url,
            requests_per_30s=None,
            retries=0,
        )
        yield SandboxServer(sandbox, settings, clock, address), app, path


def _spotify(server: SandboxServer, ledger: Ledger) -> SpotifyCatalog:
    return SpotifyCatalog(
        SpotifyClient(server.settings, ledger, clock=server.clock, sleep=server.clock.sleep), ledger
    )


def _keyless(kind: Any, policy: HttpPolicy, url: str, server: SandboxServer, ledger: Ledger) -> Any:
    policy = replace(policy, base_url=url, requests_per_second=None, retries=0)
    return kind(policy, ledger, source="sandbox", clock=server.clock, sleep=server.clock.sleep)


def _found(rows: Rows) -> dict[str, Any]:
    """Ids that the sandbox knows, out of rows of `spotify.tracks`."""
    return {
        "tracks": sorted({row["spotify_track_id"] for row in rows})[:8],
        "albums": sorted({row["spotify_album_id"] for row in rows})[:3],
        "artists": sorted({artist["spotify_artist_id"] for row in rows for artist in row["artists"]})[:5],
        "isrcs": sorted({row["isrc"] for row in rows if row["isrc"]})[:5],
    }


def _id_of(row: dict[str, Any]) -> Any:
    return row.get("mbid") or row.get("spotify_artist_id") or row["spotify_track_id"]


def _requests(
    server: SandboxServer, known: dict[str, Any], mbids: dict[str, list[str]]
) -> dict[str, tuple[str, set[str], Callable[[Ledger], Rows]]]:
    """Requests by name: the staged kind of their rows, the ids these may be about, and how it is sent."""
    address, queries = server.address, song_queries(SONGS)[:4]
    songs = list(SONGS[:4].itertuples())
    names = [SongNames(song.track_id, song.title, song.artist_name, song.release) for song in songs]

    def with_spotify(look: Callable[[SpotifyCatalog], Rows]) -> Callable[[Ledger], Rows]:
        def run(ledger: Ledger) -> Rows:
            with _spotify(server, ledger) as spotify:
                return look(spotify)

        return run

    def searched(spotify: SpotifyCatalog) -> Rows:
        return [row for result in spotify.search_songs(queries[:2]) for row in result.tracks]

    def releases(spotify: SpotifyCatalog) -> Rows:
        hits = spotify.search_releases({"k": (songs[0].artist_name, songs[0].release or "")})[0]
        return [row for rows in hits.values() for row in rows]

    def recco(look: Callable[[ReccoBeats], Fetched]) -> Callable[[Ledger], Rows]:
        def run(ledger: Ledger) -> Rows:
            with _keyless(ReccoBeats, RECCOBEATS, address.reccobeats_url, server, ledger) as client:
                return look(client).rows

        return run

    def counts(entity: str) -> Callable[[Ledger], Rows]:
        def run(ledger: Ledger) -> Rows:
            with _keyless(ListenBrainz, LISTENBRAINZ, address.listenbrainz_url, server, ledger) as client:
                return list(client.popularity(entity, mbids[entity]).rows)

        return run

    def labs(ledger: Ledger) -> Rows:
        with _keyless(Labs, LABS, address.labs_url, server, ledger) as client:
            ids = client.spotify_ids(names)[0]
        assert all(len(id_) == 22 and id_.isalnum() for found in ids.values() for id_ in found)
        assert ids.keys() <= {name.track_id for name in names}
        return []

    tracks, anything = set(known["tracks"]), set[str]()
    found = {
        "search": ("spotify_tracks", anything, with_spotify(searched)),
        "release search": ("spotify_tracks", anything, with_spotify(releases)),
        "tracks": ("spotify_tracks", anything, with_spotify(lambda s: s.tracks(known["tracks"]).rows)),
        "albums": (
            "spotify_tracks",
            anything,
            with_spotify(lambda s: [row for rows in s.albums(known["albums"])[0].values() for row in rows]),
        ),
        "artists": (
            "spotify_artists",
            set(known["artists"]),
            with_spotify(lambda s: s.artists(known["artists"]).rows),
        ),
        "artist albums": (
            "artist_releases",
            anything,
            with_spotify(lambda s: s.artist_albums(known["artists"]).rows),
        ),
        "audio features": (
            "audio_features",
            tracks,
            with_spotify(lambda s: s.audio_features(known["tracks"]).rows),
        ),
        "ReccoBeats' tracks": (
            "spotify_tracks",
            anything,
            recco(lambda r: r.tracks([*known["tracks"], *known["isrcs"]])[1]),
        ),
        "ReccoBeats' features": (
            "audio_features",
            tracks,
            recco(lambda r: r.audio_features(known["tracks"], isrcs={known["tracks"][0]: known["isrcs"][0]})),
        ),
        "listens of recordings": ("listenbrainz_popularity", set(mbids["recording"]), counts("recording")),
        "listens of artists": ("listenbrainz_popularity", set(mbids["artist"]), counts("artist")),
        "Labs": ("spotify_tracks", anything, labs),
    }
    return found  # type: ignore[return-value]


def test_a_changed_response_is_refused_or_gives_rows_that_load(
    place: tuple[SandboxServer, Changing, Path], tmp_path: Path
) -> None:
    server, app, path = place
    with (
        closing(open_ledger(tmp_path / "whole.sqlite", source="sandbox")) as ledger,
        _spotify(server, ledger) as spotify,
        closing(open_to_read(path)) as db,
    ):
        hits = [row for one in spotify.search_songs(song_queries(SONGS)) for row in one.tracks]
        mbids = {
            what: [row[0] for row in db.execute(f"SELECT DISTINCT {column} FROM recordings LIMIT 9")]
            for what, column in (("recording", "mbid"), ("artist", "substr(artist_mbids, 1, 36)"))
        }
    became: Counter[str] = Counter()
    for name, (kind, about, run) in _requests(server, _found(hits), mbids).items():
        for case in range(CASES):
            app.dice = random.Random(f"{name} {case}")
            file = tmp_path / f"{case}.sqlite"
            with closing(open_ledger(file, source="sandbox")) as ledger:
                try:
                    rows = run(ledger)
                    encoded = encode_for(kind, rows, "AA")
                    assert encoded.validation is not None, encoded.changes
                    ids = {_id_of(row) for row in rows}
                    assert not about or ids <= about, ids - about
                    app.dice = None
                    assert len(run(ledger)) >= len(rows)  # what is cached can be read again
                    became["rows" if rows else "none"] += 1
                except (SourceError, SpotifyError) as error:
                    became[type(error).__name__] += 1
                except Exception as error:
                    raise AssertionError(f"{name}, case {case}: {app.last[:1500]!r}") from error
            for left in tmp_path.glob(f"{case}.sqlite*"):
                left.unlink()
    assert became["rows"] and sum(became.values()) == CASES * 12

"""Ids that other sources know: verified at ReccoBeats by the matcher, without a request to Spotify."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest

from music_assets.resolution import ResolutionOutcome, Resolver, SearchBacklog
from music_assets.resolution.backlog import BacklogSong
from music_assets.resolution.id_providers import Isrcs, KnownIds
from music_assets.resolution.resolver import Phase
from music_assets.resolution.steps import by_cached_miss
from music_assets.sandbox.keyless import gone
from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sources import reccobeats as tracks
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.reccobeats import RECCOBEATS, ReccoBeats
from music_assets.sources.spotify import SearchResult, SongQuery, SpotifyCatalog
from music_assets_tests.support.faults import ANSWERS
from music_assets_tests.support.sandbox import SandboxServer, songs_frame, truth

FRAME = songs_frame(60)
FRAME["track_id"] = [f"TRAA{i:04d}128F{i:06d}" for i in range(len(FRAME))]
QUERIES = [SongQuery(r.track_id, r.title, r.artist_name) for r in FRAME.itertuples()]


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return FRAME


@dataclass
class Known:
    """A source that knows these ids, and what it was asked."""

    known: Mapping[str, Mapping[str, str | None]]
    name: str = "echonest"
    asked: list[str] = field(default_factory=list)
    unreached: str | None = None
    albums: dict[str, str] = field(default_factory=dict)

    def ids(self, songs: Sequence[BacklogSong]) -> KnownIds:
        self.asked += [song.track_id for song in songs]
        if self.unreached:
            return KnownIds(unreached={song.track_id: self.unreached for song in songs})
        known = {song.track_id: self.known[song.track_id] for song in songs if song.track_id in self.known}
        return KnownIds(known, albums=self.albums)


class ByIdsAlone(Resolver):
    """One that reads no artists."""

    def artists(self) -> Phase:
        return replace(super().artists(), steps=[by_cached_miss])


class World:
    """A backlog of the songs, the sandbox's ReccoBeats and Spotify, and one ledger."""

    def __init__(self, server: SandboxServer, ledger: Ledger, folder: Path, path: Path) -> None:
        self.server, self.ledger = server, ledger
        self.backlog = SearchBacklog(open_ledger(folder / "songs.sqlite", source="sandbox"))
        self.backlog.put("AA", "one", FRAME.astype(object).where(FRAME.notna(), None).to_dict("records"))
        with contextlib.closing(open_to_read(path)) as db:
            rows = db.execute("SELECT id, isrc, artist_words, name FROM tracks ORDER BY id").fetchall()
        self.isrcs = {id_: isrc for id_, isrc, *_ in rows}
        known = self.verified(ids for ids in ([id_] for id_ in self.isrcs))
        self.truth = truth(path)
        self.right = {
            track_id: sorted(id_ for id_ in ids if id_ in known)
            for track_id, ids in self.truth.items()
            if any(id_ in known for id_ in ids)
        }
        server.sandbox.requests.clear()

    def verified(self, batches: Iterator[list[str]]) -> set[str]:
        with self.reccobeats(open_ledger(":memory:", source="x")) as client:
            return set(client.tracks(id_ for ids in batches for id_ in ids)[0])

    def reccobeats(self, ledger: Ledger | None = None, **changed: object) -> ReccoBeats:
        at = {"base_url": self.server.address.reccobeats_url, "requests_per_second": None, "backoff": 0.001}
        policy = replace(RECCOBEATS, **{**at, **changed})  # type: ignore[arg-type]
        clock = self.server.clock
        return ReccoBeats(policy, ledger or self.ledger, source="sandbox", clock=clock, sleep=clock.sleep)

    def catalog(self, off: bool) -> SpotifyCatalog:
        settings = replace(self.server.settings, off=off, mode="development")
        return SpotifyCatalog.open(settings, self.ledger, clock=self.server.clock, elsewhere=tracks)

    def resolve(
        self, *providers: Known, off: bool = True, artists: bool = False, **changed: object
    ) -> ResolutionOutcome:
        with self.catalog(off) as catalog, self.reccobeats(**changed) as client:
            made = Resolver if artists else ByIdsAlone
            return made(catalog, self.backlog, providers=providers, reccobeats=client).resolve()

    def results(self, *, off: bool = True) -> dict[str, SearchResult]:
        with self.catalog(off) as catalog:
            return catalog.cached(QUERIES)

    @property
    def to_spotify(self) -> int:
        others = ("reccobeats", "labs", "listenbrainz")
        return sum(count for kind, count in self.server.sandbox.requests.items() if kind not in others)


@pytest.fixture
def world(server: SandboxServer, ledger: Ledger, tmp_path: Path, songs_catalogue: Path) -> World:
    return World(server, ledger, tmp_path, songs_catalogue)


def test_right_ids_resolve_songs_without_a_request_to_spotify(world: World) -> None:
    known = {track: dict.fromkeys(ids[:1]) for track, ids in world.right.items()}
    outcome = world.resolve(Known(known))
    assert outcome.resolved["echonest"] == len(known) > 40 and world.to_spotify == 0
    results = world.results()
    for track_id, ids in known.items():
        assert [row["spotify_track_id"] for row in results[track_id].tracks] == list(ids)
        assert results[track_id].source == "sandbox"
        assert (results[track_id].query or "").startswith("echonest ")
    assert world.server.sandbox.requests["reccobeats"] <= -(-len(known) // 40)


Wrong = Callable[[World, str], str]
WRONG: dict[str, Wrong] = {
    "of another song": lambda world, track: next(
        ids[0] for other, ids in sorted(world.right.items()) if not {*ids} & {*world.right[track]}
    ),
    "dead": lambda world, track: gone(world.right[track][0]),
    "nobody's": lambda world, track: "0" * 22,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_id_is_dropped_and_the_next_tried(world: World, wrong: Wrong) -> None:
    known = {track: {wrong(world, track): None, ids[0]: None} for track, ids in sorted(world.right.items())}
    world.resolve(Known(known))
    for track, result in world.results().items():
        if track in known:
            assert [row["spotify_track_id"] for row in result.tracks] == [list(known[track])[1]], track


def test_with_wrong_ids_alone_a_song_is_left_to_spotify_or_shows_them_unmatched(world: World) -> None:
    wrong = WRONG["of another song"]
    known = {track: {wrong(world, track): None} for track in world.right}
    assert world.resolve(Known(known)).resolved.total() == 0
    results = world.results()
    assert all(results[track].status == "answered" for track in FRAME["track_id"])
    for track, ids in known.items():
        assert [row["spotify_track_id"] for row in results[track].tracks] == list(ids)
    assert world.results(off=False) == {}  # Spotify itself has not been searched
    searched = world.resolve(Known(known), off=False)
    assert searched.resolved.total() == len(FRAME) and world.to_spotify > 0
    assert not any((r.query or "").startswith("echonest ") for r in world.results(off=False).values())


def test_the_album_that_is_the_release_is_tried_first(world: World) -> None:
    by_id = dict(zip(FRAME["track_id"], FRAME["release"], strict=True))
    known = {
        track: {"0" * 22: "Greatest Hits", "1" * 22: None, ids[0]: f"{by_id[track].upper()}!"}
        for track, ids in world.right.items()
    }
    world.resolve(Known(known))
    assert world.server.sandbox.requests["reccobeats"] <= -(-len(known) // 40)
    results = world.results()
    assert {results[track].tracks[0]["listed_album"] for track in known} == {
        known[track][ids[0]] for track, ids in world.right.items()
    }


def test_an_isrc_resolves_a_song_whatever_tracks_have_it(world: World) -> None:
    known = {track: {world.isrcs[ids[0]]: None} for track, ids in world.right.items()}
    outcome = world.resolve(Known(known, name="isrc"))
    assert outcome.resolved["isrc"] >= 0.9 * len(known) and world.to_spotify == 0
    for track, result in world.results().items():
        if (result.query or "").startswith("isrc "):
            assert result.tracks[0]["spotify_track_id"] in world.right[track]


def test_a_source_that_is_down_leaves_its_songs_to_the_others_and_to_the_next_run(world: World) -> None:
    tracks_ = sorted(world.right)
    half = {track: dict.fromkeys(world.right[track][:1]) for track in tracks_[::2]}
    rest = {track: dict.fromkeys(world.right[track][:1]) for track in tracks_[1::2]}
    up, down = Known(half), Known(rest, name="listenbrainz", unreached="Labs is down")
    outcome = world.resolve(up, down)
    assert outcome.resolved == {"echonest": len(half)}
    assert set(outcome.unreached) == set(FRAME["track_id"]) - set(half)
    assert set(outcome.unreached.values()) == {"Labs is down"}
    requested = world.server.sandbox.requests["reccobeats"]
    down.unreached, up.asked, down.asked = None, [], []
    again = world.resolve(up, down)
    assert again.resolved == {"listenbrainz": len(rest)} and again.unreached == {}
    assert not set(half) & {*up.asked, *down.asked}
    assert world.server.sandbox.requests["reccobeats"] - requested <= -(-len(rest) // 40)


def test_what_spotify_did_not_know_is_looked_up_where_a_source_was_not_reached(world: World) -> None:
    down = Known({}, unreached="Labs is down")
    world.resolve(down, off=False)
    matched = {track for track, ids in world.right.items() if ids}
    before, down.unreached, down.asked = world.to_spotify, None, []
    again = world.resolve(down, off=False)
    assert down.asked and not matched & {*down.asked}
    assert (again.unreached, world.to_spotify) == ({}, before)
    down.asked = []
    world.resolve(down, off=False)
    assert down.asked == []


@pytest.mark.parametrize("answer", ["wait_a_day", "html", "502"])
def test_where_ids_cannot_be_verified_nothing_is_taken_and_nothing_lost(world: World, answer: str) -> None:
    known = {track: dict.fromkeys(ids[:1]) for track, ids in world.right.items()}
    world.server.other_faults.script.extend([ANSWERS[answer]] * 5)
    outcome = world.resolve(Known(known), off=False, retries=1)
    assert world.to_spotify > 0  # the search goes on without it
    assert outcome.unreached.keys() <= known.keys() and outcome.unreached
    world.server.other_faults.script.clear()
    world.server.clock.now += 90_000
    before = world.to_spotify
    world.resolve(Known(known), off=False)
    assert world.to_spotify == before
    results = world.results(off=False)
    assert all(results[track].status == "answered" and results[track].tracks for track in known)


def test_an_artist_of_whom_one_song_is_known_has_the_others_resolved_too(world: World) -> None:
    by_artist: dict[str, list[str]] = {}
    for track, artist in zip(FRAME["track_id"], FRAME["artist_id"], strict=True):
        if track in world.right:
            by_artist.setdefault(artist, []).append(track)
    one_each = {tracks_[0]: dict.fromkeys(world.right[tracks_[0]][:1]) for tracks_ in by_artist.values()}
    outcome = world.resolve(Known(one_each), artists=True)
    assert outcome.resolved["echonest"] == len(one_each) < len(world.right)
    assert outcome.resolved["artist"] >= 0.9 * (len(world.right) - len(one_each)) and world.to_spotify == 0
    results, right = world.results(), world.truth
    for track in world.right:
        found = [row["spotify_track_id"] for row in results[track].tracks]
        assert not found or found[0] in right[track]
    before = world.server.sandbox.requests["reccobeats"]
    world.backlog.reopen(list(FRAME["track_id"]))
    world.resolve(Known({}), artists=True)
    assert world.server.sandbox.requests["reccobeats"] == before  # what was listed is cached


def test_an_artist_of_whom_nothing_is_known_is_found_by_name(world: World) -> None:
    outcome = world.resolve(Known({}), artists=True)
    assert outcome.resolved["artist"] >= 0.9 * len(world.right) and world.to_spotify == 0


@pytest.mark.parametrize("answer", ["html", "502"])
def test_a_list_of_artists_that_is_no_answer_is_left_alone(world: World, answer: str) -> None:
    world.server.other_faults.script.extend([ANSWERS[answer]] * 2)
    outcome = world.resolve(Known({}), artists=True, retries=1)
    assert outcome.resolved.total() == 0 and outcome.unreached == {}
    assert world.server.sandbox.requests["reccobeats"] <= 2  # it is left alone for the run


def test_an_artist_not_reached_is_read_by_the_next_run(world: World) -> None:
    world.server.other_faults.script.append(ANSWERS["wait_a_day"])
    outcome = world.resolve(Known({}), artists=True)
    assert outcome.unreached.keys() == {*FRAME["track_id"]} and outcome.resolved.total() == 0
    world.server.clock.now += 90_000
    again = world.resolve(Known({}), artists=True)
    assert again.resolved["artist"] >= 0.9 * len(world.right) and again.unreached == {}


def test_musicbrainz_gives_links_and_isrcs_in_one_spelling(world: World) -> None:
    (song,) = world.backlog.next(1)
    known = {song.track_id: ["0" * 22, "us-um7-21-04140", "USUM72104140", "neither"]}
    found = Isrcs(lambda partition: known if partition == song.track_id[2:4] else {}).ids([song])
    assert list(found.by_track[song.track_id]) == ["0" * 22, "USUM72104140"]


def test_an_album_that_the_archive_names_is_recorded_for_its_release(world: World) -> None:
    by_id = dict(zip(FRAME["track_id"], FRAME["release"], strict=True))
    known = {track: {ids[0]: by_id[track]} for track, ids in world.right.items()}
    provider = Known(known)
    provider.albums = {ids[0]: f"{number:022d}" for number, ids in enumerate(world.right.values())}
    songs = {song.track_id: song for song in world.backlog.next(len(FRAME))}
    world.resolve(provider)
    with world.catalog(off=True) as catalog:
        albums = catalog.resolutions.albums({songs[track].release_key for track in known})
    for track in known:
        ids = [one.spotify_album_id for one in albums[songs[track].release_key] if one.same_name]
        assert set(ids) & set(provider.albums.values())

"""Few requests for many songs: by release, by ids that others know, in priority order."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from music_assets.matching import normalise
from music_assets.resolution import ResolutionOutcome, Resolver, SearchBacklog
from music_assets.resolution.backlog import BacklogSong, SongState
from music_assets.resolution.id_providers import KnownIds
from music_assets.resolution.steps import is_album_worth, is_listed_whole
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.spotify import (
    QuotaExhausted,
    ReleaseAlbum,
    SearchResult,
    SongQuery,
    SpotifyCatalog,
)
from music_assets.sources.spotify.client import SpotifyClient
from music_assets_tests.support.sandbox import SandboxServer, catalogue, running_server, songs_frame, truth


def albums_of(songs: int, on_one: int) -> pd.DataFrame:
    """Invented songs, `on_one` to a release, scattered over partitions."""
    frame = songs_frame(songs)
    release = pd.Series(range(songs)) // on_one
    letters = [f"{chr(65 + i % 7)}{chr(65 + i % 3)}" for i in range(songs)]
    frame["track_id"] = [f"TR{letters[i]}{i:04d}128F{i:06d}" for i in range(songs)]
    frame["song_id"] = [f"SO{i:016d}" for i in range(songs)]
    frame["artist_id"] = [f"AR{r % 7:016d}" for r in release]
    frame["artist_name"] = [songs_frame(7)["artist_name"][r % 7] for r in release]
    frame["release"] = [f"Record Number {r}" for r in release]
    frame["title"] = [title.split(" (")[0] for title in frame["title"]]
    return frame


SONGS = albums_of(96, 8)


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return SONGS


def catalog_of(server: SandboxServer, ledger: Ledger, **changed: Any) -> SpotifyCatalog:
    settings = replace(server.settings, **changed)
    return SpotifyCatalog(
        SpotifyClient(settings, ledger, clock=server.clock, sleep=server.clock.sleep), ledger
    )


def backlog_of(path: Path, frame: pd.DataFrame = SONGS) -> SearchBacklog:
    backlog = SearchBacklog(open_ledger(path / "songs.sqlite", source="sandbox"))
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    for key in sorted({row["track_id"][2:4] for row in rows}):
        backlog.put(key, "one", [row for row in rows if row["track_id"][2:4] == key])
    return backlog


def song_queries(frame: pd.DataFrame = SONGS) -> list[SongQuery]:
    return [SongQuery(row.track_id, row.title, row.artist_name) for row in frame.itertuples()]


def resolve(server: SandboxServer, ledger: Ledger, folder: Path, **how: Any) -> ResolutionOutcome:
    backlog = backlog_of(folder)
    with catalog_of(server, ledger) as catalog:
        outcome = Resolver(catalog, backlog, **how).resolve()
    return outcome


def cached(server: SandboxServer, ledger: Ledger) -> dict[str, SearchResult]:
    with catalog_of(server, ledger) as catalog:
        results = catalog.cached(song_queries())
        assert catalog.request_counts == {}
    return results


def found(results: Mapping[str, SearchResult], path: Path) -> int:
    """How many songs have one of their tracks among the candidates."""
    right = truth(path)
    return sum(bool(right[id_] & {row["spotify_track_id"] for row in a.tracks}) for id_, a in results.items())


def test_one_response_resolves_many_songs(
    server: SandboxServer, ledger: Ledger, tmp_path: Path, songs_catalogue: Path
) -> None:
    outcome = resolve(server, ledger, tmp_path)
    results = cached(server, ledger)
    assert outcome.out_of_budget is None and len(results) == len(SONGS)
    assert sum(outcome.resolved.values()) == len(SONGS)
    together = outcome.resolved["album"] + outcome.resolved["release"]
    assert together > len(SONGS) / 2
    assert sum(outcome.requests.values()) < len(SONGS) / 2
    assert outcome.requests == {k: n for k, n in server.sandbox.requests.items() if k != "token"}
    of_all = [a for a in results.values() if (a.query or "").startswith(("album ", "release "))]
    assert len(of_all) == together

    alone = open_ledger(tmp_path / "alone.sqlite", source="sandbox")
    searched = resolve(server, alone, tmp_path / "alone", by_release=False)
    assert searched.resolved.keys() <= {"search", "cached"} and sum(searched.requests.values()) >= len(SONGS)
    assert found(results, songs_catalogue) >= found(cached(server, alone), songs_catalogue)
    alone.close()


def test_resolving_again_spends_nothing_even_without_the_backlog(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    first = resolve(server, ledger, tmp_path)
    again = resolve(server, ledger, tmp_path)  # the backlog has them
    rebuilt = resolve(server, ledger, tmp_path / "rebuilt")  # the ledger has them
    assert sum(first.requests.values()) > 0 and again.requests == rebuilt.requests == {}
    assert rebuilt.resolved["cached"] == len(SONGS)


def test_songs_that_come_later_are_found_in_cached_responses(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    early = SONGS[SONGS.index % 2 == 0]
    backlog = backlog_of(tmp_path, early)
    with catalog_of(server, ledger) as catalog:
        Resolver(catalog, backlog).resolve()
        spent = sum(server.sandbox.requests.values())
        rows = SONGS.astype(object).where(SONGS.notna(), None).to_dict("records")
        for key in sorted({row["track_id"][2:4] for row in rows}):
            backlog.put(key, "two", [row for row in rows if row["track_id"][2:4] == key])
        later = Resolver(catalog, backlog).resolve()
    assert later.resolved["album"] + later.resolved["release"] > 20
    assert sum(server.sandbox.requests.values()) - spent == sum(later.requests.values()) < 28


def test_an_artist_renamed_since_is_found_by_the_songs_of_a_release_and_its_album(
    ledger: Ledger, tmp_path: Path
) -> None:
    songs = albums_of(14, 14)
    path = catalogue(tmp_path, songs)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE artists SET name = 'Tidemark'")
    with running_server(path, mode="extended") as server, catalog_of(server, ledger) as catalog:
        outcome = Resolver(catalog, backlog_of(tmp_path, songs)).resolve()
        results = catalog.cached(song_queries(songs))
    assert outcome.resolved["release"] >= 3 and outcome.resolved["album"] >= 1
    renamed = [result.renamings for result in results.values() if result.renamings]
    assert len(renamed) == outcome.resolved["release"] + outcome.resolved["album"]
    assert set(renamed) == {frozenset({(normalise(songs["artist_name"][0]), "tidemark")})}


def test_priority_songs_come_first(server: SandboxServer, ledger: Ledger, tmp_path: Path) -> None:
    wanted = [SONGS["track_id"][5], SONGS["song_id"][60]]
    backlog = backlog_of(tmp_path)
    assert backlog.prioritize([*wanted, "TR" + "X" * 16]) == 2
    first = [song.track_id for song in backlog.next(4)]
    assert set(first[:2]) == {SONGS["track_id"][5], SONGS["track_id"][60]}
    hot = SONGS.sort_values(["song_hotttnesss", "track_id"], ascending=[False, True])
    assert first[2:] == [id_ for id_ in hot["track_id"] if id_ not in first[:2]][:2]
    with catalog_of(server, ledger) as catalog:
        Resolver(catalog, backlog).resolve(most=2)
        assert set(first[:2]) <= catalog.cached(song_queries()).keys()
    again = SearchBacklog(open_ledger(tmp_path / "songs.sqlite", source="sandbox"))  # another process
    again.put("ZZ", "one", [])
    assert not {song.track_id for song in again.next(200)} & set(first[:2])


def test_a_budget_that_ends_loses_nothing_and_the_order_is_kept(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    server.faults.quota_per_day = 10
    total: dict[str, int] = {}
    for day in range(30):
        outcome = resolve(server, ledger, tmp_path / str(day % 2))  # the backlog of another day is stale
        for kind, count in outcome.requests.items():
            total[kind] = total.get(kind, 0) + count
        if outcome.out_of_budget is None:
            break
        assert outcome.out_of_budget.until.timestamp() > server.clock()
        server.clock.now = outcome.out_of_budget.until.timestamp() + 1
    assert outcome.out_of_budget is None and day > 1
    assert len(cached(server, ledger)) == len(SONGS)
    fresh = open_ledger(tmp_path / "fresh.sqlite", source="sandbox")
    server.faults.quota_per_day = None
    at_once = resolve(server, fresh, tmp_path / "fresh")
    # A refusal a day, and the threads that were under way.
    assert sum(total.values()) <= sum(at_once.requests.values()) + 9 * day
    fresh.close()


def test_a_song_that_fails_is_left_for_another_run(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    server.faults.broken_rate, server.faults.broken = 1.0, ("html",)
    backlog = backlog_of(tmp_path, SONGS[:3])
    with catalog_of(server, ledger, retries=0, threads=1) as catalog:
        outcome = Resolver(catalog, backlog, by_release=False).resolve()
        assert len(outcome.errors) == 3 and backlog.count()["failed"] == 3
        server.faults.broken_rate = 0.0
        assert Resolver(catalog, backlog).resolve().errors == {} and backlog.count()["resolved"] == 3


@pytest.mark.parametrize(
    ("same_name", "batches", "from_songs"),
    [(True, False, 3), (False, False, 5), (True, True, 1), (False, True, 1)],
)
def test_an_album_is_fetched_from_so_many_songs_on(same_name: bool, batches: bool, from_songs: int) -> None:
    """One album per request in development mode, twenty in extended access."""
    worth = [n for n in range(21) if is_album_worth(n, same_name=same_name, batches=batches)]
    assert worth == list(range(from_songs, 21))


@pytest.mark.parametrize(
    ("on_album", "on_others", "total", "whole"),
    [
        (0, 0, 8, False),  # no hit at all shows nothing
        (0, 4, 8, False),
        (5, 0, 8, False),  # fewer than a search could answer, and still not all
        (7, 3, 8, False),
        (8, 0, 8, True),
        (8, 2, 8, True),
        (1, 9, 1, True),
        (5, 0, None, False),  # an old response that does not say
        (10, 0, 0, False),
    ],
)
def test_only_the_number_of_its_tracks_shows_that_hits_hold_all_of_an_album(
    on_album: int, on_others: int, total: int | None, whole: bool
) -> None:
    hits = [{"spotify_album_id": "it", "album_total_tracks": total}] * on_album
    hits += [{"spotify_album_id": "other", "album_total_tracks": 1}] * on_others
    assert is_listed_whole("it", hits) is whole


class Known:
    """Ids for two thirds of the songs, some of them wrong."""

    name = "echonest"

    def __init__(self, path: Path) -> None:
        right = truth(path)
        others = sorted(right)
        self._ids = {
            id_: sorted(right[others[(n + 1) % len(others)] if n % 10 == 9 else id_])[:1]
            for n, id_ in enumerate(others)
            if n % 3 and right[id_]
        }

    def ids(self, songs: Sequence[BacklogSong]) -> KnownIds:
        known = {song.track_id: self._ids[song.track_id] for song in songs if song.track_id in self._ids}
        return KnownIds({track_id: dict.fromkeys(ids) for track_id, ids in known.items()})


def test_provided_ids_are_verified_fifty_at_a_time_and_wrong_ones_dropped(
    ledger: Ledger, tmp_path: Path, songs_catalogue: Path
) -> None:
    with running_server(songs_catalogue, mode="extended") as server:
        outcome = resolve(server, ledger, tmp_path, providers=[Known(songs_catalogue)])
        results = cached(server, ledger)
    assert len(results) == len(SONGS) and outcome.resolved["echonest"] > 40
    assert sum(outcome.requests.values()) < 0.3 * len(SONGS)
    right = truth(songs_catalogue)
    by_id = {id_: a for id_, a in results.items() if (a.query or "").startswith("echonest ")}
    wrong = [id_ for id_, a in by_id.items() if a.tracks[0]["spotify_track_id"] not in right[id_]]
    assert len(by_id) == outcome.resolved["echonest"] and len(wrong) <= 1


def test_single_verifications_are_no_better_than_a_search(
    server: SandboxServer, ledger: Ledger, tmp_path: Path, songs_catalogue: Path
) -> None:
    outcome = resolve(server, ledger, tmp_path, providers=[Known(songs_catalogue)])
    assert outcome.resolved["echonest"] == 0 and "tracks" not in outcome.requests


def test_a_song_renamed_in_its_file_is_open_again(tmp_path: Path) -> None:
    backlog = backlog_of(tmp_path, SONGS[:14])
    backlog.mark(SONGS["track_id"][:14], SongState.RESOLVED)
    rows = SONGS[:14].astype(object).where(SONGS[:14].notna(), None).to_dict("records")
    mine = [row for row in rows if row["track_id"][2:4] == "AA"]
    fresh = backlog.put("AA", "two", [{**mine[0], "title": "Another"}, *mine[1:]])
    assert [song.title for song in fresh] == ["Another"] == [song.title for song in backlog.next(9)]
    assert backlog.has("AA", "two") and not backlog.has("AA", "one")


def test_known_albums_go_on_where_searches_are_used_up(
    server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    """Even for one song: else an album is worth it for more."""
    right = truth(songs_catalogue)
    there = [id_ for id_ in SONGS["track_id"][:8] if right[id_]][:2]
    frame = SONGS[SONGS["track_id"].isin(there)]
    backlog = SearchBacklog(ledger)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    for key in {row["track_id"][2:4] for row in rows}:
        backlog.put(key, "one", [row for row in rows if row["track_id"][2:4] == key])
    tracks = {track for id_ in frame["track_id"] for track in right[id_]}
    (key,) = {song.release_key for song in backlog.next(99)}
    with catalog_of(server, ledger) as catalog:
        rows = catalog.tracks(tracks).rows
        album = next(r["spotify_album_id"] for r in rows if r["album_name"] == "Record Number 0")
        catalog.resolutions.record_albums({key: [ReleaseAlbum(album, False)]})
        until = datetime.fromtimestamp(server.clock() + 3600, UTC)
        catalog.budget.pause("search", QuotaExhausted(until))
        outcome = Resolver(catalog, backlog).resolve()
        assert outcome.requests == {"albums": 1} and outcome.resolved["album"] > 0
        assert outcome.out_of_budget is not None and outcome.out_of_budget.until == until
        assert Resolver(catalog, backlog).resolve().requests == {}  # it is known


def test_a_miss_is_searched_for_again_after_all_others(
    server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    missing = next(id_ for id_, ids in truth(songs_catalogue).items() if not ids)
    frame = SONGS[SONGS["track_id"] == missing]
    backlog = SearchBacklog(ledger)
    backlog.put(missing[2:4], "one", frame.astype(object).where(frame.notna(), None).to_dict("records"))
    with catalog_of(server, ledger) as catalog:
        first = Resolver(catalog, backlog).resolve()
        assert first.requests["search"] >= 1 and backlog.reopened(missing[2:4]) == ""
        server.clock.now += 89 * 86400
        assert Resolver(catalog, backlog).resolve().requests == {}
        server.clock.now += 2 * 86400
        again = Resolver(catalog, backlog).resolve()
        assert again.requests["search"] >= first.requests["search"] and backlog.reopened(missing[2:4]) != ""
        assert Resolver(catalog, backlog).resolve().requests == {}

"""Few questions for many songs: by release, by ids from elsewhere, in the order they are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from music_assets.resolution import ResolutionOutcome, Resolver, SearchBacklog
from music_assets.resolution.backlog import BacklogSong, SongState
from music_assets.sources.spotify import Ledger, SearchResult, SongQuery, SpotifyCatalog, open_ledger
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
def songs_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("catalogue"), SONGS)


@pytest.fixture
def server(songs_catalogue: Path) -> Iterator[SandboxServer]:
    with running_server(songs_catalogue) as listening:
        yield listening


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    kept = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
    yield kept
    kept.close()


def spotify_of(server: SandboxServer, ledger: Ledger, **changed: Any) -> SpotifyCatalog:
    settings = replace(server.settings, **changed)
    return SpotifyCatalog(
        SpotifyClient(settings, ledger, clock=server.clock, sleep=server.clock.sleep), ledger
    )


def indexed(path: Path, frame: pd.DataFrame = SONGS) -> SearchBacklog:
    index = SearchBacklog(path / "songs.sqlite")
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    for key in sorted({row["track_id"][2:4] for row in rows}):
        index.put(key, "one", [row for row in rows if row["track_id"][2:4] == key])
    return index


def song_queries(frame: pd.DataFrame = SONGS) -> list[SongQuery]:
    return [
        SongQuery(row.track_id, row.title, row.artist_name, row.release, row.duration)
        for row in frame.itertuples()
    ]


def ask(server: SandboxServer, ledger: Ledger, folder: Path, **how: Any) -> ResolutionOutcome:
    index = indexed(folder)
    with spotify_of(server, ledger) as spotify:
        outcome = Resolver(spotify, index, **how).resolve()
    index.close()
    return outcome


def kept(server: SandboxServer, ledger: Ledger) -> dict[str, SearchResult]:
    with spotify_of(server, ledger) as spotify:
        answers = spotify.cached(song_queries())
        assert spotify.request_counts == {}
    return answers


def found(answers: Mapping[str, SearchResult], path: Path) -> int:
    """How many songs have one of their tracks among the candidates."""
    right = truth(path)
    return sum(bool(right[id_] & {row["spotify_track_id"] for row in a.tracks}) for id_, a in answers.items())


def test_one_answer_settles_many_songs(
    server: SandboxServer, ledger: Ledger, tmp_path: Path, songs_catalogue: Path
) -> None:
    outcome = ask(server, ledger, tmp_path)
    answers = kept(server, ledger)
    assert outcome.out_of_budget is None and len(answers) == len(SONGS)
    assert sum(outcome.resolved.values()) == len(SONGS)
    together = outcome.resolved["album"] + outcome.resolved["release"]
    assert together > len(SONGS) / 2
    assert sum(outcome.requests.values()) < len(SONGS) / 2
    assert outcome.requests == {k: n for k, n in server.sandbox.requests.items() if k != "token"}
    of_all = [a for a in answers.values() if (a.query or "").startswith(("album ", "release "))]
    assert len(of_all) == together

    alone = open_ledger(tmp_path / "alone.sqlite", source="sandbox")
    searched = ask(server, alone, tmp_path / "alone", by_release=False)
    assert searched.resolved.keys() <= {"search", "kept"} and sum(searched.requests.values()) >= len(SONGS)
    assert found(answers, songs_catalogue) >= found(kept(server, alone), songs_catalogue)
    alone.close()


def test_asking_again_spends_nothing_even_without_the_index(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    first = ask(server, ledger, tmp_path)
    again = ask(server, ledger, tmp_path)  # the index knows
    anew = ask(server, ledger, tmp_path / "anew")  # the ledger knows
    assert sum(first.requests.values()) > 0 and again.requests == anew.requests == {}
    assert anew.resolved["kept"] == len(SONGS)


def test_songs_that_come_later_are_found_in_answers_that_are_kept(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    early = SONGS[SONGS.index % 2 == 0]
    index = indexed(tmp_path, early)
    with spotify_of(server, ledger) as spotify:
        Resolver(spotify, index).resolve()
        spent = sum(server.sandbox.requests.values())
        rows = SONGS.astype(object).where(SONGS.notna(), None).to_dict("records")
        for key in sorted({row["track_id"][2:4] for row in rows}):
            index.put(key, "two", [row for row in rows if row["track_id"][2:4] == key])
        later = Resolver(spotify, index).resolve()
    assert later.resolved["album"] + later.resolved["release"] > 20
    assert sum(server.sandbox.requests.values()) - spent == sum(later.requests.values()) < 28
    index.close()


def test_who_is_wanted_most_is_asked_about_first(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    wanted = [SONGS["track_id"][5], SONGS["song_id"][60]]
    index = indexed(tmp_path)
    assert index.prioritize([*wanted, "TR" + "X" * 16]) == 2
    first = [song.track_id for song in index.next(4)]
    assert set(first[:2]) == {SONGS["track_id"][5], SONGS["track_id"][60]}
    hot = SONGS.sort_values(["song_hotttnesss", "track_id"], ascending=[False, True])
    assert first[2:] == [id_ for id_ in hot["track_id"] if id_ not in first[:2]][:2]
    with spotify_of(server, ledger) as spotify:
        Resolver(spotify, index).resolve(most=2)
        assert set(first[:2]) <= spotify.cached(song_queries()).keys()
    index.close()
    again = SearchBacklog(tmp_path / "songs.sqlite")  # another process
    again.put("ZZ", "one", [])
    assert not {song.track_id for song in again.next(200)} & set(first[:2])
    again.close()


def test_a_budget_that_ends_loses_nothing_and_the_order_is_kept(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    server.faults.quota_per_day = 10
    total: dict[str, int] = {}
    for day in range(30):
        outcome = ask(server, ledger, tmp_path / str(day % 2))  # the index of another day is stale
        for kind, count in outcome.requests.items():
            total[kind] = total.get(kind, 0) + count
        if outcome.out_of_budget is None:
            break
        assert outcome.out_of_budget.until.timestamp() > server.clock()
        server.clock.now = outcome.out_of_budget.until.timestamp() + 1
    assert outcome.out_of_budget is None and day > 1
    assert len(kept(server, ledger)) == len(SONGS)
    fresh = open_ledger(tmp_path / "fresh.sqlite", source="sandbox")
    server.faults.quota_per_day = None
    at_once = ask(server, fresh, tmp_path / "fresh")
    # A refusal a day, and the threads that were under way.
    assert sum(total.values()) <= sum(at_once.requests.values()) + 9 * day
    fresh.close()


def test_a_question_that_fails_is_left_for_another_day(
    server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    server.faults.broken_rate, server.faults.broken = 1.0, ("html",)
    index = indexed(tmp_path, SONGS[:3])
    with spotify_of(server, ledger, retries=0, threads=1) as spotify:
        outcome = Resolver(spotify, index, by_release=False).resolve()
        assert len(outcome.errors) == 3 and index.count()["failed"] == 3
        server.faults.broken_rate = 0.0
        assert Resolver(spotify, index).resolve().errors == {} and index.count()["resolved"] == 3
    index.close()


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

    def ids(self, songs: Sequence[BacklogSong]) -> Mapping[str, Sequence[str]]:
        return {song.track_id: self._ids[song.track_id] for song in songs if song.track_id in self._ids}


def test_ids_from_elsewhere_are_verified_fifty_at_a_time_and_wrong_ones_dropped(
    ledger: Ledger, tmp_path: Path, songs_catalogue: Path
) -> None:
    with running_server(songs_catalogue, mode="extended") as server:
        outcome = ask(server, ledger, tmp_path, providers=[Known(songs_catalogue)])
        answers = kept(server, ledger)
    assert len(answers) == len(SONGS) and outcome.resolved["echonest"] > 40
    assert sum(outcome.requests.values()) < 0.3 * len(SONGS)
    right = truth(songs_catalogue)
    by_id = {id_: a for id_, a in answers.items() if (a.query or "").startswith("echonest ")}
    wrong = [id_ for id_, a in by_id.items() if a.tracks[0]["spotify_track_id"] not in right[id_]]
    assert len(by_id) == outcome.resolved["echonest"] and len(wrong) <= 1


def test_single_verifications_are_no_better_than_a_search(
    server: SandboxServer, ledger: Ledger, tmp_path: Path, songs_catalogue: Path
) -> None:
    outcome = ask(server, ledger, tmp_path, providers=[Known(songs_catalogue)])
    assert outcome.resolved["echonest"] == 0 and "tracks" not in outcome.requests


def test_a_song_renamed_in_its_file_is_open_again(tmp_path: Path) -> None:
    index = indexed(tmp_path, SONGS[:14])
    index.mark(SONGS["track_id"][:14], SongState.RESOLVED)
    rows = SONGS[:14].astype(object).where(SONGS[:14].notna(), None).to_dict("records")
    mine = [row for row in rows if row["track_id"][2:4] == "AA"]
    fresh = index.put("AA", "two", [{**mine[0], "title": "Another"}, *mine[1:]])
    assert [song.title for song in fresh] == ["Another"] == [song.title for song in index.next(9)]
    assert index.has("AA", "two") and not index.has("AA", "one")
    index.close()

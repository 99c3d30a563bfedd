"""What the pipeline looks up: from the ledger first, in order, never twice, and to the end of the budget."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from music_assets.sources.ledger import Key, Ledger, LedgerInUse, Response, open_ledger
from music_assets.sources.ledger.schema import HOLDER, REQUESTS
from music_assets.sources.spotify import (
    BadCredentials,
    SearchResult,
    SongQuery,
    SpotifyCatalog,
    SpotifySettings,
)
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.errors import ParameterRefused
from music_assets.sources.spotify.queries import queries_for
from music_assets.tables import STAGED, STAGED_BY_DAY, row_columns
from music_assets_tests.sources.spotify.conftest import SONGS
from music_assets_tests.support.faults import BROKEN, Raw, error
from music_assets_tests.support.sandbox import SandboxServer, running_server, song_queries, truth

QUERIES = song_queries(SONGS)
DAY = {"retry-after": "86207"}


def spotify_of(server: SandboxServer, ledger: Ledger, **changed: object) -> SpotifyCatalog:
    settings = SpotifySettings(**{**vars(server.settings), **changed})
    return SpotifyCatalog(
        SpotifyClient(settings, ledger, clock=server.clock, sleep=server.clock.sleep), ledger
    )


def search(server: SandboxServer, ledger: Ledger, songs: list[SongQuery] = QUERIES) -> list[SearchResult]:
    with spotify_of(server, ledger) as spotify:
        return list(spotify.search_songs(songs))


def searches(server: SandboxServer) -> int:
    """How many searches the server has met."""
    return int(server.sandbox.requests["search"])


def statuses(answers: list[SearchResult]) -> dict[str, int]:
    return {
        status: sum(a.status == status for a in answers) for status in sorted({a.status for a in answers})
    }


def test_every_song_is_answered_in_the_given_order(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    answers = search(spotify_server, ledger)
    assert [answer.track_id for answer in answers] == [song.track_id for song in QUERIES]
    assert statuses(answers) == {"answered": len(QUERIES)}
    right = truth(songs_catalogue)
    there = [answer for answer in answers if right[answer.track_id]]
    found = [a for a in there if right[a.track_id] & {row["spotify_track_id"] for row in a.tracks}]
    assert len(there) > 50 and len(found) / len(there) > 0.95


def test_the_tracks_of_an_answer_are_rows_of_the_table(spotify_server: SandboxServer, ledger: Ledger) -> None:
    answer = next(a for a in search(spotify_server, ledger) if a.tracks)
    assert sorted(answer.tracks[0]) == sorted(row_columns(STAGED["spotify_tracks"]))
    assert {row["source"] for row in answer.tracks} == {"sandbox"} == {answer.source}
    assert {row["fetched_at"] for row in answer.tracks} == {answer.fetched_at}
    assert answer.query in {queries_for(song.title, song.artist_name)[0] for song in QUERIES}


def test_what_was_searched_once_costs_no_request_again(spotify_server: SandboxServer, ledger: Ledger) -> None:
    first = search(spotify_server, ledger)
    spent = dict(spotify_server.sandbox.requests)
    with spotify_of(spotify_server, ledger) as spotify:
        again = list(spotify.search_songs(QUERIES))
        assert spotify.request_counts == {} and spotify.cache_hits == {"search": len(QUERIES)}
    assert spotify_server.sandbox.requests == spent
    assert [(a.tracks, a.query, a.fetched_at) for a in again] == [
        (a.tracks, a.query, a.fetched_at) for a in first
    ]


def test_another_wording_of_the_same_song_is_not_searched(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    search(spotify_server, ledger, QUERIES[:1])
    renamed = SongQuery(QUERIES[0].track_id, "Another Title", "Another Artist")
    spent = searches(spotify_server)
    assert search(spotify_server, ledger, [renamed])[0].status == "answered"
    assert searches(spotify_server) == spent


def test_a_song_without_a_hit_takes_one_search(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    right = truth(songs_catalogue)
    search(spotify_server, ledger, [next(song for song in QUERIES if right[song.track_id])])
    assert searches(spotify_server) == 1
    unknown = SongQuery("TRNOWHERE", "No Such Song", "Nobody At All")
    (miss,) = search(spotify_server, ledger, [unknown])
    assert (miss.status, miss.tracks, miss.query) == ("answered", [], "No Such Song Nobody At All")
    assert searches(spotify_server) == 1 + 1
    assert search(spotify_server, ledger, [unknown]) == [miss] and searches(spotify_server) == 1 + 1


def test_hits_that_are_not_the_song_do_not_end_its_queries(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    """Spotify answers with other songs where it has none, or lists the song behind ten of them."""
    right = truth(songs_catalogue)
    one, other = [song for song in QUERIES if right[song.track_id] and song.artist_name == "Ozone Choir"][:2]

    def result(of: SongQuery, enough: int) -> SearchResult:
        def is_enough(track_id: str, rows: list[Any], tried: int) -> bool:
            assert track_id == of.track_id
            return tried == enough

        with spotify_of(spotify_server, ledger) as spotify:
            (found,) = spotify.search_songs([of], is_enough=is_enough)
        return found

    hit = result(one, 2)
    ids = [row["spotify_track_id"] for row in hit.tracks]
    assert searches(spotify_server) == 2 and len(ids) == len(set(ids))  # the hits of both
    assert hit.query == " | ".join(queries_for(one.title, one.artist_name)[:2])
    assert result(one, 3) == hit and searches(spotify_server) == 2

    spotify_server.faults.quota_per_day = 2
    assert result(other, 4).status == "pending" and searches(spotify_server) == 2 + 3  # the last was refused
    spotify_server.faults.quota_per_day = None
    spotify_server.clock.now += 2 * 86_400
    with spotify_of(spotify_server, ledger) as spotify:
        assert spotify.cached([other]) == {}
    assert result(other, 4).status == "answered" and searches(spotify_server) == 6  # the query that was left


@pytest.mark.parametrize("tried", [1, 2, 3])
def test_a_miss_of_an_earlier_version_is_one(
    spotify_server: SandboxServer, ledger: Ledger, tried: int
) -> None:
    """A setting used to say how many variants were tried: one to three."""
    unknown, at = SongQuery("TRNOWHERE", "No Such Song", "Nobody At All"), datetime(2026, 11, 1, tzinfo=UTC)
    nothing, key = {"tracks": {"items": []}}, Key("track", "TRNOWHERE", "search")
    ledger.put_many([Response(key, "not_found", "a query", at, "development", nothing, tried)])
    assert search(spotify_server, ledger, [unknown])[0].status == "answered"
    assert searches(spotify_server) == 0


def test_when_the_budget_ends_the_rest_is_pending_and_searched_another_day(
    spotify_server: SandboxServer, ledger: Ledger, tmp_path: Path
) -> None:
    spotify_server.faults.quota_per_day = 25
    first = search(spotify_server, ledger)
    done = statuses(first)
    assert 0 < done["answered"] <= 25 and sum(done.values()) == len(QUERIES)
    waiting = [answer for answer in first if answer.status == "pending"]
    tomorrow = datetime.fromtimestamp(spotify_server.clock() + 86400 + 1800, UTC)  # half an hour on top
    assert {answer.until for answer in waiting} == {tomorrow}
    assert all("quota" in (answer.reason or "") and answer.query is None for answer in waiting)

    spotify_server.clock.now += 86400 + 1800
    spotify_server.faults.quota_per_day = None
    second = search(spotify_server, ledger)
    assert statuses(second) == {"answered": len(QUERIES)}
    # Refusals apart (one, and as many as threads were under way), no request was wasted over both days.
    spent = searches(spotify_server)
    fresh = open_ledger(tmp_path / "fresh.sqlite", source="sandbox")
    search(spotify_server, fresh)
    fresh.close()
    assert spent <= searches(spotify_server) - spent + 1 + 8


def test_a_long_rate_limit_ends_the_budget_too(spotify_server: SandboxServer, ledger: Ledger) -> None:
    spotify_server.faults.script.extend([Raw(429, b"", DAY)] * 8)
    answers = search(spotify_server, ledger)
    assert statuses(answers) == {"pending": len(QUERIES)}
    assert spotify_server.sandbox.requests["search"] <= 8


def test_a_bad_response_fails_one_song_alone_and_is_retried_next_time(
    songs_catalogue: Path, ledger: Ledger
) -> None:
    with running_server(songs_catalogue, threads=1, retries=1) as server:
        server.faults.script.extend([BROKEN["html"]] * 2)
        first = search(server, ledger)
        assert [answer.status for answer in first] == ["error"] + ["answered"] * 59
        assert "not a JSON object" in (first[0].reason or "")
        assert search(server, ledger)[0].status == "answered"


NAMELESS = [
    {"id": "a" * 22, "name": ""},
    {"id": "b" * 22, "name": None},
    {"id": "../../x", "name": "x"},
    None,
]
NO_ANSWERS = {
    "nothing": {},
    "null": {"tracks": None},
    "no list": {"tracks": {"items": {}}},
    "an error": {"error": {"status": 500, "message": "Server error."}},
    "a total without hits": {"tracks": {"items": [], "total": 734}},
    "hits without a total": {"tracks": {"items": [{"id": "a" * 22, "name": "x"}], "total": 0}},
    "nameless hits": {"tracks": {"items": NAMELESS, "total": 4}},
}


def json_of(body: object) -> Raw:
    return Raw(200, json.dumps(body).encode(), {"content-type": "application/json"})


@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_an_object_that_is_no_answer_is_retried_and_never_believed(
    songs_catalogue: Path, ledger: Ledger, kind: str
) -> None:
    with running_server(songs_catalogue, threads=1) as server:
        server.faults.script.append(json_of(NO_ANSWERS[kind]))
        assert search(server, ledger, QUERIES[:1])[0].status == "answered"
        server.faults.script.extend([json_of(NO_ANSWERS[kind])] * 5)
        answer = search(server, ledger, QUERIES[1:2])[0]
        assert answer.status == "error" and "Spotify answered search with" in (answer.reason or "")
        assert ledger.count_states()["broken"] == 1
        with spotify_of(server, ledger) as spotify:
            assert spotify.cached(QUERIES[1:2], final=True) == {}
        assert search(server, ledger, QUERIES[1:2])[0].status == "answered"  # the next run
        assert "broken" not in ledger.count_states()


def test_what_stays_broken_is_requested_in_three_runs_and_then_once_a_day(
    songs_catalogue: Path, ledger: Ledger
) -> None:
    with running_server(songs_catalogue, threads=1, retries=0) as server:
        server.faults.script.extend([json_of({})] * 9)
        for sent in (1, 2, 3, 3, 3):
            assert search(server, ledger, QUERIES[:1])[0].status == "error" and searches(server) == sent
        server.clock.now += 86400
        assert search(server, ledger, QUERIES[:1])[0].status == "error" and searches(server) == 4
        server.faults.script.clear()
        ledger.retry(["broken"])
        assert search(server, ledger, QUERIES[:1])[0].status == "answered" and searches(server) > 4


def test_hits_that_name_nothing_are_no_candidates_and_are_counted(
    songs_catalogue: Path, ledger: Ledger
) -> None:
    good = {"id": "c" * 22, "name": "A Song", "type": "track", "artists": [{"id": "x", "name": "A Band"}]}
    with running_server(songs_catalogue, threads=1) as server, spotify_of(server, ledger) as spotify:
        server.faults.script.append(json_of({"tracks": {"items": [*NAMELESS, good], "total": 5}}))
        (answer,) = spotify.search_songs(QUERIES[:1])
        assert [row["spotify_track_id"] for row in answer.tracks] == ["c" * 22]
        assert answer.tracks[0]["spotify_artist_id"] is None  # `x` is no id
        assert spotify.response_counts == {"answered": 1, "hit without a name": 4}
    assert (ledger.get_state("spotify/responses") or {})["counts"]["hit without a name"] == 4


def test_a_search_that_answers_404_leaves_the_song_pending(songs_catalogue: Path, ledger: Ledger) -> None:
    with running_server(songs_catalogue, threads=1) as server:
        server.faults.script.extend([error(404, "Not found.")] * 5)
        first = search(server, ledger, QUERIES[:2])
        assert [answer.status for answer in first] == ["pending", "answered"]
        assert ledger.count() == {"search": 1}
        assert search(server, ledger, QUERIES[:1])[0].status == "answered"


def test_a_miss_is_searched_for_again_after_the_days_of_the_setting(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    unknown = SongQuery("TRNOWHERE", "No Such Song", "Nobody At All")
    for days, sent in ((0, 1), (89, 1), (1, 2), (89, 2), (1, 3)):
        spotify_server.clock.now += days * 86400
        with spotify_of(spotify_server, ledger) as spotify:
            if ledger.count():
                assert spotify.due_misses() == ([] if sent == searches(spotify_server) else ["TRNOWHERE"])
                assert spotify.cached([unknown])["TRNOWHERE"].status == "answered"  # until it is found
            assert next(iter(spotify.search_songs([unknown]))).status == "answered"
        assert searches(spotify_server) == sent
    key = Key("track", "TRNOWHERE", "search")
    assert ledger.get_many([key])[key].checks == 3


def test_an_id_that_was_not_found_is_looked_at_another_day(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    for days, sent in ((0, 1), (0.9, 1), (0.2, 2), (2, 2), (88, 3)):
        spotify_server.clock.now += days * 86400
        with spotify_of(spotify_server, ledger) as spotify:
            assert spotify.tracks(["0" * 22]).not_found == ["0" * 22]
        assert spotify_server.sandbox.requests["tracks"] == sent


ID = "a" * 22
NO_OBJECTS = {
    "nothing": {},
    "an error": {"error": {"status": 404, "message": "Resource not found"}},
    "another type": {"id": ID, "type": "episode", "name": "x"},
    "another id": {"id": "b" * 22, "type": "track", "name": "x"},
    "no id": {"type": "track", "name": "x"},
    "a malformed id": {"type": "track", "id": "../../x", "name": "x"},
}
NO_ALBUMS = {
    "null": {"id": ID, "type": "album", "tracks": None},
    "no list": {"id": ID, "type": "album", "tracks": {"total": 3}},
    "a total without tracks": {"id": ID, "type": "album", "tracks": {"items": [], "total": 3}},
    "an album without its tracks": {"id": ID, "type": "album", "total_tracks": 3, "tracks": {"items": []}},
}


@pytest.mark.parametrize("kind", [*NO_OBJECTS, *NO_ALBUMS])
def test_an_object_by_id_that_is_another_is_never_believed(
    spotify_server: SandboxServer, ledger: Ledger, kind: str
) -> None:
    body = {**NO_OBJECTS, **NO_ALBUMS}[kind]
    spotify_server.faults.script.extend([json_of(body)] * 5)
    with spotify_of(spotify_server, ledger) as spotify:
        found = spotify.tracks([ID]) if kind in NO_OBJECTS else spotify.albums([ID])[1]
        assert (found.failed, found.not_found, found.rows) == ([ID], [], []) and found.reason
    assert ledger.count_states() == {"broken": 1}


def test_what_an_earlier_version_took_for_an_answer_is_requested_again(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    id_ = sorted(set().union(*truth(songs_catalogue).values()))[0]
    at = datetime(2026, 11, 1, tzinfo=UTC)
    ledger.put_many([Response(Key("spotify_track", id_, "track"), "answered", id_, at, "development", {})])
    with spotify_of(spotify_server, ledger) as spotify:
        assert [row["spotify_track_id"] for row in spotify.tracks([id_]).rows] == [id_]


def test_what_is_broken_now_is_given_as_it_was(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    id_ = sorted(set().union(*truth(songs_catalogue).values()))[0]
    with spotify_of(spotify_server, ledger) as spotify:
        (before,) = spotify.tracks([id_]).rows
    spotify_server.clock.now += 86400
    spotify_server.faults.script.extend([json_of({})] * 5)
    with spotify_of(spotify_server, ledger) as spotify:
        found = spotify.tracks([id_], newer_than=datetime.fromtimestamp(spotify_server.clock(), UTC))
        assert (found.rows, found.failed) == ([before], [id_])
        assert spotify.tracks([id_]).rows == [before]


def test_a_market_is_sent_and_cached_apart(spotify_server: SandboxServer, ledger: Ledger) -> None:
    first = search(spotify_server, ledger, QUERIES[:3])
    hit = next(answer for answer in first if answer.tracks).tracks[0]
    spent = searches(spotify_server)
    with spotify_of(spotify_server, ledger, market="DE") as spotify:
        assert spotify.cached(QUERIES[:3]) == {}
        assert len(list(spotify.search_songs(QUERIES[:3]))) == 3 and searches(spotify_server) == 2 * spent
        assert len(list(spotify.search_songs(QUERIES[:3]))) == 3 and searches(spotify_server) == 2 * spent
        found = spotify.tracks([hit["spotify_track_id"]])
        assert [row["spotify_track_id"] for row in found.rows] == [hit["spotify_track_id"]]
    assert set(ledger.count()) == {"search", "search DE", "track DE"}
    assert search(spotify_server, ledger, QUERIES[:3]) == first


def test_a_refused_search_is_cached_and_retried_only_with_another_query(
    songs_catalogue: Path, ledger: Ledger
) -> None:
    with running_server(songs_catalogue, threads=1) as server:
        server.faults.script.append(error(400, "Invalid query"))
        assert search(server, ledger, QUERIES[:1])[0].status == "error"
        again = search(server, ledger, QUERIES[:1])[0]
        assert again.status == "error" and "Invalid query" in (again.reason or "")
        assert searches(server) == 1
        reworded = SongQuery(QUERIES[0].track_id, "Other Words", QUERIES[0].artist_name)
        assert search(server, ledger, [reworded])[0].status == "answered"


@pytest.mark.parametrize("nothing", ["", "!!!", None, math.nan])
def test_a_song_without_a_word_is_an_error_and_costs_nothing(
    spotify_server: SandboxServer, ledger: Ledger, nothing: str
) -> None:
    answers = search(spotify_server, ledger, [SongQuery("TRX", nothing, nothing), QUERIES[0]])
    assert [answer.status for answer in answers] == ["error", "answered"]
    assert "neither title nor artist" in (answers[0].reason or "")
    assert ledger.count() == {"search": 1}


def test_a_refused_song_that_has_no_word_any_more_stays_refused(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    key, at = Key("track", "TRX", "search"), datetime(2026, 11, 1, tzinfo=UTC)
    ledger.put_many([Response(key, "refused", "a query", at, "development", {"reason": "Invalid query"})])
    (result,) = search(spotify_server, ledger, [SongQuery("TRX", "", "")])
    assert (result.status, result.reason) == ("error", "Invalid query")


def test_wrong_credentials_stop_everything(spotify_server: SandboxServer, ledger: Ledger) -> None:
    with (
        spotify_of(spotify_server, ledger, client_secret="wrong") as spotify,
        pytest.raises(BadCredentials),
    ):
        list(spotify.search_songs(QUERIES))
    assert ledger.count() == {}


def test_responses_are_cached_as_they_arrive_not_at_the_end(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    with spotify_of(spotify_server, ledger, threads=2) as spotify:
        results = spotify.search_songs(QUERIES)
        for answer in itertools.islice(results, 10):
            assert ledger.get_many([Key("track", answer.track_id, "search")])
        results.close()  # the rest is not searched then
    assert 10 <= ledger.count()["search"] < len(QUERIES)


def test_many_faults_lose_no_response(spotify_server: SandboxServer, ledger: Ledger) -> None:
    spotify_server.faults.broken_rate = 0.3
    spotify_server.faults.rate_per_30s = 40
    answers = search(spotify_server, ledger)
    spotify_server.faults.broken_rate = 0.0
    answers = [a for a in answers if a.status == "answered"]
    assert len(answers) > 40
    calm = search(spotify_server, ledger)
    assert {a.track_id: a.tracks for a in answers}.items() <= {a.track_id: a.tracks for a in calm}.items()


# -- one spender


def test_a_second_process_sends_no_request_but_reads_the_ledger(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    with (
        spotify_of(spotify_server, ledger) as first,
        spotify_of(spotify_server, ledger, lock_wait=0.05) as second,
    ):
        assert len(list(first.search_songs(QUERIES[:5]))) == 5
        assert len(list(second.search_songs(QUERIES[:5]))) == 5
        with pytest.raises(LedgerInUse):
            list(second.search_songs(QUERIES[:6]))
        first.close()
        assert len(list(second.search_songs(QUERIES[:6]))) == 6


# -- artists


def named(names: dict[str, str]) -> dict[str, dict[str, Any]]:
    """As the tracks name artists."""
    about = {"source": "sandbox", "fetched_at": datetime(2026, 11, 1, tzinfo=UTC)}
    return {id_: {"name": name, **about} for id_, name in names.items()}


def ids_and_names(answers: list[SearchResult]) -> dict[str, str]:
    return {row["spotify_artist_id"]: row["artist_name"] for answer in answers for row in answer.tracks}


def test_in_development_mode_artists_are_named_without_a_request(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    names = ids_and_names(search(spotify_server, ledger))
    with spotify_of(spotify_server, ledger) as spotify:
        found = spotify.artists([*names, "f" * 22], named=named(names))
        assert spotify.request_counts == {}
    assert {row["spotify_artist_id"]: row["name"] for row in found.rows} == names
    assert {(row["popularity"], row["followers"]) for row in found.rows} == {(None, None)}
    assert {row["fetched_at"] for row in found.rows} == {datetime(2026, 11, 1, tzinfo=UTC)}
    assert not found.pending and not found.denied


def test_extended_access_requests_artists_in_batches_and_once(
    extended_server: SandboxServer, ledger: Ledger
) -> None:
    ids = [*ids_and_names(search(extended_server, ledger)), "f" * 22]
    many = ids * 3 + [f"{i:022d}" for i in range(60)]
    with spotify_of(extended_server, ledger) as spotify:
        found = spotify.artists(many)
        again = spotify.artists(many)
        assert spotify.request_counts["artist-batches"] == math.ceil((len(ids) + 60) / 50)
        assert spotify.cache_hits == {"artist": len(ids) + 60}
    assert [row["spotify_artist_id"] for row in found.rows] == ids[:-1]
    assert sorted(found.rows[0]) == sorted(row_columns(STAGED["spotify_artists"]))
    assert found.rows[0]["followers"] > 0 and found.rows == again.rows
    assert len(found.not_found) == 61 and found.not_found == again.not_found


def test_artists_left_when_the_budget_ends_are_pending_with_the_name_they_have(
    extended_server: SandboxServer, ledger: Ledger
) -> None:
    names = ids_and_names(search(extended_server, ledger))
    extended_server.faults.script.append(Raw(429, b"", DAY))
    with spotify_of(extended_server, ledger) as spotify:
        found = spotify.artists(names, named=named(names))
    assert found.pending == list(names) and found.until and found.reason
    assert [row["name"] for row in found.rows] == list(names.values())


def test_an_app_that_is_not_extended_after_all_is_denied(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    with spotify_of(spotify_server, ledger, mode="extended") as spotify:
        found = spotify.artists(["a" * 22], named=named({"a" * 22: "Ana"}))
    assert found.denied and [row["name"] for row in found.rows] == ["Ana"] and "403" in (found.reason or "")


# -- audio features


def test_audio_features_come_in_batches_and_are_cached_by_track(
    extended_server: SandboxServer, ledger: Ledger
) -> None:
    answers = search(extended_server, ledger)
    ids = list(dict.fromkeys(row["spotify_track_id"] for answer in answers for row in answer.tracks))
    unknown = "0" * 22
    with spotify_of(extended_server, ledger) as spotify:
        found = spotify.audio_features([*ids[:120], unknown, *ids[120:]])
        assert spotify.request_counts["audio-features"] == math.ceil((len(ids) + 1) / 100)
        again = spotify.audio_features([unknown, ids[0]])
        assert spotify.cache_hits == {"audio_features": 2}
    assert [row["spotify_track_id"] for row in found.rows] == ids and found.not_found == [unknown]
    assert sorted(found.rows[0]) == sorted(row_columns(STAGED["audio_features"]))
    assert all(0 <= row["energy"] <= 1 and row["source"] == "sandbox" for row in found.rows)
    assert (again.rows, again.not_found) == (found.rows[:1], [unknown])


def test_a_track_that_comes_back_under_another_id_keeps_the_requested_one(
    extended_server: SandboxServer, ledger: Ledger
) -> None:
    features = {"type": "audio_features", "id": "n" * 22, "tempo": 120.0}
    body = json.dumps({"audio_features": [features, None]}).encode()
    extended_server.faults.script.append(Raw(200, body, {"content-type": "application/json"}))
    with spotify_of(extended_server, ledger) as spotify:
        found = spotify.audio_features(["a" * 22, "b" * 22])
    assert [(row["spotify_track_id"], row["tempo"]) for row in found.rows] == [("a" * 22, 120.0)]
    assert found.not_found == ["b" * 22]


def test_a_batch_that_is_shorter_than_requested_is_no_answer(
    extended_server: SandboxServer, ledger: Ledger
) -> None:
    extended_server.faults.script.extend([json_of({"audio_features": [None]})] * 5)
    with spotify_of(extended_server, ledger) as spotify:
        found = spotify.audio_features(["a" * 22, "b" * 22])
        assert (found.not_found, found.failed) == ([], ["a" * 22, "b" * 22])
        assert "list the 2 audio_features" in (found.reason or "")
        assert spotify.audio_features(["b" * 22]).not_found == ["b" * 22]


def test_one_of_a_batch_that_is_no_answer_fails_alone(extended_server: SandboxServer, ledger: Ledger) -> None:
    items = [{"type": "track", "id": "a" * 22, "name": "x"}, {"error": "gone"}, None]
    extended_server.faults.script.append(json_of({"tracks": items}))
    with spotify_of(extended_server, ledger) as spotify:
        found = spotify.tracks(["a" * 22, "b" * 22, "c" * 22])
    assert [row["spotify_track_id"] for row in found.rows] == ["a" * 22]
    assert (found.failed, found.not_found) == (["b" * 22], ["c" * 22])


def test_a_denial_is_cached_and_holds_for_a_week(spotify_server: SandboxServer, ledger: Ledger) -> None:
    for _ in range(2):
        with spotify_of(spotify_server, ledger) as spotify:
            for ids in (["a" * 22], ["b" * 22]):
                found = spotify.audio_features(ids)
                assert found.denied and found.rows == [] and "audio-features" in (found.reason or "")
    assert spotify_server.sandbox.requests["audio-features"] == 1
    key = Key("app", "audio-features", "access")
    denial = ledger.get_many([key])[key]
    ledger.put_many([replace(denial, fetched_at=denial.fetched_at - timedelta(days=8))])
    with spotify_of(spotify_server, ledger) as spotify:
        spotify.audio_features(["a" * 22])
    assert spotify_server.sandbox.requests["audio-features"] == 2


def test_a_denied_batch_does_not_close_other_lists_of_the_same_path(
    extended_server: SandboxServer, ledger: Ledger
) -> None:
    artist = artist_of(extended_server, ledger)
    extended_server.sandbox.behaviours.switch({"between_modes": None})
    with spotify_of(extended_server, ledger, mode="extended") as spotify:
        assert spotify.artists([artist]).denied
        assert spotify.artist_albums([artist]).rows


def test_a_broken_batch_fails_alone(extended_server: SandboxServer, ledger: Ledger) -> None:
    ids = [f"{i:022d}" for i in range(150)]
    extended_server.faults.script.extend([BROKEN["502"]] * 5)
    with spotify_of(extended_server, ledger, threads=1) as spotify:
        found = spotify.audio_features(ids)
        assert (found.failed, found.not_found) == (ids[:100], ids[100:]) and "502" in (found.reason or "")
        assert spotify.audio_features(ids).failed == []


# -- the budget, over runs


def test_a_pause_that_spotify_asked_for_holds_in_later_runs(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    spotify_server.faults.script.extend([Raw(429, b"", DAY)] * 8)
    search(spotify_server, ledger)
    sent = spotify_server.sandbox.requests["search"]
    again = search(spotify_server, ledger)
    assert statuses(again) == {"pending": len(QUERIES)}
    assert {answer.until for answer in again} == {
        datetime.fromtimestamp(spotify_server.clock() + 86207 + 1800, UTC),
    }
    assert spotify_server.sandbox.requests["search"] == sent
    spotify_server.faults.script.clear()
    spotify_server.clock.now += 86208 + 1800
    assert statuses(search(spotify_server, ledger)) == {"answered": len(QUERIES)}


def test_another_app_is_not_held_to_the_pause_of_the_first(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    spotify_server.faults.script.extend([Raw(429, b"", DAY)] * 8)
    search(spotify_server, ledger)
    budget = spotify_of(spotify_server, ledger, client_id="another").budget
    assert budget.over("search") is None
    assert spotify_of(spotify_server, ledger).budget.over("search") is not None


def test_our_own_limit_holds_over_runs_in_any_24_hours(spotify_server: SandboxServer, ledger: Ledger) -> None:
    sent: list[float] = []
    ends = []
    for _ in range(40):
        before = searches(spotify_server)
        with spotify_of(spotify_server, ledger, requests_per_day=20) as spotify:
            answers = list(spotify.search_songs(QUERIES))
        sent += [spotify_server.clock()] * (searches(spotify_server) - before)
        left = [answer for answer in answers if answer.status == "pending"]
        if not left:
            break
        assert "MUSIC_ASSETS_REQUESTS_PER_DAY" in (left[0].reason or "")
        assert left[0].until is not None and spotify_server.clock() < left[0].until.timestamp()
        ends.append(left[0].until.timestamp())
        spotify_server.clock.now += 3 * 3600 + 7
    assert not left and len(ends) > 2
    for last in sent:
        assert sum(last - 86400 < at <= last for at in sent) <= 20
    assert ends[0] == ends[3]  # nothing is sent before it is said to be free


def test_each_kind_has_a_budget_of_its_own(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    ids = sorted(set().union(*truth(songs_catalogue).values()))[:3]
    with spotify_of(spotify_server, ledger, requests_per_day=2) as spotify:
        assert statuses(list(spotify.search_songs(QUERIES)))["pending"]
        assert spotify.budget.over("search") and not spotify.budget.over("tracks")
        found = spotify.tracks(ids)
        assert len(found.rows) == 2 and found.pending == ids[2:]
        assert spotify.budget.over("tracks") and not spotify.budget.over("albums")
    assert ledger.request_counts() == {"search": 2, "tracks": 2}
    spotify_server.clock.now += 86460
    assert not spotify_of(spotify_server, ledger, requests_per_day=2).budget.over("search")


def test_a_batch_counts_apart_from_single_requests(
    extended_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    ids = sorted(set().union(*truth(songs_catalogue).values()))[:3]
    with spotify_of(extended_server, ledger, requests_per_day=1) as spotify:
        assert len(spotify.tracks(ids).rows) == 3
        assert spotify.budget.over("track-batches") and not spotify.budget.over("artist-batches")
        assert spotify.budget.over("tracks") is None
    assert ledger.request_counts() == {"track-batches": 1}


def test_what_an_earlier_version_counted_by_the_hour_counts_to_the_end_of_it(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    now = datetime.fromtimestamp(spotify_server.clock(), UTC)
    with ledger.database.connection() as connection:
        for hours, count in ((25, 100), (23, 7)):
            hour = (now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H")
            values = {"source": "sandbox", "minute": hour, "kind": "search", "count": count}
            connection.execute(REQUESTS.insert(), values)
    assert spotify_of(spotify_server, ledger, requests_per_day=20).budget.left("search") == 13


def test_the_bucket_knows_what_is_left(spotify_server: SandboxServer, ledger: Ledger) -> None:
    with spotify_of(spotify_server, ledger, requests_per_day=100) as spotify:
        list(spotify.search_songs(QUERIES[:3]))
        spent = spotify_server.sandbox.requests["search"]
        assert spotify.budget.left("search") == 100 - spent and spotify.budget.left("albums") == 100
    assert spotify_of(spotify_server, ledger).budget.left("search") is None
    assert ledger.request_counts() == {"search": spent}


# -- the access mode


@pytest.mark.parametrize("mode", ["development", "extended"])
def test_the_first_hit_shows_the_access_and_it_is_remembered(
    songs_catalogue: Path, ledger: Ledger, mode: str
) -> None:
    with running_server(songs_catalogue, mode=mode) as server:
        with spotify_of(server, ledger, mode="auto") as spotify:
            assert spotify.mode is None
            list(spotify.search_songs(QUERIES[:5]))
            assert spotify.mode == mode
        assert spotify_of(server, ledger, mode="auto").mode == mode
        assert spotify_of(server, ledger, mode="auto", client_id="another").mode is None
        missing = ("popularity", "available_markets") if mode == "development" else ()
        assert spotify_of(server, ledger, mode="auto").missing("tracks") == missing


def test_a_refused_batch_shows_the_access_too_and_ids_are_then_requested_one_by_one(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    ids = sorted(set().union(*truth(songs_catalogue).values()))[:5]
    with spotify_of(spotify_server, ledger, mode="auto") as spotify:
        found = spotify.tracks(ids)
    assert [row["spotify_track_id"] for row in found.rows] == ids and spotify.mode == "development"
    assert spotify_server.sandbox.requests["tracks"] == 1 + len(ids)
    with spotify_of(spotify_server, ledger, mode="auto") as spotify:
        assert len(spotify.tracks(ids).rows) == 5 and spotify.request_counts == {}


def test_extended_access_requests_fifty_at_a_time(
    extended_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    ids = sorted(set().union(*truth(songs_catalogue).values()))
    unknown = "0" * 22
    with spotify_of(extended_server, ledger, mode="auto") as spotify:
        found = spotify.tracks([*ids, unknown, "not an id"])
    assert len(ids) > 50 and extended_server.sandbox.requests["tracks"] == math.ceil((len(ids) + 1) / 50)
    assert len(found.rows) == len(ids) and found.not_found == [unknown, "not an id"]
    assert found.rows[0]["popularity"] is not None


@pytest.mark.parametrize("mode", ["development", "extended"])
def test_an_album_lists_its_tracks(songs_catalogue: Path, ledger: Ledger, mode: str) -> None:
    with running_server(songs_catalogue, mode=mode) as server:
        hit = next(answer for answer in search(server, ledger) if answer.tracks).tracks[0]
        with spotify_of(server, ledger) as spotify:
            albums, rest = spotify.albums([hit["spotify_album_id"], "1" * 22])
            assert rest.not_found == ["1" * 22] and list(albums) == [hit["spotify_album_id"]]
            tracks = albums[hit["spotify_album_id"]]
            mine = next(row for row in tracks if row["spotify_track_id"] == hit["spotify_track_id"])
            for name in ("name", "duration_ms", "album_name", "artist_name", "release_year"):
                assert mine[name] == hit[name]
            assert mine["isrc"] is None and mine["popularity"] is None
            spent = spotify.request_counts
            assert spotify.albums([hit["spotify_album_id"]])[0] == albums and spotify.request_counts == spent


def test_what_is_older_than_wanted_is_renewed_or_given_as_it_was(
    extended_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    ids = sorted(set().union(*truth(songs_catalogue).values()))[:60]
    with spotify_of(extended_server, ledger) as spotify:
        spotify.tracks(ids)
    extended_server.clock.now += 86400
    yesterday = datetime.fromtimestamp(extended_server.clock() - 3600, UTC)
    extended_server.faults.quota_per_day = 1
    with spotify_of(extended_server, ledger, threads=1) as spotify:
        found = spotify.tracks(ids, newer_than=yesterday)
    assert len(found.rows) == 60 and found.pending == ids[50:] and found.until
    assert [row["fetched_at"] >= yesterday for row in found.rows] == [True] * 50 + [False] * 10


def test_a_process_that_died_with_the_lock_is_the_predecessor(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    ledger.set_state(HOLDER, {"pid": 1, "run_id": "r1"})
    with spotify_of(spotify_server, ledger) as spotify:
        list(spotify.search_songs(QUERIES[:1]))
        assert (spotify.predecessor or {}).get("run_id") == "r1"
    with spotify_of(spotify_server, ledger) as spotify:
        list(spotify.search_songs(QUERIES[:2]))
        assert spotify.predecessor is None


def test_a_track_that_vanished_is_not_found_and_stays_in_the_ledger(
    spotify_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    ids = sorted(set().union(*truth(songs_catalogue).values()))[:3]
    with spotify_of(spotify_server, ledger) as spotify:
        (before, *_) = spotify.tracks(ids).rows
    spotify_server.clock.now += 86400
    spotify_server.faults.gone = frozenset(ids[:1])
    with spotify_of(spotify_server, ledger) as spotify:
        renewed = spotify.tracks(ids, newer_than=datetime.fromtimestamp(spotify_server.clock() - 60, UTC))
        assert renewed.not_found == ids[:1]
        assert [row["spotify_track_id"] for row in renewed.rows] == ids[1:]
        assert spotify.tracks(ids[:1]).rows == [before]


@pytest.mark.parametrize("market", [None, "DE"])
def test_a_track_answered_under_another_id_is_relinked(
    spotify_server: SandboxServer, ledger: Ledger, market: str | None
) -> None:
    """It says so; development mode, which lost the field, only has another id where a market was named."""
    track: dict[str, object] = {"type": "track", "id": "b" * 22, "name": "A Copy", "artists": []}
    if market is None:
        track["linked_from"] = {"type": "track", "id": "a" * 22}
    spotify_server.faults.script.append(json_of(track))
    with spotify_of(spotify_server, ledger, market=market) as spotify:
        (row,) = spotify.tracks(["a" * 22]).rows
    assert (row["spotify_track_id"], row["relinked_to"], row["name"]) == ("a" * 22, "b" * 22, "A Copy")


def artist_of(server: SandboxServer, ledger: Ledger) -> str:
    hit = next(answer.tracks[0] for answer in search(server, ledger) if answer.tracks)
    return str(hit["spotify_artist_id"])


def test_the_releases_of_an_artist_are_requested_once(spotify_server: SandboxServer, ledger: Ledger) -> None:
    artist = artist_of(spotify_server, ledger)
    with spotify_of(spotify_server, ledger) as spotify:
        found = spotify.artist_albums([artist])
        pages = spotify.request_counts["artist-albums"]
        assert pages == math.ceil(len(found.rows) / 10)  # ten a page, in development mode
        assert spotify.artist_albums([artist]).rows == found.rows
        assert spotify.request_counts["artist-albums"] == pages and spotify.cache_hits["artist_albums"] == 1
    assert found.rows and {row["spotify_artist_id"] for row in found.rows} == {artist}
    assert sorted(found.rows[0]) == sorted(row_columns(STAGED_BY_DAY["artist_releases"]))
    spotify_server.clock.now += 86400
    with spotify_of(spotify_server, ledger) as spotify:
        spotify.artist_albums([artist], newer_than=datetime.fromtimestamp(spotify_server.clock() - 60, UTC))
        assert spotify.request_counts["artist-albums"] == pages


@pytest.mark.parametrize(("mode", "size", "pages"), [("development", 10, 20), ("extended", 50, 4)])
def test_releases_are_read_page_by_page_and_not_without_end(
    spotify_server: SandboxServer, ledger: Ledger, mode: str, size: int, pages: int
) -> None:
    def page(number: int) -> Raw:
        albums = [{"id": f"{number:02}{i:020}", "name": "x", "release_date": "2015"} for i in range(size)]
        return json_of({"items": albums, "total": 1000, "next": "more"})

    spotify_server.faults.script.extend(page(number) for number in range(30))
    with spotify_of(spotify_server, ledger, mode=mode) as spotify:
        rows = spotify.artist_albums(["a" * 22]).rows
        assert spotify.request_counts["artist-albums"] == pages
    assert len({row["spotify_album_id"] for row in rows}) == 200


def test_a_limit_that_is_refused_is_a_loud_fault_and_no_artist_without_releases(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    spotify_server.faults.script.append(error(400, "Invalid limit"))
    with (
        spotify_of(spotify_server, ledger, mode="extended") as spotify,
        pytest.raises(ParameterRefused, match="limit=50"),
    ):
        spotify.artist_albums(["a" * 22])
    assert ledger.count() == {}


def test_an_app_between_the_modes_is_one_of_development_mode(
    extended_server: SandboxServer, ledger: Ledger, songs_catalogue: Path
) -> None:
    """Its hits have a popularity, and its batches are refused: that is learned once, and holds for a week."""
    ids = sorted(set().union(*truth(songs_catalogue).values()))[:2]
    with spotify_of(extended_server, ledger, mode="auto") as spotify:
        list(spotify.search_songs(QUERIES[:5]))
        assert spotify.mode == "extended"
        extended_server.faults.script.append(error(403, "Forbidden"))
        assert len(spotify.tracks(ids).rows) == 2 and spotify.mode == "development"
        list(spotify.search_songs(QUERIES[5:10]))
        assert spotify.mode == "development"
    with spotify_of(extended_server, ledger, mode="auto") as spotify:
        list(spotify.search_songs(QUERIES[10:15]))
        assert spotify.mode == "development"
        extended_server.clock.now += 8 * 86400
        list(spotify.search_songs(QUERIES[15:20]))
        assert spotify.mode == "extended"


def test_an_artist_without_releases_is_not_found_and_the_budget_ends_the_rest(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    with spotify_of(spotify_server, ledger, requests_per_day=1) as spotify:
        found = spotify.artist_albums(["a" * 22, "b" * 22, "c" * 22])
    assert (found.not_found, found.pending, found.rows) == (["a" * 22], ["b" * 22, "c" * 22], [])
    assert found.until is not None

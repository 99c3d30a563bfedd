"""The backlog on both engines of a ledger: its order, its states, partitions that are put again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from music_assets.resolution import SearchBacklog
from music_assets.resolution.backlog import SongState
from music_assets.sources.ledger import Ledger, open_ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite")
    return str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def ledger(setting: str) -> Iterator[Ledger]:
    with closing(open_ledger(setting, source="sandbox")) as opened:
        yield opened


@pytest.fixture
def backlog(ledger: Ledger) -> SearchBacklog:
    return SearchBacklog(ledger)


def song(number: int, release: str | None = None, hot: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "track_id": f"T{number}",
        "song_id": f"S{number}",
        "artist_id": "A",
        "title": f"Title {number}",
        "artist_name": "Artist",
        "release": release,
        "duration": 200.5,
        "year": None,
        "song_hotttnesss": hot,
        **more,
    }


def ids(songs: list[Any]) -> list[str]:
    return [one.track_id for one in songs]


def test_songs_come_as_they_were_put(backlog: SearchBacklog) -> None:
    (new,) = backlog.put("AA", "one", [song(1, "Debut", 0.5, year=1999)])
    assert (new.release_key, new.state, new.deferred, new.priority) == (
        "A/debut",
        SongState.OPEN,
        False,
        False,
    )
    assert backlog.next(9) == [new]
    assert new.song.duration == 200.5 and new.song.year == 1999
    assert isinstance(backlog.next(9)[0].state, SongState)


def test_the_order_is_priority_then_not_deferred_then_hotttnesss_then_id(backlog: SearchBacklog) -> None:
    backlog.put(
        "AA", "one", [song(1, hot=0.1), song(2, hot=0.9), song(3), song(4, hot=0.9), song(5, hot=0.3)]
    )
    assert ids(backlog.next(9)) == ["T2", "T4", "T5", "T1", "T3"]
    backlog.defer(["T2", "T5"])
    assert ids(backlog.next(9)) == ["T4", "T1", "T3", "T2", "T5"]
    assert backlog.prioritize(["S3", "T5", "unknown"]) == 2
    assert ids(backlog.next(3)) == ["T3", "T5", "T4"]
    assert ids(backlog.next(0)) == []


def test_a_partition_can_be_searched_alone(backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(1, hot=0.1)])
    backlog.put("AB", "one", [song(2, hot=0.9), song(3, hot=0.95)])
    assert ids(backlog.next(9, "AB")) == ["T3", "T2"]
    assert ids(backlog.next(9, "ZZ")) == []


def test_priorities_hold_for_songs_that_come_later_and_end_with_the_list(backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(1, hot=0.9)])
    assert backlog.prioritize(["T2", "T3"]) == 0
    backlog.put("AB", "one", [song(2), song(3)])
    assert backlog.prioritize(["T3", "T2"]) == 2  # the same list
    assert ids(backlog.next(3)) == ["T2", "T3", "T1"]
    assert backlog.prioritize(["A"]) == 3  # an artist
    assert backlog.prioritize([]) == 0
    assert ids(backlog.next(3)) == ["T1", "T2", "T3"] and not any(one.priority for one in backlog.next(3))


def test_a_partition_put_again_keeps_what_is_known_of_the_same_songs(backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(1), song(2), song(3), song(4)])
    backlog.mark(["T1", "T2", "T4"], SongState.RESOLVED)
    backlog.defer(["T3"])
    new = backlog.put("AA", "two", [song(1), song(2, title="Another"), song(3, hot=1.0), song(5)])
    assert ids(new) == ["T2", "T5"]
    assert ids(backlog.next(9)) == ["T2", "T5", "T3"]
    assert backlog.count() == {"open": 3, "resolved": 1, "missed": 0, "failed": 0}
    assert backlog.has("AA", "two") and not backlog.has("AA", "one") and not backlog.has("AB", "two")
    assert backlog.put("AA", "three", []) == [] and backlog.next(9) == []


def test_states_are_counted_and_failed_songs_are_retried(backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(n) for n in range(6)])
    backlog.retry_failed("labs")
    backlog.mark(["T0"], SongState.RESOLVED)
    backlog.mark(["T1", "T2"], SongState.MISSED)
    backlog.mark(["T3"], SongState.FAILED)
    backlog.mark([], SongState.FAILED)
    assert backlog.count() == {"open": 2, "resolved": 1, "missed": 2, "failed": 1}
    backlog.retry_failed("labs")
    assert backlog.count() == {"open": 3, "resolved": 1, "missed": 2, "failed": 0}


def test_songs_without_a_match_are_open_again_where_other_sources_are_there(backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(n) for n in range(6)])
    states = (SongState.RESOLVED, SongState.MISSED, SongState.SEARCHABLE, SongState.UNREACHED)
    backlog.retry_failed("labs")
    for number, state in enumerate(states):
        backlog.mark([f"T{number}"], state)
    backlog.retry_failed("labs")
    assert ids(backlog.next(9)) == ["T3", "T4", "T5"]
    backlog.retry_failed("labs echonest")
    assert ids(backlog.next(9)) == ["T1", "T2", "T3", "T4", "T5"]


def test_in_a_backlog_of_earlier_versions_every_song_is_looked_up_once_more(backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(1)])
    backlog.mark(["T1"], SongState.RESOLVED)
    backlog.retry_failed("labs")
    assert ids(backlog.next(9)) == ["T1"]


def test_a_release_has_its_songs_without_a_match(backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(1, "Debut"), song(2, "Debut"), song(3, "Second"), song(4)])
    backlog.put("AB", "one", [song(5, "Debut"), song(6, "debut")])
    backlog.mark(["T2"], SongState.RESOLVED)
    backlog.mark(["T5"], SongState.MISSED)
    found = backlog.of_releases(["A/second", "A/debut", "A/none"])
    assert {key: ids(songs) for key, songs in found.items()} == {
        "A/second": ["T3"],
        "A/debut": ["T1", "T5", "T6"],
    }
    assert list(found) == ["A/second", "A/debut"]
    assert backlog.open_releases() == 3
    assert backlog.of_releases([]) == {}


def test_other_processes_see_it_and_other_sources_do_not(setting: str, backlog: SearchBacklog) -> None:
    backlog.put("AA", "one", [song(1)])
    backlog.prioritize(["T1"])
    with (
        closing(open_ledger(setting, source="sandbox")) as same,
        closing(open_ledger(setting, source="api")) as other,
    ):
        again = SearchBacklog(same)
        assert again.has("AA", "one") and ids(again.next(9)) == ["T1"]
        api = SearchBacklog(other)
        assert not api.has("AA", "one") and api.next(9) == []
        api.put("AA", "one", [song(1), song(2)])
        api.mark(["T1"], SongState.RESOLVED)
        assert ids(backlog.next(9)) == ["T1"]
        backlog.clear()
        assert backlog.next(9) == [] and not backlog.has("AA", "one") and backlog.put("AA", "one", [song(1)])
        assert not backlog.next(1)[0].priority
        assert ids(api.next(9)) == ["T2"]


def test_several_may_put_the_same_partition_at_once(setting: str) -> None:
    songs = [song(n, f"Release {n % 7}", n / 1500) for n in range(1500)]
    failed: list[Exception] = []

    def put(checksum: str) -> None:
        try:
            with closing(open_ledger(setting, source="sandbox")) as ledger:
                backlog = SearchBacklog(ledger)
                for partition in ("AA", "AB"):
                    backlog.put(
                        partition,
                        checksum,
                        [{**one, "track_id": f"{partition}{n}"} for n, one in enumerate(songs)],
                    )
                    backlog.mark([f"{partition}0"], SongState.RESOLVED)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=put, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with closing(open_ledger(setting, source="sandbox")) as ledger:
        count = SearchBacklog(ledger).count()
        assert count["open"] + count["resolved"] == 3000 and count["resolved"] == 2


def test_a_partition_is_put_whole_or_not_at_all(backlog: SearchBacklog) -> None:
    (before,) = backlog.put("AA", "one", [song(1)])
    with pytest.raises(KeyError):
        backlog.put("AA", "two", [song(2), {"track_id": "T3"}])
    assert backlog.next(9) == [before] and backlog.has("AA", "one")


def test_a_purge_of_the_ledger_leaves_it_alone(backlog: SearchBacklog, ledger: Ledger) -> None:
    backlog.put("AA", "one", [song(1)])
    assert ledger.purge() == 0
    assert ids(backlog.next(9)) == ["T1"]

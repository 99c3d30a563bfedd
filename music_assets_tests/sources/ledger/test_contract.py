"""What every ledger promises, held against both engines: SQLite and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music_assets.sources.ledger import Key, Ledger, LedgerInUse, Response
from music_assets_tests.sources.ledger.conftest import THEN, Place, response, search

# -- responses


def test_a_response_comes_back_as_it_was_put(ledger: Ledger) -> None:
    body = {"tracks": {"items": [None, 1.5]}}
    kept = Response(search("TRA"), "answered", "q", THEN, "extended", body, attempts=2)
    bare = Response(search("TRB"), "not_found", None, THEN, "development")
    ledger.put_many([kept, bare])
    assert ledger.get_many([kept.key, search("TRC"), bare.key]) == {kept.key: kept, bare.key: bare}


def test_the_last_response_for_a_key_counts(ledger: Ledger) -> None:
    ledger.put_many([response("TRA", {"n": 1}), response("TRB"), response("TRA", {"n": 2}, status="refused")])
    assert ledger.get_many([search("TRA")])[search("TRA")].body == {"n": 2}
    assert ledger.count() == {"search": 2}


def test_responses_are_cached_by_purpose_and_entity(ledger: Ledger) -> None:
    keys = [
        Key("track", "X", "search"),
        Key("spotify_track", "X", "audio_features"),
        Key("track", "X", "other"),
        Key("track", "#X#y", "other"),
    ]
    ledger.put_many([Response(key, "answered", None, THEN, "extended", list(key)) for key in keys])
    assert {key: a.body for key, a in ledger.get_many(keys).items()} == {key: list(key) for key in keys}
    assert ledger.count() == {"audio_features": 1, "other": 2, "search": 1}


def test_sources_know_nothing_of_one_another(place: Place) -> None:
    sandbox, api = place.open("sandbox"), place.open("api")
    sandbox.put_many([response("TRA", {"invented": True})])
    sandbox.record_request("search", THEN)
    sandbox.set_state("mode", {"is": "extended"})
    assert api.get_many([search("TRA")]) == {} and api.count() == {} and api.request_counts() == {}
    assert api.get_state("mode") is None
    assert api.purge() == 0 and sandbox.count() == {"search": 1}
    with sandbox.request_lock(wait=0), api.request_lock(wait=0):
        pass


IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)  # PostgreSQL takes no NUL
json_bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=20)
@given(st.dictionaries(IDS, json_bodies, max_size=5))
def test_any_id_and_body_can_be_cached(ledger: Ledger, bodies: dict[str, object]) -> None:
    ledger.put_many(response(id_, body) for id_, body in bodies.items())
    found = ledger.get_many(search(id_) for id_ in bodies)
    assert {key.id: a.body for key, a in found.items()} == bodies


def test_a_partition_is_looked_up_whole_in_the_order_of_its_keys(ledger: Ledger) -> None:
    ids = [f"TR{i:016d}" for i in range(620)]
    ledger.put_many(response(id_, {"id": id_}) for id_ in reversed(ids[:600]))
    found = ledger.get_many(search(id_) for id_ in [*ids, ids[0]])
    assert [a.body["id"] for a in found.values()] == ids[:600]


def test_a_body_of_any_size_is_stored_whole(ledger: Ledger) -> None:
    large = os.urandom(500_000).hex()  # which no compression makes small
    ledger.put_many([response("TRA", {"n": large}), response("TRB", {"n": 2})])
    assert ledger.get_many([search("TRA")])[search("TRA")].body == {"n": large}
    ledger.put_many([response("TRA", {"n": large[::-1]})])
    assert ledger.get_many([search("TRA")])[search("TRA")].body == {"n": large[::-1]}
    assert ledger.count() == {"search": 2}


def test_threads_may_use_it_at_once(ledger: Ledger) -> None:
    missing = []

    def work(name: int) -> None:
        for i in range(10):
            ledger.record_request("search", THEN)
            ledger.put_many([response(f"{name}-{i}", {"name": name})])
            if not ledger.get_many([search(f"{name}-{i}")]):
                missing.append((name, i))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    assert ledger.count() == {"search": 60}
    assert ledger.request_counts() == {"search": 60}


# -- what is purged


def test_a_purge_takes_the_old_and_leaves_what_is_no_content(ledger: Ledger) -> None:
    ledger.record_request("search", THEN)
    ledger.set_state("mode", {"is": "extended"})
    ledger.put_many([response("OLD", {}), response("OLD", None, purpose="artist", status="not_found")])
    ledger.put_many([response("NEW", {"kept": 1}, THEN + timedelta(40))])
    assert ledger.purge(THEN + timedelta(30)) == 2
    assert ledger.count() == {"search": 1}
    assert ledger.get_many([search("OLD"), search("NEW")]).keys() == {search("NEW")}
    assert ledger.request_counts() == {"search": 1} and ledger.get_state("mode") == {"is": "extended"}
    assert ledger.purge(THEN + timedelta(30)) == 0


def test_a_purge_of_all_takes_all(ledger: Ledger) -> None:
    ledger.put_many(response(str(i), {"n": i}, THEN + timedelta(9000)) for i in range(60))
    ledger.put_many([response("LARGE", os.urandom(500_000).hex())])
    assert ledger.purge() == 61
    assert ledger.count() == {} and ledger.get_many(search(str(i)) for i in range(60)) == {}


# -- request counts and state


def test_requests_are_counted_by_utc_day_and_kind(ledger: Ledger) -> None:
    late = datetime.fromisoformat("2026-11-01T23:30:00-05:00")  # 2 November in UTC
    ledger.record_request("search", THEN)
    ledger.record_request("search", THEN, 3)
    ledger.record_request("audio-features", THEN)
    ledger.record_request("search", late)
    assert ledger.request_counts(date(2026, 11, 1)) == {"audio-features": 1, "search": 4}
    assert ledger.request_counts(date(2026, 11, 2)) == {"search": 1}
    assert ledger.request_counts(date(2026, 11, 3)) == {}
    assert ledger.request_counts() == {"audio-features": 1, "search": 5}


def test_state_is_stored_replaced_and_removed(place: Place) -> None:
    first = place.open()
    assert first.get_state("spotify/1f/pause/search") is None
    first.set_state("spotify/1f/pause/search", {"until": "2026-11-02T00:00:00+00:00", "tries": [1, None]})
    first.set_state("mode", {"is": "development"})
    first.set_state("mode", {"is": "extended"})
    second = place.open()
    assert second.get_state("spotify/1f/pause/search") == {
        "until": "2026-11-02T00:00:00+00:00",
        "tries": [1, None],
    }
    assert second.get_state("mode") == {"is": "extended"}
    second.set_state("mode", None)
    second.set_state("never known", None)
    assert first.get_state("mode") is None


# -- the request lock


def test_one_holder_at_a_time_within_a_process_too(place: Place) -> None:
    ledger, other = place.open(), place.open()
    assert ledger.holder() is None
    with ledger.request_lock(wait=0, note={"run": "ab12"}) as lock:
        assert lock.predecessor is None
        lock.check()
        held = other.holder()
        assert held is not None and held["pid"] == os.getpid() and held["run"] == "ab12"
        assert datetime.fromisoformat(held["since"]) <= datetime.now(UTC) and held["host"]
        for same in (ledger, other):
            with pytest.raises(LedgerInUse, match=str(os.getpid())) as refused, same.request_lock(wait=0.05):
                pass
            assert refused.value.holder == held
        lock.check()
    assert other.holder() is None
    with other.request_lock(wait=0) as again:
        assert again.predecessor is None


def test_who_ends_with_an_error_has_ended_in_order(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.request_lock():
        raise ZeroDivisionError
    assert ledger.holder() is None
    with ledger.request_lock(wait=0) as lock:
        assert lock.predecessor is None


WRITER = """
import sys, time
from datetime import UTC, datetime
from music_assets.sources.ledger import Response, Key, open_ledger
ledger = open_ledger(sys.argv[1], source="api")
with ledger.request_lock(note={"run": "r1"}):
    for i in range(10_000):
        now = datetime(2026, 11, 1, tzinfo=UTC)
        ledger.record_request("search", now)
        key = Key("track", str(i), "search")
        ledger.put_many([Response(key, "answered", "q", now, "development", {"i": i})])
        ledger.set_state("last", {"i": i})
        print(i, flush=True)
"""


def test_a_kill_loses_nothing_and_frees_the_lock_at_once(place: Place) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, place.setting], stdout=subprocess.PIPE)
    assert process.stdout is not None
    while (line := process.stdout.readline()) and int(line) < 30:
        pass
    ledger = place.open("api")
    with pytest.raises(LedgerInUse) as refused, ledger.request_lock(wait=0.05):
        pass
    assert refused.value.holder["pid"] == process.pid
    assert str(process.pid) in str(refused.value)
    process.kill()
    rest, _ = process.communicate()
    said = int(rest.split(b"\n")[-2]) if rest.count(b"\n") else int(line)

    keys = [search(str(i)) for i in range(said + 1)]
    assert [a.body["i"] for a in ledger.get_many(keys).values()] == list(range(said + 1))
    # The kill may have come after a write and before the line that tells of it.
    assert said + 1 <= ledger.request_counts(date(2026, 11, 1))["search"] <= said + 2
    assert ledger.get_state("last") in ({"i": said}, {"i": said + 1})

    successor = place.open("api")
    assert successor.holder() is None
    with successor.request_lock(wait=1) as lock:
        assert lock.predecessor is not None
        assert lock.predecessor["pid"] == process.pid and lock.predecessor["run"] == "r1"
        assert lock.predecessor["host"] == refused.value.holder["host"]
    with successor.request_lock(wait=0) as next_one:
        assert next_one.predecessor is None


CONTENDER = """
import os, sys
from music_assets.sources.ledger import open_ledger
ledger = open_ledger(sys.argv[1], source="api")
for _ in range(2):
    with ledger.request_lock(wait=60) as lock:
        os.close(os.open(sys.argv[2], os.O_CREAT | os.O_EXCL))
        n = (ledger.get_state("n") or {"n": 0})["n"]
        ledger.set_state("n", {"n": n + 1})
        lock.check()
        os.unlink(sys.argv[2])
"""


def test_processes_take_turns(place: Place, tmp_path: Path) -> None:
    ledger = place.open("api")
    command = [sys.executable, "-c", CONTENDER, place.setting, str(tmp_path / "held")]
    with ledger.request_lock(wait=0):
        contenders = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
        assert ledger.get_state("n") is None
    for contender in contenders:
        _, said = contender.communicate(timeout=600)
        assert contender.returncode == 0, said.decode()
    assert ledger.get_state("n") == {"n": 4}


def test_real_responses_take_little_space(place: Place, shared: Path) -> None:
    """A million of them fit in 5 GB."""
    names = ("track_search_Wanna_Know_limit_10_0", "track_search_Wanna_Know_limit_10_offset_10_0")
    bodies = [
        json.loads((shared / "spotify" / "rspotify" / f"{name}.json").read_text())["response"]["json"]
        for name in names
    ]
    ledger = place.open()
    ledger.put_many(response(f"TR{i:016d}", bodies[i % 2]) for i in range(200))
    assert ledger.get_many([search(f"TR{1:016d}")])[search(f"TR{1:016d}")].body == bodies[1]
    if ledger.database.is_sqlite:
        ledger.close()
        assert Path(place.setting).stat().st_size / 200 < 5000
    else:
        with ledger.database.connection() as connection:
            size = connection.exec_driver_sql("SELECT pg_total_relation_size('music_assets.responses')")
            assert size.scalar_one() / 200 < 6500


def test_what_was_fetched_before_a_moment_is_counted_by_purpose(ledger: Ledger) -> None:
    old, new = THEN - timedelta(days=9), THEN
    ledger.put_many([response("TRA", fetched_at=old, status="not_found"), response("TRB", fetched_at=new)])
    ledger.put_many([response("TRC", fetched_at=old, purpose="album")])
    assert ledger.count(new) == {"album": 1, "search": 1}
    assert ledger.count(old) == {}

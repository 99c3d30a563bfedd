"""The ledger keeps what it was given through anything but a purge, and lets one spender in at a time."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music_assets.sources.ledger import Answer, Key, LedgerInUse, LedgerUnusable, SqliteLedger

THEN = datetime(2026, 11, 1, 12, 30, 15, tzinfo=UTC)


def answer(id_: str, body: object = None, fetched_at: datetime = THEN) -> Answer:
    return Answer(Key("track", id_, "search"), "answered", "track:'x'", fetched_at, "development", body)


def test_an_answer_comes_back_as_it_was_put(ledger: SqliteLedger) -> None:
    kept = Answer(
        Key("track", "TRA", "search"),
        "answered",
        "q",
        THEN,
        "extended",
        {"tracks": {"items": [None, 1.5]}},
        2,
    )
    ledger.put(kept)
    assert ledger.get_many([kept.key, Key("track", "TRB", "search")]) == {kept.key: kept}


def test_the_last_answer_to_a_question_counts(ledger: SqliteLedger) -> None:
    ledger.put_many([answer("TRA", {"n": 1}), answer("TRB"), answer("TRA", {"n": 2})])
    assert ledger.get_many([Key("track", "TRA", "search")])[Key("track", "TRA", "search")].body == {"n": 2}
    assert ledger.count() == {"search": 2}


def test_answers_are_kept_by_purpose_and_entity(ledger: SqliteLedger) -> None:
    keys = [
        Key("track", "X", "search"),
        Key("spotify_track", "X", "audio_features"),
        Key("track", "X", "other"),
    ]
    ledger.put_many([Answer(key, "answered", None, THEN, "extended", list(key)) for key in keys])
    assert {key: a.body for key, a in ledger.get_many(keys).items()} == {key: list(key) for key in keys}
    assert ledger.count() == {"audio_features": 1, "other": 1, "search": 1}


def test_the_sandbox_never_answers_for_the_real_spotify(tmp_path: Path) -> None:
    sandbox = SqliteLedger(tmp_path / "one.sqlite", source="sandbox")
    api = SqliteLedger(tmp_path / "one.sqlite", source="api")
    sandbox.put(answer("TRA", {"invented": True}))
    assert api.get_many([Key("track", "TRA", "search")]) == {} and api.count() == {}
    sandbox.close(), api.close()


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=20), st.none() | st.text() | st.lists(st.integers(0, 9))))
def test_any_id_and_body_can_be_kept(
    tmp_path_factory: pytest.TempPathFactory, bodies: dict[str, object]
) -> None:
    ledger = SqliteLedger(tmp_path_factory.mktemp("ledger") / "l.sqlite", source="sandbox")
    ledger.put_many(answer(id_, body) for id_, body in bodies.items())
    found = ledger.get_many(Key("track", id_, "search") for id_ in bodies)
    assert {key.id: a.body for key, a in found.items()} == bodies
    ledger.close()


def test_a_partition_is_looked_up_whole(ledger: SqliteLedger) -> None:
    ids = [f"TR{i:016d}" for i in range(1600)]
    ledger.put_many(answer(id_, {"id": id_}) for id_ in ids[:1500])
    found = ledger.get_many(Key("track", id_, "search") for id_ in ids)
    assert [a.body["id"] for a in found.values()] == ids[:1500]


def test_threads_may_put_and_get_at_once(ledger: SqliteLedger) -> None:
    def work(name: int) -> None:
        for i in range(25):
            ledger.put(answer(f"{name}-{i}", {"name": name}))
            assert ledger.get_many([Key("track", f"{name}-{i}", "search")])

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.count() == {"search": 150}


WRITER = """
import sys, time
from datetime import UTC, datetime
from music_assets.sources.ledger import Answer, Key, SqliteLedger
ledger = SqliteLedger(sys.argv[1], source="api")
with ledger.spender():
    for i in range(100):
        key, now = Key("track", str(i), "search"), datetime.now(UTC)
        ledger.put(Answer(key, "answered", "q", now, "development", {"i": i}))
        print(i, flush=True)
    time.sleep(60)
"""


def killed_writer(path: Path, after: int) -> subprocess.Popen[bytes]:
    """A process that spends and writes answers; it said `after` was kept and is about to go on."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    while (line := process.stdout.readline()) and int(line) < after:
        pass
    return process


def test_what_was_kept_survives_a_kill_and_the_lock_does_not(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    process = killed_writer(path, after=40)
    ledger = SqliteLedger(path, source="api")
    with pytest.raises(LedgerInUse) as refused, ledger.spender(wait=0.05):
        pass
    assert refused.value.holder["pid"] == process.pid
    assert str(process.pid) in str(refused.value) and str(path) in str(refused.value)
    process.kill()
    process.communicate()
    kept = ledger.get_many(Key("track", str(i), "search") for i in range(41))
    assert [a.body["i"] for a in kept.values()] == list(range(41))
    with ledger.spender(wait=5):  # nobody holds it any more
        assert str(os.getpid()) in path.with_name("ledger.sqlite.api.holder.json").read_text()
    ledger.close()


def test_one_spender_at_a_time_within_a_process_too(ledger: SqliteLedger) -> None:
    with ledger.spender(), pytest.raises(LedgerInUse, match=str(os.getpid())), ledger.spender(wait=0.05):
        pass
    with ledger.spender(wait=0.05):
        pass
    assert not list(ledger.path.parent.glob("*.holder.json"))


def test_a_file_that_is_no_ledger_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this was never a database" * 100)
    with pytest.raises(LedgerUnusable, match=r"ledger\.sqlite"):
        SqliteLedger(path, source="api")
    assert path.read_bytes().startswith(b"this was never")


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    SqliteLedger(path, source="api").close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerUnusable, match="version 99"):
        SqliteLedger(path, source="api")


def test_a_damaged_answer_is_said_to_be(ledger: SqliteLedger) -> None:
    ledger.put(answer("TRA", {"n": 1}))
    with sqlite3.connect(ledger.path) as db:
        db.execute("UPDATE answers SET body = x'00'")
    with pytest.raises(LedgerUnusable, match="backup"):
        ledger.get_many([Key("track", "TRA", "search")])


def test_a_full_disk_is_said_to_be_and_loses_nothing(ledger: SqliteLedger) -> None:
    ledger.put(answer("TRA", {"n": 1}))
    (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerUnusable, match="full"):
        ledger.put(answer("TRB", os.urandom(100_000).hex()))
    assert ledger.get_many([Key("track", "TRA", "search")]) and ledger.count() == {"search": 1}


def test_a_purge_takes_what_is_old_out_of_the_file(ledger: SqliteLedger) -> None:
    ledger.put_many(
        [
            Answer(Key("track", "OLDOLDOLD", "search"), "answered", "an old question", THEN, "extended"),
            answer("NEW", fetched_at=THEN + timedelta(days=40)),
        ]
    )
    assert ledger.purge(THEN + timedelta(days=30)) == 1
    assert ledger.count() == {"search": 1}
    on_disk = b"".join(path.read_bytes() for path in ledger.path.parent.glob("ledger.sqlite*"))
    assert b"an old question" not in on_disk and b"OLDOLDOLD" not in on_disk

"""A ledger that commit b89238b wrote opens, and nothing in it is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from music_assets.sources.ledger import Key, Ledger, is_due, open_ledger
from music_assets.sources.ledger.migrations import _FROM_VERSION_2
from music_assets_tests.sources.ledger.conftest import THEN, response, search

# As commit b89238b wrote it.
VERSION_2 = """
CREATE TABLE answers (
    source TEXT NOT NULL, purpose TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL,
    status TEXT NOT NULL, question TEXT, asked INTEGER NOT NULL, mode TEXT NOT NULL,
    fetched_at REAL NOT NULL, body BLOB,
    UNIQUE (source, purpose, entity, id)
);
CREATE INDEX answers_by_age ON answers (source, purpose, status, fetched_at);
CREATE TABLE spent (
    source TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (source, day, kind)
) WITHOUT ROWID;
CREATE TABLE facts (
    source TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (source, name)
) WITHOUT ROWID;
INSERT INTO spent VALUES ('api', '2026-11-01', 'search', 41), ('api', '2026-10-31', 'search', 7),
    ('sandbox', '2026-11-01', 'search', 3);
INSERT INTO facts VALUES ('api', 'spotify/1f/mode', '{"mode":"extended"}');
PRAGMA journal_mode = WAL;
PRAGMA user_version = 2;
"""


def write_old(path: Path, responses: int = 3) -> None:
    """A ledger as commit b89238b wrote it, with so many responses."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(VERSION_2)
        body = zlib.compress(json.dumps({"n": 1}).encode())
        one = ("answered", "track:'x'", 1, "development", THEN.timestamp(), body)
        rows = [("api", "search", "track", f"TR{n}", *one) for n in range(responses)]
        db.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def opened(path: Path, source: str = "api") -> closing[Ledger]:
    return closing(open_ledger(path, source=source))


def test_responses_come_over_and_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    write_old(path)
    with opened(path) as ledger:
        assert ledger.get_many([search("TR0")]) == {search("TR0"): response("TR0", {"n": 1})}
        ledger.put_many([response("TR0", {"n": 2}), response("NEW", {"n": 3})])
    with opened(path) as ledger:
        assert ledger.get_many([search("TR0")])[search("TR0")].body == {"n": 2}
        assert ledger.count() == {"search": 4} and ledger.count(THEN) == {}
        assert ledger.purge() == 4


def test_requests_that_were_counted_stay_counted(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    write_old(path)
    for more in range(3):  # it is migrated once
        with opened(path) as ledger:
            assert ledger.request_counts(date(2026, 11, 1)) == {"search": 41 + more}
            assert ledger.request_counts() == {"search": 48 + more}
            ledger.record_request("search", THEN)
    with opened(path, "sandbox") as ledger:
        assert ledger.request_counts() == {"search": 3}


def test_state_comes_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    write_old(path)
    with opened(path) as ledger:
        assert ledger.get_state("spotify/1f/mode") == {"mode": "extended"}
        ledger.set_state("spotify/1f/mode", None)
        assert ledger.get_state("spotify/1f/mode") is None


def test_several_may_open_an_old_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    write_old(path)
    counts = []

    def open_one() -> None:
        with opened(path) as ledger:
            counts.append(ledger.request_counts())

    threads = [threading.Thread(target=open_one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [{"search": 48}] * 6


OPEN = (
    "import sys; from music_assets.sources.ledger import open_ledger; open_ledger(sys.argv[1], source='api')"
)
# Kill the process before its n-th statement that writes, at the very moment.
KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from music_assets.sources.ledger import open_ledger
left = [int(sys.argv[2])]
@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *_):
    if statement.startswith(("ALTER", "UPDATE", "PRAGMA user_version =")):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
open_ledger(sys.argv[1], source="api")
"""


@pytest.mark.parametrize("statement", [1, 3, 5, 7])
def test_a_kill_during_the_migration_leaves_the_file_as_it_was(tmp_path: Path, statement: int) -> None:
    path = tmp_path / "ledger.sqlite"
    write_old(path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), str(statement)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (3,)
        assert db.execute("SELECT sum(count) FROM spent").fetchone() == (51,)
    with opened(path) as ledger:
        assert ledger.count() == {"search": 3} and ledger.request_counts() == {"search": 48}


def test_kills_at_any_moment_lose_nothing(tmp_path: Path) -> None:
    for delay in (0.15, 0.25, 0.35):
        path = tmp_path / f"{delay}.sqlite"
        write_old(path, responses=2000)
        process = subprocess.Popen([sys.executable, "-c", OPEN, str(path)])
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with opened(path) as ledger:
            assert ledger.count() == {"search": 2000} and ledger.request_counts() == {"search": 48}


def pack(body: object) -> bytes:
    return zlib.compress(json.dumps(body).encode())


WRONGLY_FINAL = [
    ("search", "track", "TRREFUSED", "refused", {"reason": "Spotify refuses search: 404, Not found."}),
    ("artist_albums", "spotify_artist", "a" * 22, "not_found", None),
    ("access", "app", "tracks", "denied", {"reason": "403"}),
]
STILL_FINAL = [
    ("search", "track", "TRFOUND", "answered", {"tracks": {"items": [{"id": "x"}], "total": 734}}),
    ("search", "track", "TRMISS", "not_found", {"tracks": {"items": [], "total": 0}}),
    ("access", "app", "audio-features", "denied", {"reason": "403"}),
]
NO_ANSWER = ("search", "track", "TRTOTAL", "not_found", {"tracks": {"items": [], "total": 734}})


@pytest.mark.parametrize("version", [2, 3])
def test_what_was_wrongly_final_is_due_again(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.sqlite"
    write_old(path, responses=0)
    with closing(sqlite3.connect(path)) as db, db:
        for purpose, entity, id_, status, body in [*WRONGLY_FINAL, *STILL_FINAL, NO_ANSWER]:
            of = ("api", purpose, entity, id_, status, "q", 1, "development", THEN.timestamp(), pack(body))
            db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", of)
        if version == 3:
            for statement in _FROM_VERSION_2:
                db.execute(statement)
            db.execute("PRAGMA user_version = 3")
    for _ in range(2):
        with opened(path) as ledger:
            keys = [Key(entity, id_, purpose) for purpose, entity, id_, *_ in [*STILL_FINAL, NO_ANSWER]]
            found = ledger.get_many(keys)
            assert {key: one.body for key, one in found.items()} == dict(
                zip(keys, (body for *_, body in [*STILL_FINAL, NO_ANSWER]), strict=True)
            )
            assert [is_due(found[key], THEN) for key in keys] == [False, False, False, True]
            assert sum(ledger.count().values()) == len(keys)
            assert ledger.misses("search", THEN - timedelta(days=1)) == ["TRTOTAL"]


def test_a_ledger_in_postgresql_is_converted_as_well(postgres: Any) -> None:
    setting = postgres.new_database()
    with closing(open_ledger(setting, source="api")) as ledger:
        ledger.put_many(
            [response("TRFOUND", {"n": 1}), response("TRREFUSED", {"reason": "404"}, status="refused")]
        )
        with ledger.database.connection() as connection:
            for column in ("checks", "retry"):
                connection.exec_driver_sql(f"ALTER TABLE music_assets.responses DROP COLUMN {column}")
    for _ in range(2):
        with closing(open_ledger(setting, source="api")) as ledger:
            assert ledger.count() == {"search": 1}
            assert ledger.get_many([search("TRFOUND")])[search("TRFOUND")].checks == 1


def test_a_ledger_is_told_how_often_something_was_not_found(tmp_path: Path) -> None:
    with opened(tmp_path / "ledger.sqlite") as ledger:
        for status, attempts, checks in (
            *(("not_found", 1, 1), ("not_found", 2, 1), ("not_found", 1, 2), ("not_found", 2, 2)),
            *(("broken", 1, 1), ("broken", 1, 2), ("answered", 1, 1), ("answered", 1, 1)),
        ):
            ledger.put_many([replace(response("TR", status=status), attempts=attempts)])
            assert ledger.get_many([search("TR")])[search("TR")].checks == checks

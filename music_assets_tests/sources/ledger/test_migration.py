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
from datetime import date
from pathlib import Path

import pytest

from music_assets.sources.ledger import Ledger, open_ledger
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

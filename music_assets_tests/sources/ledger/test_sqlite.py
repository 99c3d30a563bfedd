"""What is SQLite's alone: versions, damage, full disks, what a purge leaves in the file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from music_assets.sources.ledger import LedgerUnusable, SqliteLedger
from music_assets_tests.sources.ledger.conftest import THEN, answer, search

VERSION_1 = """
CREATE TABLE answers (
    source TEXT NOT NULL, purpose TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL,
    status TEXT NOT NULL, question TEXT, asked INTEGER NOT NULL, mode TEXT NOT NULL,
    fetched_at REAL NOT NULL, body BLOB,
    UNIQUE (source, purpose, entity, id)
);
PRAGMA user_version = 1
"""


def test_a_ledger_of_version_1_is_carried_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(VERSION_1)
        row = ("api", "search", "track", "TRA", "answered", "track:'x'", 1, "development", THEN.timestamp())
        body = zlib.compress(json.dumps({"n": 1}).encode())
        db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [*row, body])
    for _ in range(2):
        with closing(SqliteLedger(path, source="api")) as ledger:
            assert ledger.get_many([search("TRA")]) == {search("TRA"): answer("TRA", {"n": 1})}
            ledger.record_request("search", THEN)
            ledger.set_state("mode", {"is": "development"})
    assert SqliteLedger(path, source="api").request_counts() == {"search": 2}


@pytest.mark.parametrize(("source", "synchronous"), [("api", 2), ("reccobeats", 2), ("sandbox", 1)])
def test_real_answers_are_synced_to_disk_and_the_sandboxs_are_not(
    tmp_path: Path, source: str, synchronous: int
) -> None:
    with closing(SqliteLedger(tmp_path / "ledger.sqlite", source=source)) as ledger:
        assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ledger._db.execute("PRAGMA synchronous").fetchone() == (synchronous,)  # 2: FULL, 1: NORMAL


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    opened = []

    def open_one() -> None:
        with closing(SqliteLedger(tmp_path / "ledger.sqlite", source="api")) as ledger:
            ledger.record_request("search", THEN)
            opened.append(True)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8


def test_a_note_that_cannot_be_read_keeps_nobody_from_spending(sqlite_ledger: SqliteLedger) -> None:
    note = sqlite_ledger.path.with_name("ledger.sqlite.sandbox.holder.json")
    note.write_text("{half of")
    assert sqlite_ledger.holder() is None
    with sqlite_ledger.request_lock(wait=0) as spender:
        assert spender.predecessor is None
        assert json.loads(note.read_text())["pid"] == os.getpid()
    assert not note.exists()


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


def test_a_damaged_answer_is_said_to_be(sqlite_ledger: SqliteLedger) -> None:
    sqlite_ledger.put_many([answer("TRA", {"n": 1})])
    with sqlite3.connect(sqlite_ledger.path) as db:
        db.execute("UPDATE answers SET body = x'00'")
    with pytest.raises(LedgerUnusable, match="backup"):
        sqlite_ledger.get_many([search("TRA")])


def test_a_full_disk_is_said_to_be_and_loses_nothing(sqlite_ledger: SqliteLedger) -> None:
    sqlite_ledger.put_many([answer("TRA", {"n": 1})])
    (pages,) = sqlite_ledger._db.execute("PRAGMA page_count").fetchone()
    sqlite_ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerUnusable, match="full"):
        sqlite_ledger.put_many([answer("TRB", os.urandom(100_000).hex())])
    assert sqlite_ledger.get_many([search("TRA")]) and sqlite_ledger.count() == {"search": 1}


def test_a_purge_takes_what_is_old_out_of_the_file(sqlite_ledger: SqliteLedger) -> None:
    sqlite_ledger.put_many(
        [
            replace(answer("OLDOLDOLD"), query="an old question"),
            answer("NEW", fetched_at=THEN + timedelta(days=40)),
        ]
    )
    assert sqlite_ledger.purge(THEN + timedelta(days=30)) == 1
    assert sqlite_ledger.count() == {"search": 1}
    on_disk = b"".join(path.read_bytes() for path in sqlite_ledger.path.parent.glob("ledger.sqlite*"))
    assert b"an old question" not in on_disk and b"OLDOLDOLD" not in on_disk


def test_a_ledger_opened_to_read_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(LedgerUnusable, match="unable to open"):
        SqliteLedger(path, source="api", read_only=True)
    assert not path.exists()
    with closing(SqliteLedger(path, source="api")) as writer:
        writer.put_many([answer("TRA")])
        with closing(SqliteLedger(path, source="api", read_only=True)) as reader:
            assert reader.count() == {"search": 1}
            with pytest.raises(LedgerUnusable, match="readonly"):
                reader.put_many([answer("TRB")])
            writer.put_many([answer("TRC")])
            assert reader.count() == {"search": 2}

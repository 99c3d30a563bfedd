"""A ledger in one SQLite file, for one machine. What a ledger promises is in `ledger`."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock
import orjson

from music_assets.sources.ledger.errors import LedgerInUse, LedgerUnusable
from music_assets.sources.ledger.ledger import Answer, Key

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    source TEXT NOT NULL, purpose TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL,
    status TEXT NOT NULL, question TEXT, asked INTEGER NOT NULL, mode TEXT NOT NULL,
    fetched_at REAL NOT NULL, body BLOB,
    UNIQUE (source, purpose, entity, id)
)"""


class SqliteLedger:
    """A ledger in one SQLite file, for answers of one `source` (`api` or `sandbox`).

    Written through a write-ahead log, so every answer outlives a kill of the process; those of `api` are
    synced to disk one by one. Every method raises `LedgerUnusable` where the file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str], *, source: str) -> None:
        self.path = Path(path)
        self.source = source
        self._lock = threading.Lock()
        with self._or_unusable():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise LedgerUnusable(str(self.path), f"it has version {version}, this program knows {_VERSION}")
        self._db.execute("PRAGMA journal_mode = WAL")
        # A real request is worth a sync of the disk, so that its answer survives a power cut too; the
        # sandbox's cost nothing. Either way an answer outlives the process.
        self._db.execute(f"PRAGMA synchronous = {'NORMAL' if self.source == 'sandbox' else 'FULL'}")
        self._db.execute("PRAGMA secure_delete = ON")  # what is purged is gone from the file
        self._db.execute(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Answer]:
        """The answers there are to these questions, in the order asked; one query for a few hundred."""
        keys = list(keys)
        by_kind: dict[tuple[str, str], list[str]] = {}
        for key in keys:
            by_kind.setdefault((key.purpose, key.entity), []).append(key.id)
        found: dict[Key, Answer] = {}
        with self._or_unusable():
            for (purpose, entity), ids in by_kind.items():
                for start in range(0, len(ids), 500):
                    found |= self._get(purpose, entity, ids[start : start + 500])
        return {key: found[key] for key in keys if key in found}

    def _get(self, purpose: str, entity: str, ids: list[str]) -> dict[Key, Answer]:
        sql = (
            "SELECT id, status, question, fetched_at, mode, body, asked FROM answers "
            f"WHERE source = ? AND purpose = ? AND entity = ? AND id IN ({','.join('?' * len(ids))})"
        )
        with self._lock:
            rows = self._db.execute(sql, [self.source, purpose, entity, *ids]).fetchall()
        keys = [Key(entity, id_, purpose) for id_, *_ in rows]
        return {key: _answer(key, *values) for key, (_, *values) in zip(keys, rows, strict=True)}

    def put(self, answer: Answer) -> None:
        """Keep one answer; it is durable once this returns."""
        self.put_many([answer])

    def put_many(self, answers: Iterable[Answer]) -> None:
        """Keep these answers in one transaction, in place of older ones."""
        rows = [
            (
                *(self.source, a.key.purpose, a.key.entity, a.key.id, a.status, a.question, a.asked, a.mode),
                *(a.fetched_at.timestamp(), None if a.body is None else zlib.compress(orjson.dumps(a.body))),
            )
            for a in answers
        ]
        with self._or_unusable(), self._lock, self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO answers (source, purpose, entity, id, status, question, asked, mode, "
                "fetched_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def count(self) -> dict[str, int]:
        """How many answers there are of this source, by purpose."""
        with self._or_unusable(), self._lock:
            rows = self._db.execute(
                "SELECT purpose, count(*) FROM answers WHERE source = ? GROUP BY purpose ORDER BY purpose",
                [self.source],
            ).fetchall()
        return dict(rows)

    def purge(self, before: datetime) -> int:
        """Delete what was fetched before that moment for good, and say how many answers that were.

        Spotify's Developer Terms (v10, 15 May 2025) forbid keeping its content without end.
        """
        with self._or_unusable(), self._lock:
            with self._transaction():
                gone = self._db.execute(
                    "DELETE FROM answers WHERE source = ? AND fetched_at < ?",
                    [self.source, before.timestamp()],
                ).rowcount
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    @contextlib.contextmanager
    def spender(self, wait: float = 10.0) -> Iterator[None]:
        """Hold the right to spend requests; raises `LedgerInUse`, naming the holder, after `wait` seconds.

        A file lock beside the ledger, which the system drops with the process however it ends. The note of
        who holds it is a second file, since opening a lock file empties it.
        """
        note = self.path.with_name(self.path.name + ".holder.json")
        lock = filelock.FileLock(self.path.with_name(self.path.name + ".lock"), thread_local=False)
        try:
            lock.acquire(timeout=wait)
        except filelock.Timeout:
            raise LedgerInUse(str(self.path), _read_note(note)) from None
        try:
            since = datetime.now(UTC).isoformat(timespec="seconds")
            note.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}))
            yield
        finally:
            note.unlink(missing_ok=True)
            lock.release()

    def close(self) -> None:
        """Close the file; the ledger cannot be used after that."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _or_unusable(self) -> Iterator[None]:
        """Name what the file system or SQLite has against the file: full, read-only, damaged, no ledger."""
        try:
            yield
        except (OSError, sqlite3.Error, zlib.error, orjson.JSONDecodeError) as error:
            raise LedgerUnusable(str(self.path), str(error)) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _answer(
    key: Key, status: str, question: str | None, fetched_at: float, mode: str, body: bytes | None, asked: int
) -> Answer:
    return Answer(
        key=key,
        status=status,
        question=question,
        fetched_at=datetime.fromtimestamp(fetched_at, UTC),
        mode=mode,
        body=None if body is None else orjson.loads(zlib.decompress(body)),
        asked=asked,
    )


def _read_note(note: Path) -> Mapping[str, Any]:
    try:
        holder = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}

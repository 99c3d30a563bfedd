"""A ledger in one SQLite file, for one machine. What a ledger promises is in `ledger`."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import filelock
import orjson

from music_assets.sources.ledger.bodies import pack, unpack
from music_assets.sources.ledger.errors import LedgerInUse, LedgerUnusable
from music_assets.sources.ledger.ledger import Key, RequestLock, Response, holders_note

_VERSION = 2  # 1 had answers alone
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS answers (
        source TEXT NOT NULL, purpose TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL,
        status TEXT NOT NULL, question TEXT, asked INTEGER NOT NULL, mode TEXT NOT NULL,
        fetched_at REAL NOT NULL, body BLOB,
        UNIQUE (source, purpose, entity, id)
    )""",
    "CREATE INDEX IF NOT EXISTS answers_by_age ON answers (source, purpose, status, fetched_at)",
    """CREATE TABLE IF NOT EXISTS spent (
        source TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (source, day, kind)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS facts (
        source TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (source, name)
    ) WITHOUT ROWID""",
)
_PURGED_AT_ONCE = 5000  # answers a transaction: what is being deleted is on the disk twice meanwhile


class SqliteLedger:
    """A ledger in one SQLite file, for answers of one `source` (`api`, `sandbox`, …).

    Written through a write-ahead log, so every answer outlives a kill of the process; all but the
    sandbox's are synced to disk one by one. Every method raises `LedgerUnusable` where the file cannot be
    used. With `read_only` nothing can be written, and the file must be there.
    """

    def __init__(self, path: str | os.PathLike[str], *, source: str, read_only: bool = False) -> None:
        self.path = Path(path)
        self.source = source
        self._lock = threading.Lock()
        with self._or_unusable():
            if read_only:
                place = f"{self.path.absolute().as_uri()}?mode=ro"
                self._db = sqlite3.connect(place, uri=True, check_same_thread=False, timeout=30)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise LedgerUnusable(
                str(self.path),
                f"it has version {version}, this program knows {_VERSION} and earlier ones",
                "Update this program, or name another ledger.",
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        # A real request is worth a sync of the disk, so that its answer survives a power cut too; the
        # sandbox's cost nothing. Either way an answer outlives the process.
        self._db.execute(f"PRAGMA synchronous = {'NORMAL' if self.source == 'sandbox' else 'FULL'}")
        self._db.execute("PRAGMA secure_delete = ON")  # what is purged is gone from the file
        if version < _VERSION:
            with self._transaction():
                for statement in _SCHEMA:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Response]:
        """The answers there are to these questions, in the order asked; one query for a few hundred."""
        keys = list(keys)
        by_kind: dict[tuple[str, str], list[str]] = {}
        for key in keys:
            by_kind.setdefault((key.purpose, key.entity), []).append(key.id)
        found: dict[Key, Response] = {}
        with self._or_unusable():
            for (purpose, entity), ids in by_kind.items():
                for start in range(0, len(ids), 500):
                    found |= self._get(purpose, entity, ids[start : start + 500])
        return {key: found[key] for key in keys if key in found}

    def _get(self, purpose: str, entity: str, ids: list[str]) -> dict[Key, Response]:
        sql = (
            "SELECT id, status, question, fetched_at, mode, body, asked FROM answers "
            f"WHERE source = ? AND purpose = ? AND entity = ? AND id IN ({','.join('?' * len(ids))})"
        )
        with self._lock:
            rows = self._db.execute(sql, [self.source, purpose, entity, *ids]).fetchall()
        keys = [Key(entity, id_, purpose) for id_, *_ in rows]
        return {key: _answer(key, *values) for key, (_, *values) in zip(keys, rows, strict=True)}

    def put_many(self, answers: Iterable[Response]) -> None:
        """Keep these answers in one transaction, in place of older ones."""
        rows = [
            (
                *(self.source, a.key.purpose, a.key.entity, a.key.id, a.status, a.query, a.attempts, a.mode),
                *(a.fetched_at.timestamp(), pack(a.body)),
            )
            for a in answers
        ]
        with self._or_unusable(), self._lock, self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO answers (source, purpose, entity, id, status, question, asked, mode, "
                "fetched_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def count(self, before: datetime | None = None) -> dict[str, int]:
        """How many answers there are of this source (fetched before that moment), by purpose."""
        moment = math.inf if before is None else before.timestamp()
        with self._or_unusable(), self._lock:
            rows = self._db.execute(
                "SELECT purpose, count(*) FROM answers WHERE source = ? AND fetched_at < ? "
                "GROUP BY purpose ORDER BY purpose",
                [self.source, moment],
            ).fetchall()
        return dict(rows)

    def purge(self, before: datetime | None = None) -> int:
        """Delete what was fetched before that moment (or all) for good, and say how many answers that were.

        Spotify's Developer Terms (v10, 15 May 2025) forbid keeping its content without end. The file keeps
        its size; what is freed in it is filled with zeros and used again.
        """
        moment = math.inf if before is None else before.timestamp()
        gone = 0
        with self._or_unusable():
            while deleted := self._purge_some(moment):
                gone += deleted
            with self._lock:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _purge_some(self, moment: float) -> int:
        with self._lock, self._transaction():
            return self._db.execute(
                "DELETE FROM answers WHERE rowid IN "
                "(SELECT rowid FROM answers WHERE source = ? AND fetched_at < ? LIMIT ?)",
                [self.source, moment, _PURGED_AT_ONCE],
            ).rowcount

    def record_request(self, kind: str, at: datetime, count: int = 1) -> None:
        """Count requests of this kind on the UTC day of `at`."""
        with self._or_unusable(), self._lock:
            self._db.execute(
                "INSERT INTO spent (source, day, kind, count) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET count = count + excluded.count",
                [self.source, at.astimezone(UTC).date().isoformat(), kind, count],
            )

    def request_counts(self, day: date | None = None) -> dict[str, int]:
        """The requests counted on that UTC day, by kind; on all days if None."""
        with self._or_unusable(), self._lock:
            rows = self._db.execute(
                "SELECT kind, sum(count) FROM spent WHERE source = ? AND day = coalesce(?, day) "
                "GROUP BY kind ORDER BY kind",
                [self.source, day and day.isoformat()],
            ).fetchall()
        return dict(rows)

    def set_state(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Keep a small fact, in place of the one of that name; None forgets it."""
        with self._or_unusable(), self._lock:
            if value is None:
                self._db.execute("DELETE FROM facts WHERE source = ? AND name = ?", [self.source, name])
                return
            self._db.execute(
                "INSERT OR REPLACE INTO facts (source, name, value) VALUES (?, ?, ?)",
                [self.source, name, orjson.dumps(dict(value)).decode()],
            )

    def get_state(self, name: str) -> dict[str, Any] | None:
        """The fact of that name, if there is one."""
        with self._or_unusable(), self._lock:
            row = self._db.execute(
                "SELECT value FROM facts WHERE source = ? AND name = ?", [self.source, name]
            ).fetchone()
            return None if row is None else dict(orjson.loads(row[0]))

    @contextlib.contextmanager
    def request_lock(
        self, wait: float = 10.0, note: Mapping[str, Any] | None = None
    ) -> Iterator[RequestLock]:
        """Hold the right to spend requests; raises `LedgerInUse`, naming the holder, after `wait` seconds.

        A file lock beside the ledger, which the system drops with the process however it ends. The note of
        who holds it is a second file, since opening a lock file empties it; one that is still there when
        the lock is free was left by a holder that died.
        """
        lock = self._spenders_lock()
        with self._or_unusable():
            try:
                # At least a moment: `holder` may have the lock for an instant.
                lock.acquire(timeout=max(wait, 0.1), poll_interval=0.02)
            except filelock.Timeout:
                raise LedgerInUse(str(self.path), self._read_note() or {}) from None
        try:
            with self._or_unusable():
                predecessor = self._read_note()
                self._write_note(holders_note(note))
            yield RequestLock(predecessor)
        finally:
            self._note.unlink(missing_ok=True)
            lock.release()

    def holder(self) -> dict[str, Any] | None:
        """The note of whoever holds the right to spend now; None where nobody does."""
        with self._or_unusable():
            note = self._read_note()
            if note is None:
                return None
            lock = self._spenders_lock()
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                return note
            lock.release()
            return None

    def close(self) -> None:
        """Close the file; the ledger cannot be used after that."""
        with self._lock:
            self._db.close()

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.{self.source}.holder.json")

    def _spenders_lock(self) -> filelock.BaseFileLock:
        return filelock.FileLock(
            self.path.with_name(f"{self.path.name}.{self.source}.lock"), thread_local=False
        )

    def _read_note(self) -> dict[str, Any] | None:
        try:
            note = orjson.loads(self._note.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return note if isinstance(note, dict) else None

    def _write_note(self, note: Mapping[str, Any]) -> None:
        """At once, so that no reader meets half of it."""
        fresh = self._note.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(note))
        os.replace(fresh, self._note)

    @contextlib.contextmanager
    def _or_unusable(self) -> Iterator[None]:
        """Name what the file system or SQLite has against the file: full, read-only, damaged, no ledger."""
        try:
            yield
        except (OSError, sqlite3.Error, ValueError) as error:
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
) -> Response:
    return Response(
        key=key,
        status=status,
        query=question,
        fetched_at=datetime.fromtimestamp(fetched_at, UTC),
        mode=mode,
        body=unpack(body),
        attempts=asked,
    )

"""The request lock: of all processes that share a ledger, one may send requests at a time.

It ends with its process however that ends, and needs no clock: SQLite's is the lock of a file, which the
system drops; PostgreSQL's is an advisory lock, which the server drops with the session. The note of who holds
it is stored by `ledger`.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import filelock
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from music_assets.sources.ledger.database import Database
from music_assets.sources.ledger.errors import LedgerInUse

_POLL_S = 0.05
_LEAST_WAIT_S = 0.1  # whoever looks whether the lock is held has it for an instant
StillHeld = Callable[[], bool]


class RequestLock:
    """The lock, while its context lasts; safe to use from several threads.

    `predecessor` is the note of a process that died while it held the lock, if one did: `pid`, `host`,
    `since` (ISO 8601, UTC) and whatever else it gave.
    """

    def __init__(self, where: str, predecessor: dict[str, Any] | None, still_held: StillHeld) -> None:
        self.predecessor = predecessor
        self._where = where
        self._still_held = still_held
        self._guard = threading.Lock()
        self._lost = False

    def check(self) -> None:
        """Raise `LedgerInUse` once the lock was lost, and ever after; call it before each request."""
        with self._guard:
            self._lost = self._lost or not self._still_held()
            if self._lost:
                raise LedgerInUse(self._where, {}, lost=True)


@contextlib.contextmanager
def hold(database: Database, source: str, wait: float) -> Iterator[StillHeld | None]:
    """Hold the lock of a source: gives what says whether it is still held; None after `wait` seconds."""
    how = _hold_file if database.is_sqlite else _hold_session
    with how(database, source, max(wait, _LEAST_WAIT_S)) as still_held:
        yield still_held


@contextlib.contextmanager
def _hold_file(database: Database, source: str, wait: float) -> Iterator[StillHeld | None]:
    lock = filelock.FileLock(f"{database.path}.{source}.lock", thread_local=False)
    with database.named_errors(), contextlib.suppress(filelock.Timeout):
        lock.acquire(timeout=wait, poll_interval=_POLL_S)
    try:
        yield (lambda: True) if lock.is_locked else None
    finally:
        lock.release()


@contextlib.contextmanager
def _hold_session(database: Database, source: str, wait: float) -> Iterator[StillHeld | None]:
    """Hold an advisory lock by a connection of its own, which is the lock's life."""
    key = int.from_bytes(hashlib.sha256(f"music-assets/{source}".encode()).digest()[:8], signed=True)
    give_up = time.monotonic() + wait
    with contextlib.ExitStack() as stack:
        with database.named_errors():
            connection = stack.enter_context(database.engine.connect())
            connection.detach()  # no pool takes it back: it is closed at the end
            while not (held := connection.scalar(sa.func.pg_try_advisory_lock(key).select())):
                if time.monotonic() >= give_up:
                    break
                time.sleep(_POLL_S)

        def still_held() -> bool:
            with contextlib.suppress(SQLAlchemyError):
                return connection.scalar(sa.func.pg_backend_pid().select()) is not None
            return False

        yield still_held if held else None

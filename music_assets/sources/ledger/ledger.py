"""What callers use: cached responses, request counts, state and the request lock of one source."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from music_assets.sources.ledger.database import Database
from music_assets.sources.ledger.errors import LedgerInUse, LedgerUnusable
from music_assets.sources.ledger.lock import RequestLock, hold
from music_assets.sources.ledger.records import Key, Response, pack, unpack
from music_assets.sources.ledger.schema import HOLDER, REQUESTS, RESPONSES, STATE

_IDS_PER_QUERY = 500
_PURGED_AT_ONCE = 5000  # responses per transaction in a file: what is being deleted is in its log, too
# Statements are built once, as that takes longer than to execute them.
_OF_A_KIND = sa.select(
    *(
        RESPONSES.c[name]
        for name in ("id", "status", "query", "fetched_at", "mode", "body", "attempts", "checks", "retry")
    )
).where(*(RESPONSES.c[name] == sa.bindparam(name) for name in ("source", "purpose", "entity")))
_OF_ONE_ID = _OF_A_KIND.where(RESPONSES.c.id == sa.bindparam("id"))
_OF_IDS = _OF_A_KIND.where(RESPONSES.c.id.in_(sa.bindparam("ids", expanding=True)))
_STATE_OF = sa.select(STATE.c.value).where(
    STATE.c.source == sa.bindparam("source"), STATE.c.name == sa.bindparam("name")
)


def open_ledger(setting: str | os.PathLike[str], *, source: str, reading: bool = False) -> Ledger:
    """The ledger that a setting names, for responses of one `source` (`api`, `sandbox`, …).

    A path or `sqlite:///path` is a file, `postgresql://user@host/database` a database that machines share.
    A real request is worth a sync of the disk; the sandbox's cost nothing, and are not synced one by one.
    Who is only `reading` may read a file that this process cannot write to.

    Raises:
        LedgerUnusable: the setting has none of these forms, or the ledger cannot be used.
    """
    return Ledger(Database(setting, synced=source != "sandbox", reading=reading), source=source)


class Ledger:
    """Responses of one source in a database that may serve several; safe to use from several threads.

    What is written is durable once the method returns: it outlives a kill of the process. Every method raises
    `LedgerUnusable` where the database cannot be used.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        self.database = database
        self.source = source
        self.where = database.where

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Response]:
        """The responses that are cached under these keys, in the keys' order."""
        keys = list(keys)
        if not keys:
            return {}
        by_kind: dict[tuple[str, str], list[str]] = {}
        for key in keys:
            by_kind.setdefault((key.purpose, key.entity), []).append(key.id)
        found: dict[Key, Response] = {}
        with self.database.connection() as connection:
            for (purpose, entity), ids in by_kind.items():
                for start in range(0, len(ids), _IDS_PER_QUERY):
                    some = ids[start : start + _IDS_PER_QUERY]
                    kind = {"source": self.source, "purpose": purpose, "entity": entity}
                    if len(some) == 1:
                        rows = connection.execute(_OF_ONE_ID, {**kind, "id": some[0]})
                    else:
                        rows = connection.execute(_OF_IDS, {**kind, "ids": some})
                    for id_, *values in rows:
                        key = Key(entity, id_, purpose)
                        found[key] = self._response(key, *values)
        return {key: found[key] for key in keys if key in found}

    def put_many(self, responses: Iterable[Response]) -> None:
        """Cache these responses in one transaction, in place of older ones; of several, the last."""
        rows = {
            response.key: {
                "source": self.source,
                **response.key._asdict(),
                "status": response.status,
                "query": response.query,
                "attempts": response.attempts,
                "mode": response.mode,
                "fetched_at": response.fetched_at.timestamp(),
                "body": pack(response.body),
                "checks": 1,
                "retry": False,
            }
            for response in responses
        }
        # Sorted, so that two processes never wait for one another's rows.
        values = [rows[key] for key in sorted(rows)]
        if values:
            self._execute(self.database.upsert(RESPONSES), values if len(values) > 1 else values[0])

    def count(self, before: datetime | None = None, *, keep: Collection[str] = ()) -> dict[str, int]:
        """How many responses are cached (fetched before that moment), by purpose, without those to `keep`.

        As in `count_states`, `settled` songs and the like are none.
        """
        purpose = RESPONSES.c.purpose
        which = (*self._older_than(before, keep), RESPONSES.c.attempts > 0)
        counts = sa.select(purpose, sa.func.count()).where(*which).group_by(purpose)
        with self.database.connection() as connection:
            return dict(connection.execute(counts.order_by(purpose)).all())

    def count_queries(self, purpose: str, words: Iterable[str]) -> dict[str, int]:
        """How many responses of a purpose are cached whose query begins with each of these words."""
        query, words = RESPONSES.c.query, list(words)
        counts = [sa.func.count().filter(query.startswith(f"{word} ", autoescape=True)) for word in words]
        of = (RESPONSES.c.source == self.source, RESPONSES.c.purpose == purpose)
        with self.database.connection() as connection:
            row = connection.execute(sa.select(*counts).where(*of)).one()
        return dict(zip(words, map(int, row), strict=True))

    def count_states(self) -> dict[str, int]:
        """How many responses are cached, by state (`lifetimes`); `settled` songs and the like are none."""
        state = RESPONSES.c.status
        counts = sa.select(state, sa.func.count()).where(
            RESPONSES.c.source == self.source, RESPONSES.c.attempts > 0
        )
        with self.database.connection() as connection:
            return dict(connection.execute(counts.group_by(state).order_by(state)).all())

    def retry(self, states: Iterable[str]) -> int:
        """Have the responses in these states requested again; returns how many they are."""
        which = (RESPONSES.c.source == self.source, RESPONSES.c.status.in_(list(states)))
        return self._execute(sa.update(RESPONSES).where(*which).values(retry=True))

    def misses(self, purpose: str, before: datetime) -> list[str]:
        """The ids not found for a purpose up to that moment, and those that `retry` marked."""
        due = sa.or_(RESPONSES.c.fetched_at <= before.timestamp(), RESPONSES.c.retry)
        which = (RESPONSES.c.purpose == purpose, RESPONSES.c.status == "not_found", due)
        query = sa.select(RESPONSES.c.id).where(RESPONSES.c.source == self.source, *which)
        with self.database.connection() as connection:
            return list(connection.scalars(query))

    def purge(self, before: datetime | None = None, *, keep: Collection[str] = ()) -> int:
        """Delete the responses fetched before that moment, or all, for good; returns how many they were.

        Those for the purposes to `keep` stay, as open data does.

        Spotify's Developer Terms (v10, 15 May 2025) forbid keeping its content without end. Counts and state
        stay: they are not content of the source's. A file keeps its size: what is freed in it is filled with
        zeros and used again. PostgreSQL's backups are out of reach.
        """
        key = RESPONSES.primary_key.columns
        some = sa.select(*key).where(*self._older_than(before, keep)).limit(_PURGED_AT_ONCE)
        purged = 0
        while deleted := self._execute(sa.delete(RESPONSES).where(sa.tuple_(*key).in_(some))):
            purged += deleted
        self.database.vacuum(RESPONSES)
        return purged

    def record_request(self, kind: str, at: datetime, count: int = 1) -> None:
        """Count requests of this kind at that moment, before they leave; take back with -1 what could not."""
        minute = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
        row = {"source": self.source, "minute": minute, "kind": kind, "count": count}
        self._execute(self.database.upsert(REQUESTS, add="count"), row)

    def request_counts(self, day: date | None = None) -> dict[str, int]:
        """The requests counted on that UTC day, by kind; on all days if None."""
        kind = REQUESTS.c.kind
        counts = sa.select(kind, sa.func.sum(REQUESTS.c.count)).where(REQUESTS.c.source == self.source)
        if day is not None:
            counts = counts.where(REQUESTS.c.minute.between(f"{day}T00", f"{day}T24"))
        with self.database.connection() as connection:
            rows = connection.execute(counts.group_by(kind).order_by(kind))
            return {name: int(number) for name, number in rows if number}

    def requests_since(self, moment: datetime) -> list[tuple[datetime, str, int]]:
        """The requests counted after that moment: the end of the minute they were sent in, kind, count.

        Earlier versions counted by the hour: theirs count at its end.
        """
        columns = (REQUESTS.c.minute, REQUESTS.c.kind, REQUESTS.c.count)
        first = moment.astimezone(UTC).strftime("%Y-%m-%dT%H")
        some = sa.select(*columns).where(REQUESTS.c.source == self.source, REQUESTS.c.minute >= first)
        with self.database.connection() as connection:
            rows = connection.execute(some).all()
        ends = [
            datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(minutes=1 if ":" in text else 60)
            for text, *_ in rows
        ]
        return [(at, kind, count) for at, (_, kind, count) in zip(ends, rows, strict=True) if at > moment]

    def set_state(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Store a small value (JSON) under a name, in place of an older one; None removes it."""
        if value is None:
            self._execute(sa.delete(STATE).where(STATE.c.source == self.source, STATE.c.name == name))
            return
        row = {"source": self.source, "name": name, "value": orjson.dumps(dict(value)).decode()}
        self._execute(self.database.upsert(STATE), row)

    def get_state(self, name: str) -> dict[str, Any] | None:
        """The value stored under that name, if there is one."""
        with self.database.connection() as connection:
            value = connection.scalar(_STATE_OF, {"source": self.source, "name": name})
        return None if value is None else dict(orjson.loads(value))

    @contextlib.contextmanager
    def request_lock(
        self, wait: float = 10.0, note: Mapping[str, Any] | None = None
    ) -> Iterator[RequestLock]:
        """Hold the request lock: one process at a time, until the context ends, or the process, however.

        `note` is for others to read meanwhile, and for a successor if this process dies.

        Raises:
            LedgerInUse: another held it for `wait` seconds; it is named.
        """
        since = datetime.now(UTC).isoformat(timespec="milliseconds")
        mine = {**(note or {}), "pid": os.getpid(), "host": socket.gethostname(), "since": since}
        with hold(self.database, self.source, wait) as still_held:
            predecessor = self.get_state(HOLDER)
            if still_held is None:
                raise LedgerInUse(self.where, predecessor or {})
            self.set_state(HOLDER, mine)
            try:
                yield RequestLock(self.where, predecessor, still_held)
            finally:
                # Where the lock was lost the note may be another's by now; where it cannot be removed it is
                # taken for that of a process that died.
                with contextlib.suppress(LedgerUnusable):
                    if self.get_state(HOLDER) == mine:
                        self.set_state(HOLDER, None)

    def holder(self) -> dict[str, Any] | None:
        """The note of the process that holds the request lock now; None where none does, or none can."""
        note = self.get_state(HOLDER)
        if note is None or self.database.is_read_only:
            return None
        with hold(self.database, self.source, wait=0) as free:
            return None if free else note

    def close(self) -> None:
        """Close the connections; the ledger cannot be used after that."""
        self.database.close()

    def _older_than(self, before: datetime | None, keep: Collection[str]) -> list[sa.ColumnElement[bool]]:
        kept = [RESPONSES.c.purpose.not_in(list(keep))] if keep else []
        old = [] if before is None else [RESPONSES.c.fetched_at < before.timestamp()]
        return [RESPONSES.c.source == self.source, *kept, *old]

    def _execute(self, statement: sa.Executable, values: Any = None) -> int:
        database = self.database
        with database.transaction() if isinstance(values, list) else database.connection() as connection:
            return int(connection.execute(statement, values).rowcount)

    def _response(
        self, key: Key, status: str, query: str, fetched_at: float, mode: str, body: bytes, *counts: Any
    ) -> Response:
        try:
            unpacked = unpack(body)
        except ValueError as error:
            advice = "Put a backup in its place, or delete that row."
            raise LedgerUnusable(self.where, f"{'/'.join(key)}: {error}", advice) from None
        moment = datetime.fromtimestamp(fetched_at, UTC)
        return Response(key, status, query, moment, mode, unpacked, *counts)

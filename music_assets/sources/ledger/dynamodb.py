"""A ledger in a DynamoDB table, for processes on several machines. What a ledger promises is in `ledger`.

What the items are is here; the table itself (its keys and index) is in `table`, the right to spend in
`lease`. One table serves every source:

    key                                      kind (of the index)                 moment      it holds
    answer#<source>#<purpose>#<entity>#<id>  answer#<source>#<purpose>#<status>  fetched_at  an answer
    part#<source>#<random>#<n>               -                                   fetched_at  of a large body
    spent#<source>#<day>                     spent#<source>                      the day     n_<kind>: count
    fact#<source>#<name>                     -                                   -           a fact
    lease#<source>                           -                                   -           who may spend
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from itertools import islice
from typing import Any

import orjson

from music_assets.sources.ledger.bodies import pack, unpack
from music_assets.sources.ledger.errors import LedgerUnusable
from music_assets.sources.ledger.lease import Lease, holder_of
from music_assets.sources.ledger.ledger import Key, RequestLock, Response, holders_note
from music_assets.sources.ledger.table import INDEX, Item, Table, typed

_PART = 350_000  # bytes of a body to an item, which may have 400 KB (400 * 1024 bytes)
_DELETERS = 8
_COUNTER = "n_"  # before the kind of request, in the name of an attribute


class DynamoDBLedger:
    """A ledger of one `source` in a table that serves all of them.

    `lease` is how many seconds the right to spend outlives a process that died; `clock` (seconds since
    1970) tells when it ends.
    """

    def __init__(
        self, table: Table, *, source: str, lease: float = 60.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.table = table
        self.source = _without_separator(source)
        self._lease = lease
        self._clock = clock

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Response]:
        """The answers there are to these questions, in the order asked; a request for a hundred."""
        by_item = {self._answer_key(key): key for key in keys}
        items = self.table.get(by_item)
        wanted = [part["S"] for item in items.values() for part in item.get("parts", {"L": []})["L"]]
        parts = self.table.get(wanted) if wanted else {}
        found: dict[Key, Response] = {}
        for name, key in by_item.items():
            with contextlib.suppress(KeyError):  # not there, or parts of it were purged this moment
                found[key] = self._answer(key, items[name], parts)
        return found

    def put_many(self, answers: Iterable[Response]) -> None:
        """Keep these answers, in place of older ones; each is whole or not there."""
        items: list[Item] = []
        for answer in answers:
            *parts, item = self._items(answer)
            if parts:
                self.table.put(parts)  # before the item that names them
            items.append(item)
        self.table.put(items)

    def count(self, before: datetime | None = None) -> dict[str, int]:
        """How many answers there are (fetched before that moment), by purpose; reads the whole index."""
        condition, values = "begins_with(#kind, :of)", {"of": f"answer#{self.source}#"}
        if before is None:
            kinds = self.table.scan(condition, index=INDEX, **values)
        else:
            condition = f"{condition} AND #moment < :before"
            kinds = self.table.scan(condition, index=INDEX, **values, before=before.timestamp())
        return dict(sorted(Counter(item["kind"]["S"].split("#")[2] for item in kinds).items()))

    def purge(self, before: datetime | None = None) -> int:
        """Delete what was fetched before that moment (or all), and say how many answers that were.

        Reads the whole table, so that nothing is missed. Spotify's Developer Terms (v10, 15 May 2025) forbid
        keeping its content without end. A table's backups and exports are not reached.
        """
        of = {"answers": f"answer#{self.source}#", "parts": f"part#{self.source}#"}
        values: dict[str, Any] = {}
        still = "attribute_exists(#key)"
        chosen = "(begins_with(#key, :answers) OR begins_with(#key, :parts))"
        if before is not None:
            values = {"before": before.timestamp()}
            still = f"{still} AND #moment < :before"
            chosen = f"{chosen} AND #moment < :before"

        def delete(name: str) -> bool:
            # It may have been fetched again since it was read.
            return self.table.delete(name, still, **values) and name.startswith(of["answers"])

        with ThreadPoolExecutor(_DELETERS) as pool:
            names = (item["key"]["S"] for item in self.table.scan(chosen, **of, **values))
            return sum(sum(pool.map(delete, some)) for some in _some(names, 1000))

    def record_request(self, kind: str, at: datetime, count: int = 1) -> None:
        """Count requests of this kind on the UTC day of `at`.

        Where an answer of DynamoDB's is lost on the way it may count twice: rather too much than too little.
        """
        day = at.astimezone(UTC).date()
        self.table.update(
            f"spent#{self.source}#{day}",
            "ADD #count :count SET #kind = :kind, #moment = :day",
            names={"count": f"{_COUNTER}{kind}"},
            count=count,
            kind=f"spent#{self.source}",
            day=datetime.combine(day, time_of_day(), UTC).timestamp(),
        )

    def request_counts(self, day: date | None = None) -> dict[str, int]:
        """The requests counted on that UTC day, by kind; on all days if None."""
        days = [f"spent#{self.source}#{day}"]
        if day is None:
            found = self.table.query("#kind = :kind", kind=f"spent#{self.source}")
            days = [item["key"]["S"] for item in found]
        total: Counter[str] = Counter()
        for item in self.table.get(days).values():
            counts = {name: value for name, value in item.items() if name.startswith(_COUNTER)}
            total.update({name.removeprefix(_COUNTER): int(count["N"]) for name, count in counts.items()})
        return dict(sorted(total.items()))

    def set_state(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Keep a small fact, in place of the one of that name; None forgets it."""
        key = f"fact#{self.source}#{name}"
        if value is None:
            self.table.delete(key, "attribute_exists(#key)")
        else:
            self.table.put([{"key": typed(key), "value": typed(orjson.dumps(dict(value)).decode())}])

    def get_state(self, name: str) -> dict[str, Any] | None:
        """The fact of that name, if there is one."""
        key = f"fact#{self.source}#{name}"
        item = self.table.get([key]).get(key)
        return None if item is None else dict(orjson.loads(item["value"]["S"]))

    @contextlib.contextmanager
    def request_lock(
        self, wait: float = 10.0, note: Mapping[str, Any] | None = None
    ) -> Iterator[RequestLock]:
        """Hold the right to spend requests; raises `LedgerInUse`, naming the holder, after `wait` seconds.

        A holder that died is in the way until its lease ends.
        """
        lease = Lease(self.table, self._lease_key, holders_note(note), ttl=self._lease, clock=self._clock)
        lease.take(wait)
        try:
            yield lease
        finally:
            lease.give_back()

    def holder(self) -> dict[str, Any] | None:
        """The note of whoever holds the right to spend now; one that just died counts till its lease ends."""
        return holder_of(self.table, self._lease_key, self._clock())

    def close(self) -> None:
        """Close the connections; the ledger cannot be used after that."""
        self.table.close()

    @property
    def _lease_key(self) -> str:
        return f"lease#{self.source}"

    def _answer_key(self, key: Key) -> str:
        entity, purpose = _without_separator(key.entity), _without_separator(key.purpose)
        return f"answer#{self.source}#{purpose}#{entity}#{key.id}"

    def _items(self, answer: Response) -> list[Item]:
        """The item of an answer, last; before it the pieces of a body that is too large for it."""
        moment = typed(answer.fetched_at.timestamp())
        item = {
            "key": typed(self._answer_key(answer.key)),
            "kind": typed(f"answer#{self.source}#{answer.key.purpose}#{_without_separator(answer.status)}"),
            "moment": moment,
            "asked": typed(answer.attempts),
            "mode": typed(answer.mode),
        }
        if answer.query is not None:
            item["question"] = typed(answer.query)
        body = pack(answer.body)
        if body is None:
            return [item]
        if len(body) <= _PART:
            return [{**item, "body": typed(body)}]
        stem = f"part#{self.source}#{uuid.uuid4().hex}"  # never those of the answer this one replaces
        pieces = [body[start : start + _PART] for start in range(0, len(body), _PART)]
        parts = [
            {"key": typed(f"{stem}#{n}"), "moment": moment, "body": typed(piece)}
            for n, piece in enumerate(pieces)
        ]
        return [*parts, {**item, "parts": {"L": [part["key"] for part in parts]}}]

    def _answer(self, key: Key, item: Item, parts: Mapping[str, Item]) -> Response:
        """The answer an item holds; `KeyError` where a part is missing."""
        body: bytes | None = item["body"]["B"] if "body" in item else None
        if "parts" in item:
            body = b"".join(parts[part["S"]]["body"]["B"] for part in item["parts"]["L"])
        try:
            unpacked = unpack(body)
        except ValueError as error:
            raise LedgerUnusable(
                self.table.where, f"{item['key']['S']}: {error}", "Restore the table, or delete that item."
            ) from None
        return Response(
            key=key,
            status=item["kind"]["S"].rpartition("#")[2],
            query=item["question"]["S"] if "question" in item else None,
            fetched_at=datetime.fromtimestamp(float(item["moment"]["N"]), UTC),
            mode=item["mode"]["S"],
            body=unpacked,
            attempts=int(item["asked"]["N"]),
        )


def _key(name: str) -> Key:
    _, _, purpose, entity, id_ = name.split("#", 4)
    return Key(entity, id_, purpose)


def _without_separator(name: str) -> str:
    if "#" in name:
        raise ValueError(f"'#' separates the names in a ledger's keys and cannot be in one: {name!r}")
    return name


def _some(names: Iterator[str], size: int) -> Iterator[list[str]]:
    while some := list(islice(names, size)):
        yield some

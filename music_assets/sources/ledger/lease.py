"""The right to spend requests, as a lease in a DynamoDB table.

The holder renews it while it lives; one that dies stops, and the lease expires. Taking it raises a
counter (`fence`), and only the holder of the newest count can renew or give it back: whoever was away too
long finds out, and cannot take the lease from a successor. The clocks of the machines are taken to agree
within a tenth of the lease's time.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from music_assets.sources.ledger.errors import LedgerInUse, LedgerUnusable
from music_assets.sources.ledger.ledger import RequestLock
from music_assets.sources.ledger.table import Item, Table

_log = logging.getLogger(__name__)


class Lease(RequestLock):
    """The lease `key` in `table`, for `ttl` seconds at a time. `clock` gives seconds since 1970."""

    def __init__(
        self, table: Table, key: str, note: Mapping[str, Any], *, ttl: float, clock: Callable[[], float]
    ) -> None:
        super().__init__(None)
        self._table = table
        self._key = key
        self._note = orjson.dumps(note).decode()
        self._ttl = ttl
        self._clock = clock
        self._token = uuid.uuid4().hex
        self._fence = 0
        self._expires = 0.0
        self._lost = False
        self._ended = threading.Event()
        self._renewer = threading.Thread(target=self._keep, name="ledger-lease", daemon=True)

    def take(self, wait: float) -> None:
        """Become the holder, or raise `LedgerInUse` after `wait` seconds."""
        give_up = time.monotonic() + wait
        while (holder := self._try()) is not None:
            left = give_up - time.monotonic()
            if left <= 0:
                raise LedgerInUse(self._table.where, holder)
            time.sleep(min(left, random.uniform(0.5, 1.0), self._ttl / 10))
        self._renewer.start()

    def check(self) -> None:
        """Raise `LedgerInUse` once the lease was lost or may have been; it stays lost."""
        # A tenth of its time early: the clock of whoever waits for it may be ahead.
        if self._lost or self._clock() >= self._expires - self._ttl / 10:
            self._lost = True
            raise LedgerInUse(self._table.where, {}, lost=True)

    def give_back(self) -> None:
        """End the lease, unless it is another's by now."""
        self._ended.set()
        self._renewer.join()
        try:
            self._table.update(
                self._key,
                "SET #expires = :zero REMOVE #holder, #token",
                "#token = :token",
                zero=0,
                token=self._token,
            )
        except LedgerUnusable as error:
            _log.warning("The right to spend was not given back and ends by itself in a minute. %s", error)

    def _try(self) -> Mapping[str, Any] | None:
        """None if the lease is ours now, else the note of whoever has it."""
        while True:
            item = self._table.get([self._key]).get(self._key, {})
            before, now = _fence(item), self._clock()
            holder = _note(item)
            if item.get("token") == {"S": self._token}:
                break  # taken, though the answer that said so was lost
            if holder is not None and _expires(item) > now:
                return holder
            self._fence, self._expires, self.predecessor = before + 1, now + self._ttl, holder
            seen: dict[str, Any] = {"before": before, "ended": _expires(item)} if item else {}
            if self._table.update(
                self._key,
                "SET #fence = :fence, #expires = :expires, #holder = :holder, #token = :token",
                "#fence = :before AND #expires = :ended" if item else "attribute_not_exists(#fence)",
                **seen,
                fence=self._fence,
                expires=self._expires,
                holder=self._note,
                token=self._token,
            ):
                break
        return None

    def _keep(self) -> None:
        """Renew the lease until it ends or is lost; a failure that may pass is tried again soon."""
        pause = self._ttl / 3
        while not self._ended.wait(pause) and not self._lost:
            try:
                self._renew()
                pause = self._ttl / 3
            except LedgerUnusable as error:
                _log.warning("The right to spend requests was not renewed, trying again. %s", error)
                pause = self._ttl / 20

    def _renew(self) -> None:
        expires = self._clock() + self._ttl
        if self._table.update(
            self._key,
            "SET #expires = :expires",
            "#fence = :fence AND #token = :token",
            expires=expires,
            fence=self._fence,
            token=self._token,
        ):
            self._expires = expires
        else:
            self._lost = True


def holder_of(table: Table, key: str, now: float) -> dict[str, Any] | None:
    """The note of whoever holds this lease at that moment."""
    item = table.get([key]).get(key, {})
    return _note(item) if _expires(item) > now else None


def _note(item: Item) -> dict[str, Any] | None:
    return dict(orjson.loads(item["holder"]["S"])) if "holder" in item else None


def _expires(item: Item) -> float:
    return float(item["expires"]["N"]) if "expires" in item else 0.0


def _fence(item: Item) -> int:
    return int(item["fence"]["N"]) if "fence" in item else 0

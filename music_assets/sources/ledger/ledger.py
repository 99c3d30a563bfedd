"""What a ledger is: the questions a source answered, so that none is asked twice, and what was spent.

An answer is kept under what was asked *about* (a song and a purpose), never under the wording, so
better wording or a better matcher costs no request. Bodies are kept whole, so better parsing costs
none either. `sqlite` and `dynamodb` are the two ways to keep a ledger; what to ask, and how much may
be spent, is for the room of each source to say.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Protocol


class Key(NamedTuple):
    """What an answer is about: `("track", "TRAAAAW128F429D538", "search")`."""

    entity: str
    id: str
    purpose: str


@dataclass(frozen=True)
class Response:
    """One answer. `attempts` counts the requests spent on the question so far (rungs of a ladder)."""

    key: Key
    status: str  # answered | not_found | refused | denied
    query: str | None
    fetched_at: datetime  # UTC
    mode: str  # the access it was asked with: development | extended
    body: Any = None  # the JSON as it came
    attempts: int = 1


class RequestLock:
    """The right to spend requests, while its context lasts.

    `predecessor` is the note of a process that died while it held the right: `pid`, `host`, `since` (ISO
    8601, UTC) and whatever else it noted. None where the last holder ended in order.
    """

    def __init__(self, predecessor: dict[str, Any] | None) -> None:
        self.predecessor = predecessor

    def check(self) -> None:
        """Raise `LedgerInUse` where the right was lost meanwhile; ask before each request."""


class Ledger(Protocol):
    """Where the answers of one source are kept, and what was spent on them.

    Safe to use from several threads at once. Whatever is written is durable once the method returns: it
    outlives a kill of the process. Every method raises `LedgerUnusable` where the ledger cannot be reached.
    """

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Response]:
        """The answers there are to these questions, in the order asked."""

    def put_many(self, answers: Iterable[Response]) -> None:
        """Keep these answers, in place of older ones."""

    def count(self, before: datetime | None = None) -> dict[str, int]:
        """How many answers there are (fetched before that moment), by purpose."""

    def purge(self, before: datetime | None = None) -> int:
        """Delete the answers fetched before that moment, or all, and say how many they were.

        What was spent and what is remembered stay: they are no content of the source's.
        """

    def record_request(self, kind: str, at: datetime, count: int = 1) -> None:
        """Count requests of this kind on the UTC day of `at`; call it before a request leaves."""

    def request_counts(self, day: date | None = None) -> dict[str, int]:
        """The requests counted on that UTC day, by kind; on all days if None."""

    def set_state(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Keep a small fact (JSON) that outlives the run, in place of the one of that name; None forgets."""

    def get_state(self, name: str) -> dict[str, Any] | None:
        """The fact of that name, if there is one."""

    def request_lock(
        self, wait: float = ..., note: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[RequestLock]:
        """The right to spend requests, one holder at a time; `LedgerInUse` after `wait` seconds.

        It ends with the context, and with the process however that ends. `note` is for a successor to read.
        """

    def holder(self) -> dict[str, Any] | None:
        """The note of whoever holds the right to spend now, without taking it; None where nobody does."""

    def close(self) -> None:
        """Let go of whatever is held open."""


def holders_note(note: Mapping[str, Any] | None) -> dict[str, Any]:
    """What this process leaves for others to read while it holds the right to spend."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {**(note or {}), "pid": os.getpid(), "host": socket.gethostname(), "since": since}

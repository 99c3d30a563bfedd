"""What a ledger is: the questions a source answered, so that none is asked twice.

An answer is kept under what was asked *about* (a song and a purpose), never under the wording, so
better wording or a better matcher costs no request. Bodies are kept whole, so better parsing costs
none either. `sqlite` keeps a ledger in one file; what to ask is for the room of each source to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Key(NamedTuple):
    """What an answer is about: `("track", "TRAAAAW128F429D538", "search")`."""

    entity: str
    id: str
    purpose: str


@dataclass(frozen=True)
class Answer:
    """One answer. `asked` counts the requests spent on the question so far (rungs of a ladder)."""

    key: Key
    status: str  # answered | not_found | refused
    question: str | None
    fetched_at: datetime  # UTC
    mode: str  # the access it was asked with: development | extended
    body: Any = None  # the JSON as it came
    asked: int = 1


class Ledger(Protocol):
    """Where answers are kept. Safe to use from several threads at once."""

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Answer]:
        """The answers there are to these questions, in the order asked."""

    def put_many(self, answers: Iterable[Answer]) -> None:
        """Keep these answers, in place of older ones; they are durable once this returns."""

    def spender(self, wait: float = ...) -> AbstractContextManager[None]:
        """The right to spend requests, one holder at a time; `LedgerInUse` after `wait` seconds."""

    def count(self) -> dict[str, int]:
        """How many answers there are, by purpose."""

    def close(self) -> None:
        """Let go of whatever is held open."""

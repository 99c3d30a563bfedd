"""What goes into a ledger and comes out of it, and how a body is stored: whole, as compressed JSON.

A response is cached under what it is *about* (a song and a purpose), never under the wording of the request,
so a better query or a better matcher costs no request.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

_BY_JSON = b" "  # before JSON that orjson cannot write: half a surrogate pair, an integer beyond 64 bits


class Key(NamedTuple):
    """What a response is about: `("track", "TRAAAAW128F429D538", "search")`."""

    entity: str
    id: str
    purpose: str


@dataclass(frozen=True)
class Response:
    """One response. `attempts` counts the requests sent for it so far (differently worded queries)."""

    key: Key
    status: str  # `lifetimes` has them all
    query: str | None
    fetched_at: datetime  # UTC
    mode: str  # the access it was requested with: development | extended
    body: Any = None  # the JSON as it came
    attempts: int = 1
    checks: int = 1  # how often in a row it had this status; the ledger counts
    retry: bool = False  # whether a person wants it requested again


def pack(body: Any) -> bytes | None:
    """The compressed JSON of a body; None for none."""
    if body is None:
        return None
    try:
        return zlib.compress(orjson.dumps(body))
    except TypeError:
        return zlib.compress(_BY_JSON + json.dumps(body).encode())


def unpack(packed: bytes | None) -> Any:
    """The body that `pack` made these bytes of. Raises ValueError where they are damaged."""
    if packed is None:
        return None
    try:
        text = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(f"the body of a response is damaged ({error})") from None
    return json.loads(text) if text.startswith(_BY_JSON) else orjson.loads(text)

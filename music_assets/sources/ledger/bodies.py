"""How a body is kept: as JSON, compressed. Both ledgers keep it so."""

from __future__ import annotations

import json
import zlib
from typing import Any

import orjson

_LOOSE = b" "  # before JSON that orjson will not write: half a surrogate pair, an integer beyond 64 bits


def pack(body: Any) -> bytes | None:
    """The bytes of a JSON body, to be kept; None for none."""
    if body is None:
        return None
    try:
        text = orjson.dumps(body)
    except TypeError:
        text = _LOOSE + json.dumps(body).encode()
    return zlib.compress(text)


def unpack(packed: bytes | None) -> Any:
    """The body that `pack` made these bytes of.

    Raises:
        ValueError: they are not such bytes.
    """
    if packed is None:
        return None
    try:
        text = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(f"the body of an answer is damaged ({error})") from None
    return json.loads(text) if text.startswith(_LOOSE) else orjson.loads(text)

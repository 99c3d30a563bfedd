"""Which matcher said so: a version that changes whenever an answer might.

Belongs here: `matcher_version` alone. It is the one function of the room that reads from disk (its own code).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

GENERATION = 1
"""Raised by hand when a library underneath (rapidfuzz, anyascii) changes what the same code answers."""


@cache
def matcher_version() -> str:
    """The generation and a short hash over the code of this room, such as "1-3fa94c01b2"."""
    digest = hashlib.sha256()
    room = files("music_assets.matching")
    for module in sorted(
        (entry for entry in room.iterdir() if entry.name.endswith(".py")), key=lambda entry: entry.name
    ):
        digest.update(module.name.encode())
        digest.update(module.read_bytes().replace(b"\r\n", b"\n"))
    return f"{GENERATION}-{digest.hexdigest()[:10]}"

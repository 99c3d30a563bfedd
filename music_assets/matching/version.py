"""The version of the matcher, which changes whenever a decision might: read from the package's own files."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

# Raised by hand when a library underneath (rapidfuzz, anyascii) changes what the same code decides.
GENERATION = 1


@cache
def matcher_version() -> str:
    """The generation and a short hash over the code and words of this package, such as "1-3fa94c01b2"."""
    digest = hashlib.sha256()
    entries = (entry for entry in files(__package__).iterdir() if entry.name.endswith((".py", ".toml")))
    for entry in sorted(entries, key=lambda entry: entry.name):
        digest.update(entry.name.encode())
        digest.update(entry.read_bytes().replace(b"\r\n", b"\n"))
    return f"{GENERATION}-{digest.hexdigest()[:10]}"

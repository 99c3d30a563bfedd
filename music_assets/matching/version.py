"""The version of the matcher, which changes whenever a decision might.

Belongs here: `matcher_version` alone, the one function of the package that reads from disk (its own code).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

GENERATION = 1
"""Raised by hand when a library underneath (rapidfuzz, anyascii) changes what the same code decides."""


@cache
def matcher_version() -> str:
    """The generation and a short hash over the code of this package, such as "1-3fa94c01b2"."""
    digest = hashlib.sha256()
    modules = (entry for entry in files("music_assets.matching").iterdir() if entry.name.endswith(".py"))
    for module in sorted(modules, key=lambda entry: entry.name):
        digest.update(module.name.encode())
        digest.update(module.read_bytes().replace(b"\r\n", b"\n"))
    return f"{GENERATION}-{digest.hexdigest()[:10]}"

"""The names that the sandbox's songs, artists and albums are made of: `invented.json`, read at first use."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def invented() -> dict[str, Any]:
    """All lists of names, by what they are for. Their order is part of the sample: values are drawn by it."""
    text = files("music_assets.sandbox").joinpath("invented.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found

"""What a check of `music-assets doctor` yields. The checks are in `doctor` and `online`."""

from __future__ import annotations

from typing import NamedTuple

OK, NOTE, PROBLEM = "ok", "note", "problem"


class Finding(NamedTuple):
    """What a check found: the state (`ok`, `note`, `problem`), a message, and what to do if anything."""

    subject: str
    state: str
    message: str
    advice: str = ""

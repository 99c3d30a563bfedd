"""The MSD's directories compared: how many songs each has in the tables, and how many of them are matched.

Directories are hash buckets, so they should be alike; whether one is odd is for `music_assets.defs.checks` to
say.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from music_assets.tables import PUBLISHED

_SONGS = PUBLISHED["analytics.songs"]


class Directory(NamedTuple):
    """A directory's songs in `analytics.songs`: all, those with a response, those matched."""

    key: str
    songs: int
    answered: int
    matched: int

    @property
    def rate(self) -> float:
        """Matched songs of those with a response."""
        return self.matched / max(self.answered, 1)


def read_directories(connection: Connection) -> list[Directory]:
    """Those that have songs, in order."""
    key, status = func.substring(_SONGS.c.track_id, 3, 2), _SONGS.c.match_status
    answered = func.sum(case((status.in_(("pending", "error")), 0), else_=1))
    matched = func.sum(case((status == "matched", 1), else_=0))
    rows = connection.execute(select(key, func.count(), answered, matched).group_by(key))
    return sorted(Directory(str(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in rows)


def by_letter(directories: Iterable[Directory]) -> str:
    """A table in Markdown, a line per first letter, which names the directories at the ends."""
    lines = [
        "| letter | directories | songs | fewest | most | matched | lowest |",
        "| --- | ---: | ---: | :--- | :--- | ---: | :--- |",
    ]
    for letter, group in groupby(sorted(directories), lambda one: one.key[:1]):
        each = list(group)
        fewest, most = (end(each, key=lambda one: one.songs) for end in (min, max))
        cells = [letter, f"{len(each):,}", f"{sum(one.songs for one in each):,}"]
        cells += [f"{one.songs:,} ({one.key})" for one in (fewest, most)]
        if answered := [one for one in each if one.answered]:
            lowest = min(answered, key=lambda one: one.rate)
            whole = sum(one.matched for one in answered) / sum(one.answered for one in answered)
            cells += [f"{whole:.1%}", f"{lowest.rate:.1%} ({lowest.key})"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)

"""What it takes to resolve the songs that are open, in numbers a person can act on.

The rate is what this ledger has counted, or an estimate until then. How far things are is
`music-assets status`; what is done in which order is in `resolver`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from sys import maxsize

from music_assets.resolution.backlog import SearchBacklog

EXAMPLE_PER_DAY = 200  # what some have reported of an individual's app; Spotify publishes no number
# The estimate: one request per release and one for every third further song of it, which is what 3,000 songs
# in the full MSD's shape took on the sandbox (`benchmarks/requests.py`).
PER_FURTHER_SONG = 1 / 3
REQUEST_KINDS = ("search", "albums", "tracks")  # that resolve songs
_SIZES = (("1 song", 1, 1), ("2 to 5 songs", 2, 5), ("6 to 10", 6, 10), ("more", 11, maxsize))


@dataclass(frozen=True)
class Plan:
    """Songs, how many of them are resolved, and `sizes`: how many releases have how many songs.

    `spent` are the requests that the resolved songs took, `per_day` those that the settings allow a day.
    """

    songs: int
    resolved: int
    sizes: Mapping[int, int]
    spent: int = 0
    per_day: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the rate is what this ledger has counted."""
        return bool(self.spent and self.resolved)

    @property
    def requests_per_song(self) -> float:
        if self.is_counted:
            return self.spent / self.resolved
        songs, releases = sum(n * count for n, count in self.sizes.items()), sum(self.sizes.values())
        return (releases + PER_FURTHER_SONG * (songs - releases)) / songs if songs else 1.0

    @property
    def requests(self) -> int:
        """Requests still needed."""
        return ceil((self.songs - self.resolved) * self.requests_per_song)

    def as_markdown(self) -> str:
        """As a Markdown table, for the terminal and the UI."""
        by_size = {
            name: sum(count for songs, count in self.sizes.items() if least <= songs <= most)
            for name, least, most in _SIZES
        }
        sizes = ", ".join(f"{name}: {count:,}" for name, count in by_size.items() if count) or "none"
        basis = "as counted so far" if self.is_counted else "estimated"
        days = f"{ceil(self.requests / EXAMPLE_PER_DAY):,} at {EXAMPLE_PER_DAY:,} requests per day"
        if self.per_day:
            days = (
                f"{ceil(self.requests / self.per_day):,} at {self.per_day:,} requests per day, as set; {days}"
            )
        return "\n".join(
            [
                "| | |",
                "| :--- | :--- |",
                f"| open songs | {self.songs - self.resolved:,} of {self.songs:,} |",
                f"| releases | {sizes} |",
                f"| requests so far | {self.spent:,} |",
                f"| requests needed | {self.requests:,} ({self.requests_per_song:.2f} per song, {basis}) |",
                f"| days | {days} |",
            ]
        )


def plan_of_backlog(backlog: SearchBacklog, requests: Mapping[str, int], *, per_day: int | None) -> Plan:
    """The plan for a backlog, with all requests of its ledger so far by kind."""
    count = backlog.count()
    resolved = count["resolved"] + count["missed"]
    spent = sum(requests.get(kind, 0) for kind in REQUEST_KINDS)
    return Plan(resolved + count["open"] + count["failed"], resolved, backlog.release_sizes(), spent, per_day)

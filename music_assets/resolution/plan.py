"""How many requests and days it takes to resolve the open songs, before a request is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from music_assets.resolution.backlog import SearchBacklog

EXAMPLE_PER_DAY = 200  # what some have reported of an individual's app; Spotify publishes no number
# The estimate: one request per release and one for every third further song of it, which is what 3,000 songs
# in the full MSD's shape took on the sandbox (`benchmarks/requests.py`).
PER_FURTHER_SONG = 1 / 3
REQUEST_KINDS = ("search", "albums", "album-batches", "tracks", "track-batches")  # that resolve songs


@dataclass(frozen=True)
class Plan:
    """Open songs and their releases; the `resolved` ones took `spent` requests.

    `per_day` are the requests to count with, and `rate` says why: our own limit (as set), or as of late.
    """

    open: int
    releases: int
    resolved: int = 0
    spent: int = 0
    per_day: int | None = None
    rate: str = "as set"

    @property
    def is_counted(self) -> bool:
        """Whether the requests per song are what this ledger has counted; an estimate until then."""
        return bool(self.spent and self.resolved)

    @property
    def requests_per_song(self) -> float:
        if self.is_counted:
            return self.spent / self.resolved
        further = self.open - self.releases
        return (self.releases + PER_FURTHER_SONG * further) / self.open if self.open else 1.0

    @property
    def requests(self) -> int:
        """Requests still needed."""
        return ceil(self.open * self.requests_per_song)

    def as_markdown(self) -> str:
        """As a Markdown table, for the terminal and the UI."""
        basis = "as counted so far" if self.is_counted else "estimated"
        days = f"{ceil(self.requests / EXAMPLE_PER_DAY):,} at {EXAMPLE_PER_DAY:,} requests per day"
        if self.per_day:
            as_set = (
                f"{ceil(self.requests / self.per_day):,} at {self.per_day:,} requests per day, {self.rate}"
            )
            days = f"{as_set}; {days}"
        return f"""| | for Spotify |
| :--- | :--- |
| open songs | {self.open:,} of {self.open + self.resolved:,} |
| releases with open songs | {self.releases:,} |
| requests so far | {self.spent:,} |
| requests needed | {self.requests:,} ({self.requests_per_song:.2f} per song, {basis}) |
| days | {days} |"""


def plan_of_backlog(backlog: SearchBacklog, requests: Mapping[str, int], *, per_day: int | None) -> Plan:
    """The plan for a backlog, with all requests of its ledger so far by kind."""
    count = backlog.count()
    spent = sum(requests.get(kind, 0) for kind in REQUEST_KINDS)
    still_open = count["open"] + count["failed"]
    return Plan(still_open, backlog.open_releases(), count["resolved"] + count["missed"], spent, per_day)

"""The access that an app has, development mode or extended, learned from the responses themselves.

Since 11 February 2026 development mode lacks batches and some fields. A search hit shows which it is (a
track with `popularity` comes from extended access), and so does a denied batch, so finding out costs no
request of its own. What was learned is remembered with the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from music_assets.sources.spotify.budget import Budget

# What development mode leaves out, by table (https://developer.spotify.com/documentation/web-api, February
# 2026 migration guide). Genres come with a single get, and have been seen missing there too.
MISSING_IN_DEVELOPMENT: Mapping[str, tuple[str, ...]] = {
    "tracks": ("popularity", "available_markets"),
    "artists": ("popularity", "followers"),
}


class Access:
    """The access mode in use: as set, as learned by an earlier run, or not known yet (None)."""

    def __init__(self, setting: str, budget: Budget) -> None:
        self.is_set = setting != "auto"
        self._mode: str | None = setting if self.is_set else (budget.get_state("mode") or {}).get("mode")
        self._budget = budget

    @property
    def mode(self) -> str | None:
        """`development`, `extended`, or None while nothing has shown it."""
        return self._mode

    @property
    def may_batch(self) -> bool:
        """Whether to request several ids at once; trying is how it is found out."""
        return self._mode != "development"

    def learn(self, mode: str) -> None:
        """A response has shown the mode; a setting takes precedence."""
        if not self.is_set and mode != self._mode:
            self._mode = mode
            self._budget.set_state("mode", {"mode": mode})

    def learn_from(self, track: Mapping[str, Any]) -> None:
        """Learn the mode from a track object that a search found."""
        self.learn("extended" if "popularity" in track else "development")

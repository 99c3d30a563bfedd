"""What goes into the matcher and what comes out: the records that others build or read.

Not here: how titles and artists are read (`titles`, `artists`), weighed (`evidence`) and chosen (`decide`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["matched", "ambiguous", "below_floor", "no_candidates"]
"""How a search for a song ended: see `decide`."""


@dataclass(frozen=True, slots=True)
class Song:
    """A song as the Million Song Dataset names it.

    `title`, `artist_name` and `release` are the MSD's own strings, warts and all; `duration` is in seconds;
    `year` is 0 or None where the MSD does not know it.
    """

    title: str | None
    artist_name: str | None
    release: str | None = None
    duration: float | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track Spotify offered.

    `id` is the Spotify track id, `artist_names` the credited artists in Spotify's order, `album` the album's
    name, `duration` in seconds, `release_year` the year of the album's release date.
    """

    id: str
    title: str | None
    artist_names: Sequence[str]
    album: str | None = None
    duration: float | None = None
    release_year: int | None = None
    isrc: str | None = None

    def __post_init__(self) -> None:
        """Keep the artists as a tuple of names that are there, so that a candidate can be a cache's key."""
        given: object = self.artist_names
        if type(given) is tuple and all(type(name) is str for name in given):
            return
        listed = (given,) if isinstance(given, str) else given if isinstance(given, Iterable) else ()
        names = tuple(name for name in listed if isinstance(name, str))
        object.__setattr__(self, "artist_names", names)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How well a candidate agrees with a song.

    `score` is the match probability, in [0, 1]: of pairs that score 0.95, 95 in 100 are the same recording.
    `accepted`: nothing vetoes it and the score reaches the floor; `reasons` are short English phrases, one
    for each piece of evidence that was there.
    """

    score: float
    accepted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place. `equivalent` marks the same recording as the best one, on another album."""

    candidate: Candidate
    comparison: Comparison
    equivalent: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Which candidate is the song.

    `best` is the accepted candidate's id, None unless `status` is `matched`. `margin` is the score of the
    first in `ranked` less that of the next that is not the same recording (the whole score where there is no
    other; None without candidates).
    """

    status: Status
    best: str | None
    margin: float | None
    ranked: tuple[Ranked, ...]

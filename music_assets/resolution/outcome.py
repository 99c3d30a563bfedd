"""`ResolutionOutcome`: what a run of the resolver did. What it did it with is in `steps`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from music_assets.sources.spotify import OutOfBudget


@dataclass
class ResolutionOutcome:
    """The result of a run: songs resolved, by how; Spotify's requests, by kind; `errors`, by MSD track.

    `closed` has the kinds of requests that Spotify takes no more of, `unreached` the tracks that another
    source could not be asked about, and why. `curve` holds pairs of requests spent and songs resolved, batch
    by batch; `partitions` those of which something new is known.
    """

    resolved: Counter[str] = field(default_factory=Counter)
    requests: dict[str, int] = field(default_factory=dict)
    partitions: set[str] = field(default_factory=set)
    closed: dict[str, OutOfBudget] = field(default_factory=dict)
    curve: list[tuple[int, int]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)

    @property
    def out_of_budget(self) -> OutOfBudget | None:
        """Why not all songs were searched for, and until when; None where they were."""
        return self.closed.get("search") or next(iter(self.closed.values()), None)

"""Songs resolved while the sandbox misbehaves: what that costs, and what is matched in the end.

For tests, which hold each case to the undisturbed one, and for `benchmarks.requests`, which shows figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from music_assets.errors import MusicAssetsError
from music_assets.matching import Song, decide
from music_assets.resolution import Resolver, SearchBacklog, candidate_of
from music_assets.sources.ledger import open_ledger
from music_assets.sources.spotify import SpotifyCatalog
from music_assets.sources.spotify.client import SpotifyClient
from music_assets_tests.support.sandbox import SandboxServer, song_queries

RUNS = 60  # more would be hopeless


@dataclass(frozen=True)
class Case:
    """What is on, in which access mode the client believes to be, and the client's other settings."""

    behaviours: Mapping[str, float | None] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


CASES = {
    "undisturbed": Case(),
    "fuzzy hits where nothing is": Case({"fuzzy": None}),
    "junk hits in a quarter of searches": Case({"junk": None}),
    "fillers and other orders": Case({"fillers": None}),
    "five hits for a release": Case({"few_hits": None}),
    "no hits for a release": Case({"hidden_albums": None}),
    "half of the albums hidden": Case({"hidden_albums": 0.5}),
    "Premium missed once": Case({"premium": None}),
    "between the modes": Case({"between_modes": None}, {"mode": "auto"}),
    "errors with status 200": Case({"error_bodies": None}),
    "a total without items": Case({"empty_pages": None}),
    "404 for a tenth of searches": Case({"search_404": 0.1}),
    "hits without a name": Case({"nameless": None}),
    "half a surrogate pair": Case({"half_pairs": None}),
    "all of it": Case(
        {
            "fuzzy": None, "junk": 0.1, "fillers": None, "hidden_albums": 0.5, "premium": None,
            "error_bodies": 0.05, "empty_pages": 0.05, "search_404": 0.05, "nameless": None,
            "half_pairs": None,
        }
    ),
}  # fmt: skip


@dataclass
class Outcome:
    """Requests by kind, the track matched for each song, and runs until nothing was open."""

    requests: Counter[str]
    matches: dict[str, str]
    runs: int

    def right(self, truth: Mapping[str, set[str]]) -> set[str]:
        """The songs whose match is one of their tracks."""
        return {id_ for id_, best in self.matches.items() if best in truth[id_]}


def resolved(
    server: SandboxServer, frame: pd.DataFrame, folder: Path, case: Case, *, by_release: bool = True
) -> Outcome:
    """Resolve these songs, run after run, until none is open."""
    server.reset()
    server.sandbox.behaviours.switch(case.behaviours)
    folder.mkdir(parents=True)
    ledger = open_ledger(folder / "ledger.sqlite", source="sandbox")
    backlog = SearchBacklog(ledger)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    for key in sorted({row["track_id"][2:4] for row in rows}):
        backlog.put(key, "one", [row for row in rows if row["track_id"][2:4] == key])
    settings = replace(server.settings, **case.settings)
    requests: Counter[str] = Counter()
    runs = 0
    while runs < RUNS:
        runs += 1
        client = SpotifyClient(settings, ledger, clock=server.clock, sleep=server.clock.sleep)
        with SpotifyCatalog(client, ledger) as catalog:
            try:
                outcome = Resolver(catalog, backlog, by_release=by_release).resolve()
            except MusicAssetsError:
                server.clock.now += 86_400
                continue
            finally:
                requests += Counter(catalog.request_counts)
            if outcome.out_of_budget:
                server.clock.now = max(server.clock.now, outcome.out_of_budget.until.timestamp()) + 1
            elif not outcome.errors:
                break
            else:
                server.clock.now += 86_400
    del requests["token"]
    server.sandbox.behaviours.switch({})
    client = SpotifyClient(settings, ledger, clock=server.clock, sleep=server.clock.sleep)
    with SpotifyCatalog(client, ledger) as catalog:
        results = catalog.cached(song_queries(frame))
    ledger.close()
    matches = {}
    for row in rows:
        result = results.get(row["track_id"])
        song = Song(row["title"], row["artist_name"], row["release"], row["duration"], row["year"])
        best = decide(song, map(candidate_of, result.tracks), result.renamings).best if result else None
        if best is not None:
            matches[row["track_id"]] = best
    return Outcome(requests, matches, runs)

"""A song that its whole release on Spotify lacks is taken for missing, where Labs do not know it either."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from music_assets.resolution import ResolutionOutcome, Resolver
from music_assets.resolution.backlog import BacklogSong
from music_assets.resolution.id_providers import KnownIds
from music_assets.sources.ledger import Ledger
from music_assets_tests.resolution.test_resolver import SONGS, backlog_of, cached, catalog_of
from music_assets_tests.support.sandbox import SandboxServer, truth

DAY = 86_400


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return SONGS


class LabsWith:
    """Labs that know an id of these songs, or could not be reached for them."""

    name = "listenbrainz"

    def __init__(self, *known: str, unreached: Sequence[str] = ()) -> None:
        self.known, self.unreached = set(known), set(unreached)

    def ids(self, songs: Sequence[BacklogSong]) -> KnownIds:
        asked = {song.track_id for song in songs}
        return KnownIds(
            {id_: {"0" * 22: None} for id_ in asked & self.known},
            dict.fromkeys(asked & self.unreached, "it is down"),
        )


def resolve(
    server: SandboxServer, ledger: Ledger, folder: Path, *providers: Any, first: Sequence[str] = ()
) -> ResolutionOutcome:
    backlog = backlog_of(folder)
    backlog.prioritize(first)
    with catalog_of(server, ledger) as catalog:
        return Resolver(catalog, backlog, providers=providers).resolve()


def test_it_costs_no_search_of_its_own_and_is_searched_for_when_misses_are(
    server: SandboxServer, ledger: Ledger, tmp_path: Path, songs_catalogue: Path
) -> None:
    right = truth(songs_catalogue)
    labs = LabsWith(*(id_ for id_, tracks in right.items() if tracks))
    outcome = resolve(server, ledger, tmp_path, labs)
    results = cached(server, ledger)
    absent = [id_ for id_, result in results.items() if (result.query or "").startswith("album:'")]
    assert len(absent) == outcome.resolved["absence"] > 0
    assert all(results[id_].status == "answered" and results[id_].tracks == [] for id_ in absent)
    assert not any(right[id_] for id_ in absent)
    assert resolve(server, ledger, tmp_path, labs).requests == {}
    server.clock.now += 200 * DAY
    again = resolve(server, ledger, tmp_path, labs)
    assert again.requests["search"] >= len(absent)
    assert set(absent) <= {*cached(server, ledger)}


@pytest.mark.parametrize("reason", ["Labs know it", "Labs are down", "it is listed", "Labs are off"])
def test_it_is_searched_for_where_there_is_reason_to(
    server: SandboxServer, ledger: Ledger, tmp_path: Path, reason: str
) -> None:
    ids = list(SONGS["track_id"])
    outcome = {
        "Labs know it": lambda: resolve(server, ledger, tmp_path, LabsWith(*ids)),
        "Labs are down": lambda: resolve(server, ledger, tmp_path, LabsWith(unreached=ids)),
        "it is listed": lambda: resolve(server, ledger, tmp_path, LabsWith(), first=ids),
        "Labs are off": lambda: resolve(server, ledger, tmp_path),
    }[reason]()
    assert outcome.resolved["absence"] == 0
    assert not any((r.query or "").startswith("album:'") for r in cached(server, ledger).values())

"""The rate: nearly all that is allowed, and never more in any half minute, as the server sees it."""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path

import pytest

from music_assets.resolution import Resolver
from music_assets.sources.ledger import open_ledger
from music_assets.sources.spotify import SpotifyCatalog, SpotifySettings
from music_assets_tests.campaigns.world import LONG, Record, indexed
from music_assets_tests.support.faults import Faults
from music_assets_tests.support.sandbox import FaultySandbox, catalogue, in_thread, songs_frame

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ALLOWED, WINDOW = 300, 30.0  # requests, seconds
SECONDS = 300.0 if LONG else 60.0
LATENCY = 0.05


def most_in_a_window(moments: list[float]) -> int:
    """The most that fell into any half minute; `moments` are in order."""
    return max(place + 1 - bisect_left(moments, at - WINDOW) for place, at in enumerate(moments))


def test_the_rate_is_used_and_kept(tmp_path: Path) -> None:
    frame = songs_frame(int(ALLOWED / WINDOW * SECONDS) + 2 * ALLOWED)
    sandbox = FaultySandbox(
        catalogue(tmp_path, frame),
        mode="development",
        faults=Faults(latency=LATENCY, rate_per_30s=ALLOWED),
    )
    record = Record(time.monotonic)
    record.listen(sandbox)
    ledger = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
    index = indexed(tmp_path / "songs.sqlite", frame)
    with in_thread(sandbox) as address:
        settings = SpotifySettings(
            address.client_id,
            address.client_secret,
            source="sandbox",
            mode="development",
            base_url=address.base_url,
            token_url=address.token_url,
            requests_per_30s=ALLOWED,
        )
        with SpotifyCatalog.open(replace(settings), ledger) as spotify:
            resolver, began = Resolver(spotify, index, by_release=False), time.monotonic()
            while time.monotonic() - began < SECONDS:
                assert resolver.resolve(most=64).out_of_budget is None
    moments = [arrival.at for arrival in record.arrivals]
    assert {arrival.status for arrival in record.arrivals} == {200}
    assert most_in_a_window(moments) <= ALLOWED
    in_time = sum(at - moments[0] < SECONDS for at in moments)
    assert in_time >= 0.95 * ALLOWED / WINDOW * SECONDS
    ledger.close()

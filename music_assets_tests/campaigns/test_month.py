"""A month of a quota per bucket, two outages in it: nothing lost, nothing requested twice, `status` true.

Spotify's quota is what it is about, so the keyless sources are skipped: they would settle most songs on the
first day, and leave a week's work of searches to nobody. What they do under faults and kills is in
`test_faults` and `test_kills`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from music_assets.cli.job import run_job
from music_assets.cli.status import read_status
from music_assets.cli.summary import Summary
from music_assets.defs.resources import SpotifyResource
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import KEYLESS_SOURCES, Settings
from music_assets_tests.campaigns.world import LONG, Arrival, Record, catalogue_of, settings_for, tables
from music_assets_tests.support.resolving import one_search_per_song
from music_assets_tests.support.sandbox import Clock, FaultySandbox, in_thread

DAY = 86_400
SONGS, A_DAY, DAYS = (20_000, 600, 60) if LONG else (200, 40, 14)
# Whole days on which Spotify answers like this, by their number.
OUTAGES: dict[int, dict[str, float | None]] = {1: {"search_404": None}, 3: {"error_bodies": 1.0}}


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("by_song", [True, False])
def test_a_month_ends_where_a_day_without_a_quota_does(
    by_song: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By song at a limit of our own; by release at Spotify's, where the order decides which copy is found."""
    clock, access = Clock(), SpotifyResource._access
    monkeypatch.setattr(SpotifyResource, "clock", lambda self: clock())
    monkeypatch.setattr(SpotifyResource, "_access", lambda self: replace(access(self), backoff=0.001))
    msd = str(write_sample(tmp_path / "msd", sample_songs(("AA", "AB", "AC", "AD"), SONGS)))
    catalogue = catalogue_of(settings_for(tmp_path / "catalogue", "http://127.0.0.1:9", msd=msd))
    sandbox = FaultySandbox(catalogue, mode="development", clock=clock)
    record = Record(clock)
    record.listen(sandbox)
    with in_thread(sandbox) as address, one_search_per_song() if by_song else nullcontext():
        url = address.base_url.removesuffix("/v1/")
        alone = ",".join(KEYLESS_SOURCES)  # they would leave little to Spotify's quota
        at_once = settings_for(tmp_path / "at_once", url, msd=msd, skip_sources=alone)
        whole = run_job(at_once)
        assert (whole.failed, whole.pending, whole.error) == ([], 0, 0)
        needed = _answered(record.arrivals)
        record.arrivals.clear()
        answered: Counter[tuple[str, str]] = Counter()

        per_day = A_DAY if by_song else None
        month = settings_for(tmp_path / "month", url, msd=msd, requests_per_day=per_day, skip_sources=alone)
        pending = SONGS
        for day in range(DAYS):
            sandbox.behaviours.switch({"buckets": A_DAY, **OUTAGES.get(day, {})})
            begun = len(record.arrivals)
            summary = run_job(month)
            assert summary.songs == SONGS
            _check_status(month, record, clock, summary)
            if day not in OUTAGES:
                answered += _answered(record.arrivals[begun:])
            assert summary.pending + summary.error <= pending  # nothing that was known is lost
            pending = summary.pending + summary.error
            if day > max(OUTAGES) and not pending:
                break
            clock.now += DAY + 1800
        assert pending == 0 and day > max(OUTAGES)
        # Songs of one name and artist are searched for each.
        assert {what for what, times in answered.items() if times > max(needed[what], 1)} == set()
        assert (tables(month) == tables(at_once)) if by_song else _found(month) == _found(at_once)
        assert run_job(month).requests_spent == 0


def _answered(arrivals: list[Arrival]) -> Counter[tuple[str, str]]:
    """How often each thing was requested and answered, by path and query."""
    return Counter((arrival.path, arrival.query) for arrival in arrivals if arrival.status == 200)


def _found(settings: Settings) -> set[str]:
    """The songs that are matched."""
    return {row[0] for row in tables(settings)["mapped.songs"] if row[4]}


def _check_status(settings: Settings, record: Record, clock: Clock, summary: Summary) -> None:
    """What `status` says is what the sandbox counted, and what is staged."""
    status = read_status(settings, clock)
    assert (status.songs.songs, status.songs.pending) == (SONGS, summary.pending + summary.error)
    rows = {row[0]: row for row in tables(settings)["mapped.songs"] if row[4] or row[3] is None}
    assert status.songs.matched == sum(row[2] == "matched" for row in rows.values())
    in_all = Counter(arrival.path.split("/")[2] for arrival in record.arrivals)
    assert status.requests.in_all.get("search", 0) == in_all["search"]
    last_day = sum(a.at > clock() - DAY for a in record.arrivals if a.path == "/v1/search")
    if settings.spotify.requests_per_day:
        assert status.requests.left_today == A_DAY - last_day
    elif summary.pending:
        assert "search" in status.requests.waits and last_day >= A_DAY

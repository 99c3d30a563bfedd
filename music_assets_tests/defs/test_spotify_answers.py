"""`spotify_answers`: what it stores for the sensors. What it resolves is tested with `resolution`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from music_assets.defs.assets.spotify_answers import read_state, write_state
from music_assets.resolution import ResolutionOutcome
from music_assets.sources.spotify import OutOfBudget
from music_assets.staging.store import StagingStore


def test_each_run_in_vain_makes_the_pause_longer_until_one_is_answered(tmp_path: Path) -> None:
    store, until = StagingStore(str(tmp_path)), datetime(2026, 11, 26, 3, tzinfo=UTC)
    over = ResolutionOutcome(closed={"search": OutOfBudget("Spotify cannot be reached.", until)})
    pauses = []
    for is_down in (True, True, True, True, False, True):
        go_on_at = write_state(store, {"AA": "checksum"}, over, is_down=is_down)
        assert go_on_at is not None and read_state(store)["go_on_at"] == go_on_at.isoformat()
        pauses.append((go_on_at - until) // timedelta(hours=1))
    assert pauses == [0, 1, 3, 3, 0, 0]
    assert write_state(store, {"AA": "checksum"}, ResolutionOutcome()) is None

"""A staging area of version 1 is converted: refreshed days become kinds of their own, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from music_assets.staging.conversion import convert
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets.staging.store import StagingStore
from music_assets_tests.support.staged_rows import row

DAY = "2026-11-26"


@pytest.fixture
def store(tmp_path: Path) -> StagingStore:
    """As version 1 left it: a partition, a refreshed day among the partitions' files, verdicts by kind."""
    store = StagingStore(str(tmp_path))
    for kind, key in (("spotify_tracks", "AA"), ("spotify_tracks", DAY), ("artist_releases", DAY)):
        names = {"spotify_track_id": "x"} if kind == "spotify_tracks" else {"spotify_artist_id": "x"}
        write_partition(store, kind, key, Staged([row(kind, **names)]), fingerprint="f", run_id="r")
    store.write_json("spotify_refresh", "all", ".state.json", {"days": [DAY], "at": None})
    store.write_json("staged_json/spotify_tracks", "AA", ".manifest.json", {"problems": []})
    return store


def test_refreshed_days_become_kinds_of_their_own(store: StagingStore) -> None:
    before = read_rows(store, store.staged_file("spotify_tracks", DAY))  # type: ignore[arg-type]
    assert convert(store) == 1
    assert store.keys("spotify_tracks") == ["AA"]
    file = store.staged_file("spotify_tracks_refresh", DAY)
    assert file is not None and file.kind == "spotify_tracks_refresh"
    assert read_rows(store, file) == before
    assert store.staged_file("artist_releases", DAY) is not None
    assert store.keys("staged_json/spotify_tracks") == store.keys("spotify_refresh") == []


def test_it_is_done_once_and_goes_on_where_it_was_interrupted(
    store: StagingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(StagingStore, "erase", _killed)
        with pytest.raises(KeyboardInterrupt):
            convert(store)
    assert convert(store) == 1
    assert store.keys("spotify_tracks_refresh") == [DAY]
    assert convert(store) == 0


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_new_staging_area_needs_no_conversion(tmp_path: Path) -> None:
    assert convert(StagingStore(str(tmp_path))) == 0

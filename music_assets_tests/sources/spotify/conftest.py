"""The sandbox's Spotify, over real sockets, in both access modes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from music_assets.sources.spotify import SqliteLedger
from music_assets_tests.sandbox.world import Town, catalogue, songs_frame, town

SONGS = songs_frame(60)


@pytest.fixture(scope="session")
def songs_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("catalogue"), SONGS)


@pytest.fixture
def spotify_town(songs_catalogue: Path) -> Iterator[Town]:
    """Development mode."""
    with town(songs_catalogue) as listening:
        yield listening


@pytest.fixture
def extended_town(songs_catalogue: Path) -> Iterator[Town]:
    """Extended access."""
    with town(songs_catalogue, mode="extended") as listening:
        yield listening


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    kept = SqliteLedger(tmp_path / "ledger.sqlite", source="sandbox")
    yield kept
    kept.close()

"""The sandbox's Spotify, over real sockets, in both access modes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from music_assets.sources.ledger import Ledger, open_ledger
from music_assets_tests.support.sandbox import SandboxServer, catalogue, running_server, songs_frame

SONGS = songs_frame(60)


@pytest.fixture(scope="session")
def songs_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("catalogue"), SONGS)


@pytest.fixture(scope="session")
def _development(songs_catalogue: Path) -> Iterator[SandboxServer]:
    with running_server(songs_catalogue) as listening:
        yield listening


@pytest.fixture(scope="session")
def _extended(songs_catalogue: Path) -> Iterator[SandboxServer]:
    with running_server(songs_catalogue, mode="extended") as listening:
        yield listening


@pytest.fixture
def spotify_server(_development: SandboxServer) -> SandboxServer:
    """The sandbox in development mode, as if it had just begun to listen."""
    return _development.reset()


@pytest.fixture
def extended_server(_extended: SandboxServer) -> SandboxServer:
    """The sandbox with extended access, as if it had just begun to listen."""
    return _extended.reset()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
    yield opened
    opened.close()

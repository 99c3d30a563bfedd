"""An S3 server of one's own, and a store of staged files on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from music_assets.staging import s3
from music_assets.staging.store import StagingStore
from music_assets_tests.support.s3_server import PLACE, S3Server, running


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.setattr(s3, "ATTEMPTS", 2)  # one pause of a second at most
    with running(monkeypatch) as server:
        yield server


@pytest.fixture
def s3_store(server: S3Server) -> StagingStore:
    return StagingStore(PLACE, endpoint=server.endpoint)

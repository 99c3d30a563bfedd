"""Fixtures that tests of several packages need: the real data, a sandbox server, a ledger, stand-ins for AWS.

A fixture of one package is in its own conftest; what the servers can do is in `support`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pandas as pd

    from music_assets.sources.ledger import Ledger
    from music_assets_tests.support.postgres import Postgres
    from music_assets_tests.support.sandbox import SandboxServer
    from music_assets_tests.support.standin import Standin

# No test depends on the speed of the machine; examples may share a fixture that they leave as it is.
settings.register_profile(
    "music-assets",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("music-assets")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real MSD files, Spotify recordings and labelled pairs, beside the repository."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real data in ../shared, which is not part of the repository")
    return SHARED / "data"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    from music_assets_tests.support.postgres import running_postgres

    with running_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    """The MSD songs that the sandbox server has; a module that needs others overrides this."""
    from music_assets_tests.support.sandbox import songs_frame

    return songs_frame(60)


@pytest.fixture(scope="module")
def songs_catalogue(songs: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from music_assets_tests.support.sandbox import catalogue

    return catalogue(tmp_path_factory.mktemp("catalogue"), songs)


@pytest.fixture(scope="module")
def running_server_(songs_catalogue: Path) -> Iterator[SandboxServer]:
    from music_assets_tests.support.sandbox import running_server

    with running_server(songs_catalogue) as server:
        yield server


@pytest.fixture
def server(running_server_: SandboxServer) -> SandboxServer:
    """A sandbox server in development mode, without faults."""
    return running_server_.reset()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    from music_assets.sources.ledger import open_ledger

    opened = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def running_standin_() -> Iterator[Standin]:
    from music_assets_tests.support.standin import running_standin

    with running_standin() as standin:
        yield standin


@pytest.fixture
def standin(running_standin_: Standin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """Redshift and S3 as `music_assets_tests.support.standin` plays them; AWS's libraries find its S3."""
    for name, value in running_standin_.environment.items():
        monkeypatch.setenv(name, value)
    # Whoever uses moto's decorators in this process empties all its servers.
    running_standin_.s3.create_bucket(Bucket=running_standin_.bucket)
    yield running_standin_
    running_standin_.faults.clear()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder to mount a small disk at (`support.disks`)."""
    from music_assets_tests.support.disks import unmount

    folder = tmp_path / "disk"
    folder.mkdir()
    yield folder
    unmount(folder)

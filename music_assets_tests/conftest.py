"""Fixtures that more than one room needs: where the real data is, and a data folder of one's own.

Fakes of the world (Spotify, S3, Redshift) are fixtures too: of their room where one room needs
them, here where several do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from music_assets_tests.support.postgres import Postgres
    from music_assets_tests.support.standin import Standin

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

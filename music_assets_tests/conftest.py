"""Fixtures that more than one room needs: where the real data is, and a data folder of one's own.

Fakes of the world (Spotify, S3, Redshift) are fixtures too: of their room where one room needs
them, here where several do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real MSD files, Spotify recordings and labelled pairs, beside the repository."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real data in ../shared, which is not part of the repository")
    return SHARED / "data"

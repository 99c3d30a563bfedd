"""The places that campaigns run in, with a sandbox that outlives their runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from music_assets.sandbox.msd.songs import sample_songs
from music_assets_tests.campaigns.places import InFolder, OnServers
from music_assets_tests.campaigns.world import catalogue_of, settings_for
from music_assets_tests.support.msd_songs import write_in_place
from music_assets_tests.support.sandbox import running_sandbox
from music_assets_tests.support.standin import PASSWORD

SONGS = 60
LATENCY = 0.1  # seconds, so that asking takes its share of a run


@pytest.fixture(scope="module")
def msd(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few songs in two partitions; a module that needs others overrides this (None: the whole sample)."""
    root = tmp_path_factory.mktemp("msd")
    write_in_place(root, *sample_songs(("AA", "AB"), SONGS))
    return str(root)


@pytest.fixture(scope="module")
def url(msd: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox that stays up, whoever is killed."""
    nowhere = settings_for(tmp_path_factory.mktemp("catalogue"), "http://127.0.0.1:9", msd=msd)
    with running_sandbox(catalogue_of(nowhere), mode="development", faults={"latency": LATENCY}) as address:
        yield address.base_url.removesuffix("/v1/")


@pytest.fixture(params=["folder", "servers"])
def place(
    request: pytest.FixtureRequest,
    url: str,
    msd: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> InFolder:
    if request.param == "folder":
        return InFolder(tmp_path, url, msd)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return OnServers(tmp_path, url, msd, request.getfixturevalue("standin"))

"""Credentials and tokens appear nowhere: no log line, event, metadata, exception, staged file or report."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from music_assets.cli.job import run_job
from music_assets.cli.summary import Summary
from music_assets.defs.resources import SpotifyResource
from music_assets.sandbox import server
from music_assets.sandbox.process import SandboxAddress
from music_assets.settings import KEYLESS_SOURCES, Settings
from music_assets.sources.spotify import SpotifySettings
from music_assets_tests.campaigns.world import catalogue_of, settings_for
from music_assets_tests.support.faults import Faults
from music_assets_tests.support.sandbox import FaultySandbox, in_thread

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ID, SECRET = "client0id0that0nobody0has", "secret0that0nobody0may0see"
WRONG = "another0secret0that0nobody0may0see"


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    """All that is logged, at DEBUG, by whomever, with the traces of exceptions."""
    path = tmp_path / "logged.txt"
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield path
    root.setLevel(level)
    root.removeHandler(handler)
    handler.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FaultySandbox, Settings]]:
    """A sandbox that takes these credentials, reached as Spotify itself is: by the environment's."""
    monkeypatch.setattr(server, "CLIENT_ID", ID)
    monkeypatch.setattr(server, "CLIENT_SECRET", SECRET)
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", SECRET)
    path = catalogue_of(settings_for(tmp_path / "catalogue", "http://127.0.0.1:9"))
    sandbox = FaultySandbox(path, mode="development", faults=Faults(broken_rate=0.1, seed=4))
    with in_thread(sandbox) as address:
        _lead_to(address, monkeypatch)
        yield sandbox, settings_in(tmp_path / "data")


def settings_in(data: Path) -> Settings:
    return Settings.from_environment(
        {"SPOTIPY_CLIENT_ID": ID, "SPOTIPY_CLIENT_SECRET": SECRET},
        data=str(data),
        skip_sources=",".join(KEYLESS_SOURCES),
        requests_per_30s="none",
    )


def _lead_to(address: SandboxAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the settings made from the environment lead to the sandbox instead of to Spotify."""
    made = SpotifyResource._access

    def here(self: SpotifyResource) -> SpotifySettings:
        at = {"base_url": address.base_url, "token_url": address.token_url}
        return replace(made(self), **at, backoff=0.001)

    monkeypatch.setattr(SpotifyResource, "_access", here)


def secrets_of(sandbox: FaultySandbox) -> list[bytes]:
    """What must not be seen: the secrets, what is sent of them, the tokens that were issued."""
    basic = [base64.b64encode(f"{ID}:{secret}".encode()).decode() for secret in (SECRET, WRONG)]
    return [each.encode() for each in (SECRET, WRONG, *basic, *sandbox.tokens)]


def files_with(secret: bytes, folder: Path) -> list[str]:
    """The files below a folder that hold a secret, databases among them."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


def shown(summary: Summary) -> str:
    return f"{summary!r} {summary.failed} {summary.notes}"


def test_credentials_are_nowhere_to_be_read(
    place: tuple[FaultySandbox, Settings], logged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, settings = place
    done = run_job(settings)
    assert done.spotify == "api" and done.matched > 200 and len(sandbox.tokens) >= 1
    sandbox.revoke_tokens()
    sandbox.faults = Faults()
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", WRONG)
    monkeypatch.setattr(server, "CLIENT_ID", "nobody")
    refused = run_job(settings_in(tmp_path / "refused"))
    assert any("credentials" in why for why in refused.failed), refused.failed
    # The capture is worth something: spotipy and the connections below were heard at DEBUG.
    heard = logged.read_text()
    assert "spotipy" in heard and "urllib3" in heard and "Bearer ***" in heard
    for secret in secrets_of(sandbox):
        assert files_with(secret, tmp_path) == []
        assert secret.decode() not in shown(done) + shown(refused)
    assert secrets_of(sandbox)[0].decode() not in repr(settings) + str(settings)

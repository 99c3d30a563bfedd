"""Spotify turned off: what is cached is read, and no request is ever sent, not even for a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.budget import Budget
from music_assets.sources.spotify.client import Check, SpotifyClient
from music_assets.sources.spotify.errors import SpotifyError
from music_assets.sources.spotify.session import SpotifySettings


class ClosedClient(SpotifyClient):
    """Stands where the client stands; no caller sends a request where `settings.off` is set."""

    def __init__(self, settings: SpotifySettings, ledger: Ledger, *, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.budget = Budget(ledger, app="", per_day=None, clock=clock)
        self.clock = clock

    @property
    def request_counts(self) -> dict[str, int]:
        """None."""
        return {}

    response_counts = request_counts

    def get(self, path: str, check: Check | None = None, **params: Any) -> dict[str, Any]:
        """Raises `SpotifyError`."""
        raise SpotifyError(f"Spotify is off, and {path} was requested. Set MUSIC_ASSETS_SPOTIFY to `api`.")

    def close(self) -> None:
        """There is nothing to close."""

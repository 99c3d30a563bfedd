"""What can go wrong with Spotify, each by a name of its own.

Every message says what happened, where, and what to do; none holds a credential or a token. Which
answer of Spotify's becomes which error is decided in `client`; what a run then does is decided by
whoever asked.
"""

from __future__ import annotations

from datetime import datetime

from music_assets.errors import MusicAssetsError


class SpotifyError(MusicAssetsError):
    """Base of every error of this room."""


class OutOfBudget(SpotifyError):
    """No more requests of this kind for now; `until` says when to go on (UTC)."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class RateLimited(OutOfBudget):
    """Spotify wants a longer pause than this run is willing to wait (429)."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"Spotify's rate limit asks to wait until {until:%Y-%m-%d %H:%M} UTC. What was answered is kept; "
            "run again after that time and only the rest is asked.",
            until,
        )


class QuotaExhausted(OutOfBudget):
    """The quota of the developer account is used up (429 with reason QUOTA_EXCEEDED)."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"The Spotify quota of this developer account is used up until about {until:%Y-%m-%d %H:%M} UTC. "
            "What was answered is kept; run again after that time and only the rest is asked.",
            until,
        )


class DailyLimitReached(OutOfBudget):
    """The allowance of requests that a setting gives a day is used up."""

    def __init__(self, per_day: int, until: datetime) -> None:
        super().__init__(
            f"The {per_day:,} requests that MUSIC_ASSETS_REQUESTS_PER_DAY allows are spent; the next day "
            f"begins at {until:%Y-%m-%d %H:%M} UTC. What was answered is kept; run again then, or raise the "
            "setting.",
            until,
        )


class AccessDenied(SpotifyError):
    """This app may not use a feature of the Web API (403)."""

    def __init__(self, feature: str, said: str | None = None) -> None:
        super().__init__(
            f"Spotify does not let this app use {feature} (403{f': {said}' if said else ''}). "
            "Apps in development mode lack batch requests and audio features, and their owner needs Premium; "
            "see the app's page in Spotify's developer dashboard."
        )
        self.feature = feature


class BadCredentials(SpotifyError):
    """Spotify refuses the client id and secret."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"Spotify refuses the credentials: {said}. Check SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET "
            "against the app's page in Spotify's developer dashboard."
        )


class BadResponse(SpotifyError):
    """One request got an answer that cannot be used; others may well succeed.

    `refused` is true where Spotify understood and will not answer (400, 404): asking the same again
    is of no use.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class SpotifyUnreachable(SpotifyError):
    """No request gets through: no network, a wrong address, or Spotify is down."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"Spotify cannot be reached at {where}: {why}. Check the network (and the sandbox, if that is "
            "what is asked); what was answered is kept, so run again."
        )

"""What can go wrong with Spotify, each by a name of its own.

Every message says what happened, where, and what to do; none holds a credential or a token. Which response
becomes which error is decided in `client`; what a run then does is for the caller to decide.
"""

from __future__ import annotations

from datetime import datetime

from music_assets.sources import http

_RESUME = "What was answered is cached; run again after that time and only the rest is requested."


class SpotifyError(http.SourceError):
    """Base of every error of this package."""


class OutOfBudget(SpotifyError, http.Paused):
    """No more requests of this kind for now; `until` says when to go on (UTC)."""


class RateLimited(OutOfBudget):
    """Spotify asks for a longer pause than this run is willing to wait (429)."""

    def __init__(self, until: datetime) -> None:
        when = f"{until:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"Spotify's rate limit asks to wait until {when}. {_RESUME}", until)


class QuotaExhausted(OutOfBudget):
    """The quota of the developer account is used up (429 with reason QUOTA_EXCEEDED)."""

    def __init__(self, until: datetime) -> None:
        when = f"about {until:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"The Spotify quota of this account is used up until {when}. {_RESUME}", until)


class AccessPaused(OutOfBudget):
    """Spotify refuses what this app may otherwise do (403): it has been seen to pass by itself."""

    def __init__(self, until: datetime, message: str = "") -> None:
        why = message.rstrip(".") or "it gives no reason"
        super().__init__(
            f"Spotify refuses requests to this app for now (403): {why}. {_owner(message)}"
            f"None is sent until {until:%Y-%m-%d %H:%M} UTC. {_RESUME}",
            until,
        )
        self.message = message


def _owner(message: str) -> str:
    if "premium" not in message.lower():
        return ""
    return "The account that owns the app needs Spotify Premium, and hours may pass until it counts. "


class DailyLimitReached(OutOfBudget):
    """The requests of one kind that a setting allows within 24 hours are used up."""

    def __init__(self, kind: str, per_day: int, until: datetime) -> None:
        used = f"The {per_day:,} requests of the kind {kind} that MUSIC_ASSETS_REQUESTS_PER_DAY allows"
        when = f"within 24 hours are used up until {until:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"{used} {when}. {_RESUME} Or raise the setting.", until)


class AccessDenied(SpotifyError):
    """This app may not use a feature of the Web API (403)."""

    def __init__(self, feature: str, message: str | None = None) -> None:
        super().__init__(
            f"Spotify does not let this app use {feature} (403{f': {message}' if message else ''}). "
            "Apps in development mode lack batch requests and audio features, and their owner needs Premium; "
            "see the app's page in Spotify's developer dashboard."
        )


class ParameterRefused(SpotifyError):
    """Spotify refuses a parameter that every such request has (400): a fault of ours, or of a setting."""

    def __init__(self, path: str, message: str, params: str) -> None:
        super().__init__(
            f"Spotify refuses {path} for its parameters, {params} (400: {message or 'no message'}). Check "
            "MUSIC_ASSETS_MARKET and MUSIC_ASSETS_SPOTIFY_MODE; if they are right, this is a defect of Music "
            "Assets: please report it."
        )


class BadCredentials(SpotifyError):
    """Spotify refuses the client id and secret."""

    def __init__(self, message: str) -> None:
        super().__init__(
            f"Spotify refuses the credentials: {message}. Check SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET "
            "against the app's page in Spotify's developer dashboard."
        )


class BadResponse(SpotifyError, http.BadResponse):
    """One request got a response that cannot be used; others may well succeed."""


class SpotifyUnreachable(OutOfBudget):
    """No request gets through: no network, a wrong address, or Spotify is down.

    A run sends no more until `until`; the next one tries at once.
    """

    def __init__(self, where: str, why: str, until: datetime) -> None:
        super().__init__(
            f"Spotify cannot be reached at {where}: {why}. Check the network; what was answered is cached, "
            "so run again.",
            until,
        )

"""The connection to Spotify: settings, the token, and spotipy above a session of ours.

What a response means is in `client`; sessions that keep to a rate, and retries, are in `sources.http`.
"""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from music_assets.sources.bounded import UnusableBody, json_of, plain
from music_assets.sources.http import Retry, RetryPolicy, make_session
from music_assets.sources.spotify.errors import BadResponse

if TYPE_CHECKING:
    import requests
    import spotipy

MODES = ("auto", "development", "extended")
_WINDOW = 30.1  # seconds; Spotify's 30, and some for clocks that go differently
_TOKEN = re.compile(r"[!-~]+")
_SECRET = re.compile(r"\b(Bearer|Basic) [^'\"\s]+")


@dataclass(frozen=True)
class SpotifySettings(RetryPolicy):
    """How to reach Spotify, and how hard to try.

    `source` names where the values come from in every row (`api`, or `sandbox` for the server in
    `music_assets.sandbox`); `mode` is the access the app has, `development` or `extended`, or `auto` to
    find out from the responses. `market` is a country by its ISO code.
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    source: str = "api"
    off: bool = False  # no request is ever sent: what is cached is all there is
    mode: str = "auto"
    base_url: str = "https://api.spotify.com/v1/"
    token_url: str = "https://accounts.spotify.com/api/token"  # noqa: S105
    requests_per_30s: int | None = 100  # Spotify publishes no figure; None for as fast as it can
    requests_per_day: int | None = None  # our own limit per bucket and 24 hours; None leaves it to Spotify
    market: str | None = None
    threads: int = 8
    lock_wait: float = 10.0  # seconds to wait for another process that holds the request lock

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}, not {self.mode!r}")


class ErrorResponse(Exception):
    """A response of status 400 or above. Its body is `{"error": {"message", "reason"}}`, flat for tokens."""

    def __init__(self, response: requests.Response) -> None:
        try:
            body = json_of(response)
        except UnusableBody:
            body = response.text
        whole = body if isinstance(body, dict) else {"error": body}
        error = whole.get("error")
        details = error if isinstance(error, dict) else {"message": whole.get("error_description") or error}
        self.status = response.status_code
        self.headers = response.headers
        self.reason = str(details.get("reason") or "")
        self.message = plain(details.get("message") or "")
        super().__init__(f"{self.status}: {self.message}")


def open_session(settings: SpotifySettings) -> requests.Session:
    """A session without bursts, for the settings' rate, that raises `ErrorResponse`.

    It does so before spotipy sees the response, which fails on some errors' bodies and logs others.
    """
    # Twice the mean rate at most in any second, so that a window does not begin with a burst.
    per_30s = settings.requests_per_30s
    session = make_session(settings.base_url, [(math.ceil(per_30s / 15), 1.0)] if per_30s else [])
    session.hooks["response"].append(_raise_for_error)
    return session


def _raise_for_error(response: requests.Response, **_: Any) -> None:
    if response.status_code >= 400:
        raise ErrorResponse(response)


class Window:
    """As many places for requests as Spotify takes in half a minute; with `most` None there is no limit.

    A place is free again half a minute after the response. Spotify counts a request when it arrives, which
    may be long after it was sent: so it never counts more than `most`, however long they are on the way.
    """

    def __init__(self, most: int | None, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._most = most
        self._free_at: SimpleQueue[float] = SimpleQueue()
        for _ in range(most or 0):
            self._free_at.put(-math.inf)
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait until one is free, and hold it."""
        if self._most is None:
            yield
            return
        wait = self._free_at.get() - self._clock()
        try:
            if wait > 0:
                self._sleep(wait)
            yield
        finally:
            self._free_at.put(self._clock() + _WINDOW)


class Tokens:
    """The access token: an auth manager for spotipy. One thread fetches it while the others wait.

    Spotipy's own would fetch one per thread, and write it to a file in the working folder.
    """

    def __init__(self, settings: SpotifySettings, session: requests.Session) -> None:
        self.requested = 0
        self._settings = settings
        self._session = session
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0  # of the monotonic clock

    def get_access_token(self, as_dict: bool = False) -> str:
        """The token, fetched where there is none that holds for another minute."""
        with self._lock:
            if not self._token or time.monotonic() >= self._renew_at:
                self._fetch()
            return self._token

    def drop(self, token: str) -> None:
        """Forget this token, which Spotify refused, unless another thread already has a new one."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _fetch(self) -> None:
        at, grant = self._settings, {"grant_type": "client_credentials"}
        self.requested += 1
        response = self._session.post(
            at.token_url, data=grant, auth=(at.client_id, at.client_secret), timeout=at.timeout
        )
        bad = "Spotify answered the request for a token with something that is not a token"
        try:
            body = json_of(response)
            token, lasts = body["access_token"], float(body["expires_in"])
            if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
                raise ValueError
        except (UnusableBody, KeyError, TypeError, ValueError, OverflowError):
            raise Retry(BadResponse(bad)) from None
        self._token, self._renew_at = token, time.monotonic() + lasts - 60


def make_api(settings: SpotifySettings, session: requests.Session, tokens: Tokens) -> spotipy.Spotify:
    """Spotipy's client above our session."""
    import spotipy

    logging.getLogger("spotipy.client").addFilter(_redact)
    api = spotipy.Spotify(auth_manager=tokens, requests_session=session, requests_timeout=settings.timeout)
    api.prefix = settings.base_url.rstrip("/") + "/"
    return api


def _redact(record: logging.LogRecord) -> bool:
    """Remove the Authorization header from what spotipy logs at DEBUG."""
    record.msg, record.args = _SECRET.sub(r"\1 ***", record.getMessage()), ()
    return True

"""One request and what may come of it: spotipy underneath, retries around it, named errors above.

Waits out what passes soon (a short Retry-After, a dropped connection, a 502), a bounded number of times, and
names what does not. Which requests to make is in `fetcher`; session, token and rate are in `session`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import tenacity

from music_assets.sources.http import Retry, parse_wait, retrying
from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.budget import Budget
from music_assets.sources.spotify.errors import (
    AccessDenied,
    BadCredentials,
    BadResponse,
    QuotaExhausted,
    RateLimited,
    SpotifyUnreachable,
)
from music_assets.sources.spotify.session import Sent, SpotifySettings, make_api, make_session, make_tokens

_UNKNOWN_QUOTA = 3600.0  # seconds; Spotify may not say when the quota returns: one request an hour finds out
GIVE_UP_AFTER = 10  # requests in a row that failed after all their tries: Spotify is down, not the request


class SpotifyClient:
    """Sends one request at a time; safe to use from several threads.

    Each request is taken from the budget that `ledger` remembers. `clock` and `sleep` are for tests.
    """

    def __init__(
        self,
        settings: SpotifySettings,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.settings = settings
        self.sent = Sent(settings.base_url, settings.token_url)
        self.budget = Budget(ledger, app=settings.client_id, per_day=settings.requests_per_day, clock=clock)
        self._session = make_session(settings, self.sent)
        self._tokens = make_tokens(settings, self._session)
        self._api = make_api(settings, self._session, self._tokens)
        self.clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._wait_unless_closed
        self._lock = threading.Lock()
        self._not_before = 0.0  # no thread sends before this moment
        self._failed_in_a_row = 0

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """The JSON object that Spotify answers to `GET <path>?<params>`.

        Raises `RateLimited` or `QuotaExhausted` (and from then on for this kind of request, without sending
        any, until the moment they name, in later runs too), `DailyLimitReached`, `AccessDenied`,
        `BadCredentials`, `BadResponse` for this request alone, and `SpotifyUnreachable` where nothing gets
        through.
        """
        try:
            body: dict[str, Any] = retrying(self.settings, self._sleep, self._hold_all)(
                self._try, path, params
            )
        except Retry as failure:
            raise self._final_error(path.partition("/")[0], failure.error) from None
        self._failed_in_a_row = 0
        return body

    def close(self) -> None:
        """Close all connections; a thread that is waiting stops waiting."""
        self._closed.set()
        self._session.close()

    def _try(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        """One try: the body, or `Retry` for what may pass; raises what will not."""
        # A token may be withdrawn on the way, or while the rate holds a request back.
        for _ in range(1 + max(1, self.settings.retries)):
            self._wait_for_turn(path.partition("/")[0])
            token = self._token()
            try:
                return self._send(path, params)
            except _TokenExpired:
                self._tokens.drop(token)
        raise BadCredentials("it does not take the tokens it has just issued")

    def _send(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        import requests
        import spotipy

        try:
            # Spotipy's public methods are one-liners over this; some of them warn or hide null entries.
            body = self._api._get(path, **params)
        except spotipy.SpotifyException as error:
            retry_after = error.headers.get("Retry-After")
            raise self._refusal(path, error.http_status, error.reason, error.msg, retry_after) from None
        except AttributeError:
            # Spotipy fails so on an error whose body is a string, a list or null, and loses the status.
            status, retry_after = self.sent.last_head()
            raise self._refusal(path, status, None, "(an error that is not an object)", retry_after) from None
        except requests.RequestException as error:
            raise self._no_response(error) from None
        if not isinstance(body, dict):
            # None: a 200 with an empty body or with HTML.
            raise Retry(BadResponse(f"Spotify answered {path} with something that is not a JSON object"))
        return body

    def _token(self) -> str:
        import requests

        try:
            return str(self._tokens.get_access_token())
        except requests.HTTPError as error:
            raise self._no_token(error.response) from None
        except (KeyError, TypeError, requests.JSONDecodeError):
            bad = "Spotify answered the request for a token with something that is not a token"
            raise Retry(BadResponse(bad)) from None
        except requests.RequestException as error:
            raise self._no_response(error) from None

    def _no_response(self, error: Exception) -> Retry:
        """No connection concerns every request; one that fell silent or broke off, this one alone."""
        import requests

        if isinstance(error, requests.ConnectionError):
            return Retry(SpotifyUnreachable(self.settings.base_url, _innermost(error)))
        return Retry(BadResponse(f"Spotify did not finish its response: {type(error).__name__}"))

    def _refusal(
        self, path: str, status: int, reason: str | None, message: str, retry_after: str | None
    ) -> Exception:
        message = message.rpartition("\n")[2].strip()
        if status == 429:
            return self._too_many(reason, retry_after)
        if status == 401:
            return _TokenExpired(message)
        if status == 403:
            return AccessDenied(path.partition("/")[0], None if message == "None" else message)
        if status >= 500 or status == 408:
            return Retry(BadResponse(f"Spotify answered {path} with {status}: {message[:200]}"))
        return BadResponse(f"Spotify refuses {path}: {status}, {message[:200]}", refused=True)

    def _no_token(self, response: Any) -> Exception:
        """What a refused request for a token means; its body is flat: `{"error", "error_description"}`."""
        if response.status_code == 429:
            return self._too_many(None, response.headers.get("Retry-After"))
        if response.status_code not in (400, 401, 403):
            return Retry(BadResponse(f"Spotify gave no token: status {response.status_code}"))
        try:
            body = response.json()
        except ValueError:
            body = None
        message = body.get("error_description") or body.get("error") if isinstance(body, dict) else None
        return BadCredentials(str(message or f"status {response.status_code}")[:200])

    def _too_many(self, reason: str | None, retry_after: str | None) -> Retry:
        wait = parse_wait({"Retry-After": retry_after}, self.clock())
        quota = reason == "QUOTA_EXCEEDED"
        if quota and wait is None:
            wait = _UNKNOWN_QUOTA
        # Should this end the budget, then for half a minute at least: Spotify counts in windows of 30 s.
        until = datetime.fromtimestamp(self.clock(), UTC) + timedelta(seconds=max(wait or 0.0, 30.0))
        return Retry(QuotaExhausted(until) if quota else RateLimited(until), wait)

    def _hold_all(self, state: tenacity.RetryCallState) -> None:
        """Have every thread wait as long as this one does, where Spotify asks for a pause."""
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, Retry) and isinstance(failure.error, RateLimited | QuotaExhausted):
            with self._lock:
                self._not_before = max(self._not_before, self.clock() + state.upcoming_sleep)

    def _wait_for_turn(self, kind: str) -> None:
        """Wait while all threads are to wait; take one request from the budget, or raise what ended it."""
        while True:
            with self._lock:
                wait = self._not_before - self.clock()
            if wait <= 0:
                break
            if over := self.budget.over(kind):
                raise over
            self._sleep(wait)
        self.budget.take(kind)

    def _final_error(self, kind: str, error: Exception) -> Exception:
        """What to raise after all tries: the budget ended, this request alone failed, or Spotify is down."""
        if isinstance(error, RateLimited | QuotaExhausted):
            self.budget.pause(kind, error)
            return error
        with self._lock:
            self._failed_in_a_row += 1
            down = self._failed_in_a_row >= GIVE_UP_AFTER
        if down and not isinstance(error, SpotifyUnreachable):
            why = f"{GIVE_UP_AFTER} requests in a row failed: {error}"
            return SpotifyUnreachable(self.settings.base_url, why)
        return error

    def _wait_unless_closed(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise SpotifyUnreachable(self.settings.base_url, "the client was closed while it waited")


def _innermost(error: BaseException) -> str:
    """What lies under the wrappings of requests and urllib3: `Connection refused`, not four classes of it."""
    while isinstance(inner := getattr(error, "reason", None) or next(iter(error.args), None), BaseException):
        error = inner
    return str(error).rpartition(": ")[2] or type(error).__name__


class _TokenExpired(Exception):
    """A 401: the token is too old, or was withdrawn."""

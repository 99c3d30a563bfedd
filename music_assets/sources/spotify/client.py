"""One request and what may come of it: spotipy underneath, named errors above, patience between.

Waits out what passes soon (a short Retry-After, a dropped connection, a 502), a bounded number of
times, and names what does not. Which requests to make is in `facade`; the session, the token and the
rate are in `session`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.budget import Budget
from music_assets.sources.spotify.errors import (
    AccessDenied,
    BadCredentials,
    BadResponse,
    OutOfBudget,
    QuotaExhausted,
    RateLimited,
    SpotifyUnreachable,
)
from music_assets.sources.spotify.session import Sent, SpotifySettings, make_api, make_session, make_tokens

_UNKNOWN_QUOTA = 3600.0  # seconds; Spotify may not say when the quota returns: one request an hour finds out
_HOPELESS = 10  # questions in a row that failed after all their tries: Spotify is down, not the question


@dataclass(frozen=True)
class _Failure:
    """A try that failed and may be repeated: the status if there was one, and what to raise at last."""

    error: Exception
    wait: float | None = None  # what Spotify asked for, seconds


class SpotifyClient:
    """Asks Spotify one thing at a time; safe to use from several threads.

    Each request is taken from the budget that `ledger` remembers. `clock` and `sleep` are for tests, which
    have no time to lose.
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

    def get(self, path: str, **params: Any) -> Any:
        """The JSON object Spotify answers to `GET <path>?<params>`.

        Raises `RateLimited` or `QuotaExhausted` (and from then on for this kind of request, without asking,
        until the moment they name, in later runs too), `DailyLimitReached`, `AccessDenied`, `BadCredentials`,
        `BadResponse` for this question alone, and `SpotifyUnreachable` where nothing gets through.
        """
        kind = path.partition("/")[0]
        renewed = 0
        tries = 0
        while True:
            self._heed(kind)
            token, outcome = self._try(path, params)
            if not isinstance(outcome, _Failure):
                self._failed_in_a_row = 0
                return outcome
            if isinstance(outcome.error, _TokenExpired):
                # A token may be withdrawn on the road, or while the rate keeps a request back.
                if renewed >= max(1, self.settings.retries):
                    raise BadCredentials("it does not take the tokens it has just issued")
                self._tokens.drop(token)
                renewed += 1
                continue
            if isinstance(outcome.error, OutOfBudget):
                self._pause(kind, outcome, tries)
            elif tries >= self.settings.retries:
                raise self._given_up(outcome.error)
            else:
                self._sleep(self._backoff(tries))
            tries += 1

    def close(self) -> None:
        """Close all connections; a thread that is waiting stops waiting."""
        self._closed.set()
        self._session.close()

    def _try(self, path: str, params: dict[str, Any]) -> tuple[str, Any]:
        """One request: the token it was sent with, and the answer or a `_Failure`; raises the rest."""
        import requests
        import spotipy

        token = self._token()
        if isinstance(token, _Failure):
            return "", token
        try:
            # Spotipy's public methods are one-liners over this; some of them warn or hide null entries.
            answer = self._api._get(path, **params)
        except spotipy.SpotifyException as error:
            retry_after = error.headers.get("Retry-After")
            return token, self._refused(path, error.http_status, error.reason, error.msg, retry_after)
        except AttributeError:
            # Spotipy fails so on an error whose body is a string, a list or null, and loses the status.
            status, retry_after = self.sent.last_answer()
            return token, self._refused(path, status, None, "(an error that is no object)", retry_after)
        except requests.RequestException as error:
            return token, self._no_answer(error)
        if not isinstance(answer, dict):
            # None: a 200 with an empty body or with HTML.
            return token, _Failure(
                BadResponse(f"Spotify answered {path} with something that is no JSON object")
            )
        return token, answer

    def _token(self) -> str | _Failure:
        import requests

        try:
            return str(self._tokens.get_access_token())
        except requests.HTTPError as error:
            return self._no_token(error.response)
        except (KeyError, TypeError, requests.JSONDecodeError):
            return _Failure(BadResponse("Spotify answered the request for a token with something else"))
        except requests.RequestException as error:
            return self._no_answer(error)

    def _no_answer(self, error: Exception) -> _Failure:
        """No connection is everyone's trouble; one that fell silent or broke off, this question's."""
        import requests

        if isinstance(error, requests.ConnectionError):
            return _Failure(SpotifyUnreachable(self.settings.base_url, _innermost(error)))
        return _Failure(BadResponse(f"Spotify did not finish its answer: {type(error).__name__}"))

    def _refused(
        self, path: str, status: int, reason: str | None, message: str, retry_after: str | None
    ) -> _Failure:
        said = message.rpartition("\n")[2].strip()
        if status == 429:
            return self._too_many(reason, retry_after)
        if status == 401:
            return _Failure(_TokenExpired(said))
        if status == 403:
            raise AccessDenied(path.partition("/")[0], None if said == "None" else said)
        if status >= 500 or status == 408:
            return _Failure(BadResponse(f"Spotify answered {path} with {status}: {said[:200]}"))
        raise BadResponse(f"Spotify refuses {path}: {status}, {said[:200]}", refused=True)

    def _no_token(self, response: Any) -> _Failure:
        """What a refused request for a token means; its body is flat: `{"error", "error_description"}`."""
        if response.status_code == 429:
            return self._too_many(None, response.headers.get("Retry-After"))
        try:
            body = response.json()
        except ValueError:
            body = None
        said = body.get("error_description") or body.get("error") if isinstance(body, dict) else None
        if response.status_code in (400, 401, 403):
            raise BadCredentials(str(said or f"status {response.status_code}")[:200])
        return _Failure(BadResponse(f"Spotify gave no token: status {response.status_code}"))

    def _too_many(self, reason: str | None, retry_after: str | None) -> _Failure:
        try:
            wait = max(0.0, float(retry_after)) if retry_after is not None else None
        except ValueError:  # a date, which HTTP allows
            wait = None
        quota = reason == "QUOTA_EXCEEDED"
        if quota and wait is None:
            wait = _UNKNOWN_QUOTA
        # Should this end the budget, then for half a minute at least: Spotify counts in windows of 30 s.
        until = datetime.fromtimestamp(self.clock(), UTC) + timedelta(seconds=max(wait or 0.0, 30.0))
        return _Failure(QuotaExhausted(until) if quota else RateLimited(until), wait)

    def _pause(self, kind: str, failure: _Failure, tries: int) -> None:
        """After a 429: have every thread wait, or end the budget of this kind of request."""
        if (failure.wait or 0.0) > self.settings.longest_wait or tries >= self.settings.retries:
            assert isinstance(failure.error, RateLimited | QuotaExhausted)
            self.budget.pause(kind, failure.error)
            raise failure.error
        wait = max(failure.wait or 0.0, self._backoff(tries))  # Spotify has been seen to ask for 0 s
        with self._lock:
            self._not_before = max(self._not_before, self.clock() + wait)

    def _heed(self, kind: str) -> None:
        """Wait while all are to wait; take one request from the budget, or raise what ended it."""
        while True:
            with self._lock:
                wait = self._not_before - self.clock()
            if wait <= 0:
                break
            if over := self.budget.over(kind):
                raise over
            self._sleep(wait)
        self.budget.take(kind)

    def _given_up(self, error: Exception) -> Exception:
        with self._lock:
            self._failed_in_a_row += 1
            hopeless = self._failed_in_a_row >= _HOPELESS
        if hopeless and not isinstance(error, SpotifyUnreachable):
            return SpotifyUnreachable(
                self.settings.base_url, f"{_HOPELESS} questions in a row failed: {error}"
            )
        return error

    def _backoff(self, tries: int) -> float:
        doubled: float = self.settings.backoff * 2**tries
        return doubled * random.uniform(0.5, 1.5)

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

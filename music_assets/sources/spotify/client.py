"""One request and what may come of it: spotipy underneath, retries around it, named errors above.

Waits out what passes soon (a short Retry-After, a dropped connection, a 502), a bounded number of times, and
names what does not. Which requests to make is in `fetcher`; session, token and rate are in `session`.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import tenacity

from music_assets.sources.bounded import UnusableBody, check_depth, parse_wait, reason_of
from music_assets.sources.http import COOLDOWN_S, Retry, retrying, was_never_sent
from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.budget import KINDS, Budget, bucket_of
from music_assets.sources.spotify.errors import (
    AccessDenied,
    AccessPaused,
    BadCredentials,
    BadResponse,
    ParameterRefused,
    QuotaExhausted,
    RateLimited,
    SpotifyError,
    SpotifyUnreachable,
)
from music_assets.sources.spotify.session import (
    ErrorResponse,
    SpotifySettings,
    Tokens,
    Window,
    make_api,
    open_session,
)

_UNKNOWN_QUOTA = 3600.0  # seconds; Spotify may not say when the quota returns: one request an hour finds out
_REFUSED = 3600.0  # seconds that a kind of request is left alone when 403 is all it gets
# A request seconds after a long block has ended earned another one: half an hour is waited on top (seconds).
_LONG_BLOCK, _ON_TOP = 1800.0, 1800.0
GIVE_UP_AFTER = 5  # requests of a kind in a row that failed after all their tries: Spotify is down
Check = Callable[[dict[str, Any]], str | None]


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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.budget = Budget(ledger, app=settings.client_id, per_day=settings.requests_per_day, clock=clock)
        self.clock = clock
        self._session = open_session(settings)
        self._tokens = Tokens(settings, self._session)
        self._api = make_api(settings, self._session, self._tokens)
        self._sleep = sleep
        self._retrying = retrying(settings, self._sleep, self._hold_all)
        self._lock = threading.Lock()
        self._sent: Counter[str] = Counter()
        # That clock is never put back or forward; what sleeps in a test has a time of its own.
        self._steady = time.monotonic if sleep is time.sleep else clock
        self._window = Window(settings.requests_per_30s, self._steady, self._sleep)
        self._not_before = 0.0  # no thread sends before this moment of it
        self._failed_in_a_row: Counter[str] = Counter()
        self._outages: dict[str, SpotifyUnreachable] = {}  # by kind of request
        self._outcomes: Counter[str] = Counter()

    @property
    def response_counts(self) -> dict[str, int]:
        """What came of the requests sent since this was opened: `answered`, or what went wrong."""
        with self._lock:
            return dict(self._outcomes)

    def count(self, outcome: str) -> None:
        """Count one more outcome of a kind."""
        with self._lock:
            self._outcomes[outcome] += 1

    @property
    def outage(self) -> SpotifyUnreachable | None:
        """Why requests of some kind got through no more since this was opened; None where all did."""
        return next(iter(self._outages.values()), None)

    @property
    def request_counts(self) -> dict[str, int]:
        """Requests sent since this was opened, by bucket (`budget.KINDS`), and `token`."""
        with self._lock:
            return dict(self._sent + Counter(token=self._tokens.requested))

    def get(self, path: str, check: Check | None = None, **params: Any) -> dict[str, Any]:
        """The JSON object that Spotify answers to `GET <path>?<params>`.

        `check` says why a body is no answer, or None: such a request is sent again.

        Raises `RateLimited`, `QuotaExhausted` or `AccessPaused` (and from then on for this kind of request,
        without sending any, until the moment they name, in later runs too), `DailyLimitReached`,
        `AccessDenied` for batches and audio features, `ParameterRefused`, `BadCredentials`, `BadResponse` for
        this request alone, and `SpotifyUnreachable` where nothing gets through, from then on for a while.
        """
        if self.settings.off:  # no caller gets here then; not even a token is to be requested
            raise SpotifyError(
                f"Spotify is off, and {path} was requested. Set MUSIC_ASSETS_SPOTIFY to `api`."
            )
        kind = bucket_of(path)
        outage = self._outages.get(kind)
        if outage and outage.until.timestamp() > self.clock():
            raise outage
        try:
            body: dict[str, Any] = self._retrying(self._try, kind, path, params, check)
        except Retry as failure:
            raise self._final_error(kind, failure.error) from None
        except BadResponse:
            self._failed_in_a_row[kind] = 0  # Spotify is there, and refuses this one
            raise
        self._failed_in_a_row[kind] = 0
        return body

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _try(self, kind: str, path: str, params: dict[str, Any], check: Check | None) -> dict[str, Any]:
        """One try: the body, or `Retry` for what may pass; raises what will not."""
        with self._window.place():
            return self._send(kind, path, params, check)

    def _send(self, kind: str, path: str, params: dict[str, Any], check: Check | None) -> dict[str, Any]:
        import requests

        while (wait := self._not_before - self._steady()) > 0.001:
            self._sleep(wait)
        taken = self.budget.take(kind)
        with self._lock:
            self._sent[kind] += 1
        token, is_sent = None, False
        try:
            token = self._tokens.get_access_token()
            is_sent = True
            # Spotipy's public methods are one-liners over this; some of them warn or hide null entries.
            body = self._api._get(path, **params)
            check_depth(body)
            # None: a 200 with an empty body or with HTML.
            problem = "something that is not a JSON object"
            if isinstance(body, dict):
                problem = (check(body) if check else None) or ""
        except ErrorResponse as error:
            raise self._refusal(path, params, token, error) from None
        except requests.ConnectionError as error:  # concerns every request
            self.count("no response")
            is_sent = is_sent and not was_never_sent(error)
            raise Retry(self._unreachable(reason_of(error))) from None
        except requests.RequestException as error:
            self.count("no response")
            late = f"Spotify did not finish its response: {type(error).__name__}"
            raise Retry(BadResponse(late)) from None
        except (UnusableBody, RecursionError) as error:
            problem = "JSON that is nested too deep" if isinstance(error, RecursionError) else str(error)
        finally:
            if not is_sent:
                self.budget.give_back(kind, taken)
                with self._lock:
                    self._sent[kind] -= 1
        if problem:
            self.count("no answer")
            raise Retry(BadResponse(f"Spotify answered {path} with {problem}", status=200))
        self.count("answered")
        return body  # type: ignore[no-any-return]

    def _refusal(
        self, path: str, params: dict[str, Any], token: str | None, error: ErrorResponse
    ) -> Exception:
        """What an error means, to a request with this token or, without one, to that for a token."""
        status, message = error.status, error.message
        self.count(f"status {status}")
        if status == 429:
            return self._too_many(error)
        if token is None:
            if status in (400, 401, 403):
                return BadCredentials(message or f"status {status}")
            return Retry(BadResponse(f"Spotify gave no token: status {status}"))
        if status == 401:  # too old, or withdrawn
            self._tokens.drop(token)
            return Retry(BadCredentials("it does not take the tokens it has just issued"))
        if status == 403:
            kind = bucket_of(path)
            if kind.endswith(("-batches", "-features")) and "premium" not in message.lower():
                return AccessDenied(path, message)
            until = datetime.fromtimestamp(self.clock() + _REFUSED, UTC)
            return Retry(AccessPaused(until, message))
        if status == 400 and not _is_about_this_one(path, message):
            sent = ", ".join(f"{name}={value}" for name, value in params.items() if name not in ("q", "ids"))
            return ParameterRefused(path, message, sent or "none")
        # A search knows no true 404, and has answered nothing else for hours.
        if status >= 500 or status == 408 or (status == 404 and path == "search"):
            return Retry(BadResponse(f"Spotify answered {path} with {status}: {message}", status=status))
        return BadResponse(f"Spotify refuses {path}: {status}, {message}", status=status)

    def _too_many(self, error: ErrorResponse) -> Retry:
        wait = parse_wait(error.headers, self.clock())
        quota = "quotaexceeded" in re.sub(r"[\W_]", "", f"{error.reason} {error.message}").lower()
        if quota and wait is None:
            wait = _UNKNOWN_QUOTA
        elif wait is not None and wait >= _LONG_BLOCK:
            wait += _ON_TOP
        # Should this end the budget, then for half a minute at least: Spotify counts in windows of 30 s.
        until = datetime.fromtimestamp(self.clock(), UTC) + timedelta(seconds=max(wait or 0.0, 30.0))
        return Retry(QuotaExhausted(until) if quota else RateLimited(until), wait)

    def _hold_all(self, state: tenacity.RetryCallState) -> None:
        """Have every thread wait as long as this one does, where Spotify asks for a pause."""
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, Retry) and isinstance(failure.error, RateLimited | QuotaExhausted):
            with self._lock:
                self._not_before = max(self._not_before, self._steady() + state.upcoming_sleep)

    def _final_error(self, kind: str, error: Exception) -> Exception:
        """What to raise after all tries: the budget ended, this request alone failed, or Spotify is down."""
        if isinstance(error, RateLimited | QuotaExhausted | AccessPaused):
            self.budget.pause(kind, error)
            return error
        if isinstance(error, SpotifyUnreachable):
            self._outages |= dict.fromkeys(KINDS, error)
            return error
        with self._lock:
            self._failed_in_a_row[kind] += 1
            down = self._failed_in_a_row[kind] >= GIVE_UP_AFTER
        if down and isinstance(error, BadResponse):
            self._outages[kind] = self._unreachable(f"{GIVE_UP_AFTER} requests in a row failed: {error}")
            return self._outages[kind]
        return error

    def _unreachable(self, why: str) -> SpotifyUnreachable:
        until = datetime.fromtimestamp(self.clock() + COOLDOWN_S, UTC)
        return SpotifyUnreachable(self.settings.base_url, why, until)


def _is_about_this_one(path: str, message: str) -> bool:
    """Whether a 400 speaks of this query or id: what it says otherwise holds for every request like it."""
    words = re.findall(r"\w+", message.lower())
    return "query" in words if path == "search" else bool({"id", "base62"} & set(words))

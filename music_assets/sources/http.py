"""The HTTP client of every source that needs no key: rate, retries, pauses, named errors.

What to request and what a response means is in each source's package; Spotify, with tokens and quotas, has a
client of its own above the same sessions and retries. What passes soon (a short Retry-After, a dropped
connection, a 502) is waited for, a bounded number of times; what does not is named. Nothing sleeps for hours.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import tenacity

from music_assets.errors import MusicAssetsError
from music_assets.sources.bounded import UnusableBody, bound_headers, json_of, parse_wait, plain, read_body
from music_assets.sources.ledger import Key, Ledger, Response, is_due, pause_state, paused_until

if TYPE_CHECKING:
    import requests

# Says who is asking, so that a service can turn to someone before it blocks us.
USER_AGENT = "music-assets (Million Song Dataset research)"
COOLDOWN_S = 900.0  # how long a source that is down is left alone
BLOCKED_S = 3600.0  # how long a source that refuses us altogether is left alone: such a refusal may pass
_SECONDS = re.compile(r"\b(\d{1,5}) ?s(?:ec(?:ond)?s?)?\b", re.IGNORECASE)  # where no header names a pause
_PAUSE_OF = "{}/pause"  # the ledger's state that records how long a service is to be left alone
GIVE_UP_AFTER = 3  # requests in a row that failed after all their tries: the service is down, not the request


class SourceError(MusicAssetsError):
    """Base of what can go wrong with a source that is reached over HTTP."""


class Paused(SourceError):
    """No more requests for now; `until` says when to go on (UTC)."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Unavailable(Paused):
    """The source answers nothing for now. `by_service`: it said so itself, so later runs wait too."""

    def __init__(self, service: str, why: str, until: datetime, *, by_service: bool = False) -> None:
        when = f"after {until:%Y-%m-%d %H:%M} UTC" if by_service else "once it responds"
        super().__init__(
            f"{service} gives no responses for now: {why}. What it answered is cached; "
            f"run again {when}, or go on without it (MUSIC_ASSETS_SKIP_SOURCES).",
            until,
        )
        self.why = why
        self.by_service = by_service


class BadResponse(SourceError):
    """One request got a response that cannot be used; others may well succeed.

    `status` is that of the response, 200 for a body that is no answer, None where none came.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Retry(Exception):
    """A try failed in a way that may pass: what to raise if it does not, and the wait asked for (seconds)."""

    def __init__(self, error: Exception, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait or 0.0


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long a service is waited for."""

    timeout: float = 20.0  # seconds to connect, and between two bytes of a response
    retries: int = 4  # further tries after a failure that may pass
    backoff: float = 0.5  # seconds before the first of them, doubled (and jittered) for each further one
    longest_wait: float = 60.0  # seconds; a longer Retry-After ends the work for now


@dataclass(frozen=True)
class HttpPolicy(RetryPolicy):
    """Where a service is, and at what pace it takes requests."""

    service: str  # its name, for messages
    kind: str  # under which its requests and pauses are recorded in the ledger
    base_url: str
    requests_per_second: float | None = 1.0  # None for as fast as it can


def retrying(
    policy: RetryPolicy,
    sleep: Callable[[float], None],
    before_sleep: Callable[[tenacity.RetryCallState], None] | None = None,
) -> tenacity.Retrying:
    """Calls a function again while it raises `Retry`, with growing waits; raises the last one at the end."""

    def requested_wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        return failure.wait if isinstance(failure, Retry) else 0.0

    def wait(state: tenacity.RetryCallState) -> float:
        jittered: float = policy.backoff * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.5)
        return max(requested_wait(state), jittered)  # services have been seen to ask for 0 s

    def stop(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number > policy.retries or requested_wait(state) > policy.longest_wait

    again = tenacity.retry_if_exception_type(Retry)
    how: dict[str, Any] = {"wait": wait, "stop": stop, "sleep": sleep, "before_sleep": before_sleep}
    return tenacity.Retrying(retry=again, reraise=True, **how)


class HttpClient:
    """Sends one request at a time; records in the ledger what it sends and how long it is to pause.

    The base of each source's class; close it after use (a context manager too). `requests` counts what was
    sent, retries among them, `cache_hits` what the ledger answered; `source` is what every row says of where
    it comes from. `clock` and `sleep` are for tests.
    """

    def __init__(
        self,
        policy: HttpPolicy,
        ledger: Ledger,
        *,
        source: str | None = None,
        outages: dict[str, Unavailable] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.policy = policy
        self.source = source or policy.kind
        self.requests = 0
        self.cache_hits = 0
        self._ledger = ledger
        self._clock = clock
        self._retrying = retrying(policy, sleep)
        per_second = policy.requests_per_second
        self._session = make_session(policy.base_url, [(1, 1 / per_second)] if per_second else [])
        self._sleep = sleep
        self._interval = 1 / per_second if per_second else 0.0  # seconds between two requests
        self._slowed_by = 0.0  # seconds more, since the service has answered 429
        self._failed_in_a_row = 0
        self._outages = {} if outages is None else outages  # by kind
        if pause := recorded_pause(policy, ledger, self._now()):
            self._outages[policy.kind] = pause

    def get(self, path: str, **params: str) -> Any:
        """The JSON that answers `GET <path>?<params>`.

        Raises:
            Unavailable: the service asks for a longer pause, is down, or blocks us; from then on without
                a request.
            BadResponse: this request cannot be answered.
        """
        return self._send("GET", path, params=params)

    def post(self, path: str, body: Any) -> Any:
        """The JSON that answers `POST <path>` with this JSON; raises as `get` does."""
        return self._send("POST", path, json=body)

    def _known(self, keys: Iterable[Key]) -> dict[Key, Response]:
        """The cached responses that hold still: not those that are to be looked at again."""
        cached = self._ledger.get_many(keys)
        return {key: one for key, one in cached.items() if not is_due(one, self._now())}

    def _response(self, key: Key, query: str, body: Any, *, found: bool, attempts: int = 1) -> Response:
        """A response as the ledger takes it, fetched now."""
        status = "answered" if found else "not_found"
        return Response(key, status, query, self._now(), "keyless", body, attempts)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _send(self, method: str, path: str, **content: Any) -> Any:
        outage = self._outages.get(self.policy.kind)
        if outage and outage.until > self._now():
            raise outage
        try:
            body = self._retrying(self._try, method, path, content)
        except Retry as failure:
            raise self._final_error(failure.error) from None
        self._failed_in_a_row = 0
        return body

    def _try(self, method: str, path: str, content: dict[str, Any]) -> Any:
        """One request: its JSON, or `Retry` for what may pass; raises what will not."""
        import requests

        if self._slowed_by:
            self._sleep(self._slowed_by)
        now = self._now()
        self._count(1, now)
        url, service = f"{self.policy.base_url.rstrip('/')}/{path}", self.policy.service
        try:
            response = self._session.request(method, url, timeout=self.policy.timeout, **content)
            if response.status_code == 200:
                return json_of(response)
        except UnusableBody as error:
            raise Retry(BadResponse(f"{service} answered {path} with {error}", status=200)) from None
        except requests.RequestException as error:
            if was_never_sent(error):
                self._count(-1, now)
            raise Retry(self._unavailable(f"no response from {url} ({type(error).__name__})")) from None
        status = response.status_code
        wait = parse_wait(response.headers, self._clock()) if status in (429, 503) else None
        if status == 429:  # from now on half as often
            self._slowed_by = min(2 * self._slowed_by + self._interval, self.policy.longest_wait)
            in_words = _SECONDS.search(response.text[:500]) if wait is None else None
            wait = float(in_words[1]) if in_words else wait
        if status == 429 or (wait or 0.0) > self.policy.longest_wait:
            seconds = max(wait or 0.0, COOLDOWN_S)
            raise Retry(self._unavailable(f"it asks for a pause ({status})", seconds, by_service=True), wait)
        if status in (401, 403):
            blocked = f"it no longer answers without a key ({status})"
            raise Retry(self._unavailable(blocked, BLOCKED_S, by_service=True))
        if status >= 500 or status in (404, 408):  # no path here is one that may not exist
            raise Retry(BadResponse(f"{service} answered {path} with {status}", status=status), wait)
        self._failed_in_a_row = 0
        raise BadResponse(f"{service} refuses {path}: {status}, {plain(response.text)}", status=status)

    def _count(self, requests: int, now: datetime) -> None:
        self.requests += requests
        self._ledger.record_request(self.policy.kind, now, requests)

    def _final_error(self, error: Exception) -> Exception:
        """What to raise after all tries: this request alone failed, or the service is down."""
        if isinstance(error, Unavailable):
            return self._pause(error)
        self._failed_in_a_row += 1
        if self._failed_in_a_row < GIVE_UP_AFTER:
            return error
        self._failed_in_a_row = 0
        return self._pause(self._unavailable(f"{GIVE_UP_AFTER} requests in a row failed"))

    def _pause(self, paused: Unavailable) -> Unavailable:
        """Have this run leave the service alone, and later ones too where it said so itself."""
        self._outages[self.policy.kind] = paused
        if paused.by_service:
            state = pause_state(paused.until, self._now()) | {"why": paused.why}
            self._ledger.set_state(_PAUSE_OF.format(self.policy.kind), state)
        return paused

    def _unavailable(self, why: str, seconds: float = COOLDOWN_S, *, by_service: bool = False) -> Unavailable:
        until = self._now() + timedelta(seconds=seconds)
        return Unavailable(self.policy.service, why, until, by_service=by_service)


def was_never_sent(error: requests.RequestException) -> bool:
    """Whether there was no connection to send a request by: it spent nothing."""
    from urllib3.exceptions import MaxRetryError

    return isinstance(next(iter(error.args), None), MaxRetryError)


def recorded_pause(policy: HttpPolicy, ledger: Ledger, now: datetime) -> Unavailable | None:
    """The last pause that a service asked for, which may be over."""
    state = ledger.get_state(_PAUSE_OF.format(policy.kind))
    if state is None or (until := paused_until(state, now)) is None:
        return None
    return Unavailable(policy.service, state["why"], until, by_service=True)


def make_session(base_url: str, rates: Iterable[tuple[int, float]]) -> requests.Session:
    """A session at these rates (requests, seconds): bounded, without redirects, and without retries.

    urllib3 would sleep in a call. A body that is out of bounds raises `UnusableBody`.
    """
    import requests
    from pyrate_limiter import InMemoryBucket, Limiter, Rate
    from requests.adapters import HTTPAdapter
    from requests_ratelimiter import LimiterAdapter

    adapter: HTTPAdapter = HTTPAdapter(max_retries=0)
    if limits := [Rate(count, round(seconds * 1000)) for count, seconds in rates]:
        # What a 429 means is for the clients to say; the limiter would fill its bucket and wait by itself.
        limiter: dict[str, Any] = {"limiter": Limiter(InMemoryBucket(limits)), "limit_statuses": ()}
        adapter = LimiterAdapter(**limiter, per_host=False, max_retries=0)
    bound_headers(adapter)
    session = requests.Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    # No proxy or .netrc applies to this machine's own addresses, as the sandbox's is.
    session.trust_env = urlsplit(base_url).hostname not in ("127.0.0.1", "localhost", "::1")
    session.headers.update(
        {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
    )
    session.stream = True
    session.hooks["response"].append(read_body)
    return session

"""Asking a web service that needs no key, with the policy it is owed: at its pace, no longer than it likes.

For sources that answer plain HTTP with JSON and publish no figures. Waits out what passes soon (a short
Retry-After, a dropped connection, a 502), a bounded number of times, and names what does not: `BadResponse`
for one question, `Unavailable` where the source has nothing more to say for now. Nothing sleeps for hours.
What to ask and what an answer means is in the source's own room; Spotify, with tokens and quotas, has a
client of its own.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from music_assets.errors import MusicAssetsError
from music_assets.sources.ledger import Ledger

if TYPE_CHECKING:
    import requests

# Says who asks, so that a service can turn to someone before it shuts us out.
USER_AGENT = "music-assets (Million Song Dataset research)"
REST = 900.0  # seconds a source is left alone that is down
SHUT = 86400.0  # seconds a source is left alone that refuses us altogether
_LONGEST = 7 * 86400.0  # seconds; a Retry-After beyond is taken for this much
_HOPELESS = 3  # questions in a row that failed after all their tries: the service is down, not the question


class SourceError(MusicAssetsError):
    """Base of what can go wrong with a source that is asked this way."""


class Unavailable(SourceError):
    """The source gives no answers for now; `until` says when to ask again (UTC)."""

    def __init__(self, service: str, why: str, until: datetime) -> None:
        super().__init__(
            f"{service} gives no answers for now: {why}. What was answered is kept; run again after "
            f"{until:%Y-%m-%d %H:%M} UTC, or go on without it."
        )
        self.why = why
        self.until = until


class BadResponse(SourceError):
    """One request got an answer that cannot be used; others may well succeed.

    `refused` is true where the service understood and will not answer: asking the same again is of no use.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True)
class HttpPolicy:
    """Where a service is, and how to behave there. Its source's settings have the same fields."""

    service: str  # its name, for messages
    kind: str  # under which its requests and pauses are noted in the ledger
    base_url: str
    requests_per_second: float | None = 1.0  # None asks as fast as it can
    timeout: float = 20.0  # seconds to connect, and between two bytes of an answer
    retries: int = 4  # further tries after a failure that may pass
    backoff: float = 0.5  # seconds before the first of them, doubled (and jittered) for each further one
    longest_wait: float = 60.0  # seconds; a longer Retry-After ends the source's work for now


@dataclass(frozen=True)
class _Failure:
    """A try that failed and may be repeated: what to raise at last, and the wait that was asked for.

    `told` is true where the service itself said that it gives no answers for now.
    """

    error: SourceError
    wait: float | None = None
    told: bool = False


class HttpClient:
    """Asks one service one thing at a time, and notes in the ledger what it sends and when it is to wait.

    `requests` counts those that left, retries among them. `clock` and `sleep` are for tests, which have no
    time to lose.
    """

    def __init__(
        self,
        policy: HttpPolicy,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.policy = policy
        self.requests = 0
        self._ledger = ledger
        self._clock = clock
        self._sleep = sleep
        self._session = _session(policy)
        self._pause = f"{policy.kind}/pause"
        self._over: Unavailable | None = None
        self._recalled = False
        self._failed_in_a_row = 0

    def get(self, path: str, **params: str) -> Any:
        """The JSON the service answers to `GET <path>?<params>`.

        Raises:
            Unavailable: it wants a longer pause, is down, or shuts us out; from then on without asking.
            BadResponse: this question cannot be answered.
        """
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: Any) -> Any:
        """The JSON the service answers to `POST <path>` with this JSON; raises as `get` does."""
        return self._ask("POST", path, json=body)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _ask(self, method: str, path: str, **what: Any) -> Any:
        tries = 0
        while True:
            self._heed()
            outcome = self._try(method, path, what)
            if not isinstance(outcome, _Failure):
                self._failed_in_a_row = 0
                return outcome
            if (outcome.wait or 0.0) > self.policy.longest_wait or tries >= self.policy.retries:
                raise self._given_up(outcome)
            pause = self.policy.backoff * 2**tries * random.uniform(0.5, 1.5)
            self._sleep(max(outcome.wait or 0.0, pause))
            tries += 1

    def _heed(self) -> None:
        """Raise what ended this source's work, in this run or in one before, while that lasts."""
        if not self._recalled:
            self._recalled = True
            told = self._ledger.get_state(self._pause)
            if told is not None:
                until = datetime.fromisoformat(told["until"])
                self._over = Unavailable(self.policy.service, told["why"], until)
        if self._over and self._over.until <= self._now():
            self._over = None
        if self._over:
            raise self._over

    def _end(self, over: Unavailable, *, told: bool) -> Unavailable:
        """Have this run leave the service alone, and later ones too where it told us to."""
        self._over = over
        if told:
            self._ledger.set_state(self._pause, {"until": over.until.isoformat(), "why": over.why})
        return over

    def _try(self, method: str, path: str, what: dict[str, Any]) -> Any:
        """One request: the JSON, or a `_Failure` that may pass; raises what will not."""
        import requests

        self.requests += 1
        self._ledger.record_request(self.policy.kind, self._now())
        url = f"{self.policy.base_url.rstrip('/')}/{path}"
        try:
            response = self._session.request(method, url, timeout=self.policy.timeout, **what)
        except requests.RequestException as error:
            return _Failure(self._unavailable(f"no answer from {url} ({type(error).__name__})", REST))
        if response.status_code != 200:
            return self._refused(path, response)
        try:
            return response.json()
        except ValueError:
            return _Failure(self._bad(f"answered {path} with something that is no JSON"))

    def _refused(self, path: str, response: requests.Response) -> _Failure:
        status, name = response.status_code, self.policy.service
        if status == 429:
            wait = _asked_wait(response, self._clock())
            over = self._unavailable("it asks for a pause (429)", max(wait or 0.0, REST))
            return _Failure(over, wait, told=True)
        if status in (401, 403):
            over = self._unavailable(f"it no longer answers without a key ({status})", SHUT)
            raise self._end(over, told=True)
        if status >= 500 or status == 408:
            wait = _asked_wait(response, self._clock()) if status == 503 else None
            return _Failure(self._bad(f"answered {path} with {status}"), wait)
        self._failed_in_a_row = 0
        raise BadResponse(f"{name} refuses {path}: {status}, {response.text[:200]}", refused=True)

    def _given_up(self, failure: _Failure) -> SourceError:
        """What to raise after all tries: this question alone failed, or the service is down."""
        if isinstance(failure.error, Unavailable):
            return self._end(failure.error, told=failure.told)
        if (failure.wait or 0.0) > self.policy.longest_wait:
            return self._end(self._unavailable("it asks for a pause (503)", failure.wait or REST), told=True)
        self._failed_in_a_row += 1
        if self._failed_in_a_row < _HOPELESS:
            return failure.error
        self._failed_in_a_row = 0
        return self._end(self._unavailable(f"{_HOPELESS} questions in a row failed", REST), told=False)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _unavailable(self, why: str, seconds: float) -> Unavailable:
        until = self._now() + timedelta(seconds=min(seconds, _LONGEST))
        return Unavailable(self.policy.service, why, until)

    def _bad(self, what: str) -> BadResponse:
        return BadResponse(f"{self.policy.service} {what}")


def _session(policy: HttpPolicy) -> requests.Session:
    """A session that keeps to the rate and retries nothing itself: urllib3 would sleep inside a call."""
    import requests
    from requests.adapters import HTTPAdapter
    from requests_ratelimiter import LimiterAdapter

    adapter: HTTPAdapter = HTTPAdapter(max_retries=0)
    if policy.requests_per_second:
        # What a 429 means is for `HttpClient`; the limiter would fill its bucket and wait by itself.
        rate: dict[str, Any] = {"per_second": policy.requests_per_second, "limit_statuses": ()}
        adapter = LimiterAdapter(**rate, max_retries=0)
    session = requests.Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    # A proxy or a .netrc of the environment is none of the sandbox's business.
    session.trust_env = urlsplit(policy.base_url).hostname not in ("127.0.0.1", "localhost", "::1")
    session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
    return session


def _asked_wait(response: requests.Response, now: float) -> float | None:
    """The pause a response asks for, in seconds: Retry-After (a number or a date), or MetaBrainz's own."""
    told = response.headers.get("Retry-After") or response.headers.get("X-RateLimit-Reset-In")
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(told).timestamp() - now
        except ValueError:
            return None
    return min(max(seconds, 0.0), _LONGEST) if math.isfinite(seconds) else None

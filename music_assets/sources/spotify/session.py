"""The connection to Spotify: settings, a counting, rate-limited HTTP session, the token, and spotipy.

No retries here (urllib3's would sleep for hours inside a call). What a response means is in `client`.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from music_assets.sources.http import RetryPolicy, is_loopback

if TYPE_CHECKING:
    import requests
    import spotipy

API_URL = "https://api.spotify.com/v1/"
TOKEN_URL = "https://accounts.spotify.com/api/token"
MODES = ("auto", "development", "extended")
_WINDOW = 30.5  # seconds; Spotify's 30, and some for requests that overtake one another on the way


@dataclass(frozen=True)
class SpotifySettings(RetryPolicy):
    """How to reach Spotify, and how hard to try.

    `source` names where the values come from in every row (`api`, or `sandbox` for the server in
    `music_assets.sandbox`); `mode` is the access the app has, `development` or `extended`, or `auto` to
    find out from the responses.
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    source: str = "api"
    mode: str = "auto"
    base_url: str = API_URL
    token_url: str = TOKEN_URL
    requests_per_30s: int | None = 100  # Spotify publishes no figure; None for as fast as it can
    requests_per_day: int | None = None  # a limit of our own, per UTC day; None leaves it to Spotify's
    threads: int = 8
    lock_wait: float = 10.0  # seconds to wait for another process that holds the request lock

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}, not {self.mode!r}")
        if self.threads < 1:
            raise ValueError(f"threads is 1 or more, not {self.threads}")


class Sent:
    """How many requests were sent, by kind (`search`, `artists`, …, and `token`); the last response."""

    def __init__(self, base_url: str, token_url: str) -> None:
        self._prefix = urlsplit(base_url).path.rstrip("/") + "/"
        self._token = urlsplit(token_url)[1:3]
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._thread = threading.local()

    def count(self, url: str | None) -> None:
        """Count one request to this address."""
        parts = urlsplit(url or "")
        kind = parts.path.removeprefix(self._prefix).partition("/")[0] or "other"
        with self._lock:
            self._counts["token" if parts[1:3] == self._token else kind] += 1

    def answered(self, response: requests.Response) -> None:
        """Remember the head of the last response that this thread got."""
        self._thread.head = (response.status_code, response.headers.get("Retry-After"))

    def last_head(self) -> tuple[int, str | None]:
        """Status and Retry-After of this thread's last response, even if its body made no sense."""
        head: tuple[int, str | None] = self._thread.head
        return head

    def counts(self) -> dict[str, int]:
        """The counts as they are now."""
        with self._lock:
            return dict(self._counts)


def make_session(settings: SpotifySettings, sent: Sent) -> requests.Session:
    """A session that counts what it sends in `sent` and keeps to the settings' rate."""
    import requests
    from pyrate_limiter import InMemoryBucket, Limiter, Rate
    from requests.adapters import HTTPAdapter
    from requests_ratelimiter import LimiterMixin

    class CountingAdapter(HTTPAdapter):
        """Counts a request as it is sent, whether or not a response comes."""

        def send(self, request: requests.PreparedRequest, *args: Any, **kw: Any) -> requests.Response:
            sent.count(request.url)
            response = super().send(request, *args, **kw)
            sent.answered(response)
            return response

    class LimitedAdapter(LimiterMixin, CountingAdapter):  # type: ignore[misc]
        """Waits until the rate allows one more, then counts and sends."""

    pool: dict[str, Any] = {"max_retries": 0, "pool_maxsize": settings.threads}
    adapter: HTTPAdapter = CountingAdapter(**pool)
    if per_30s := settings.requests_per_30s:
        # Twice the mean rate at most in any second, so that a window does not begin with a burst.
        rates = [Rate(math.ceil(per_30s / 15), 1000), Rate(per_30s, int(_WINDOW * 1000))]
        if rates[0].limit >= per_30s:
            del rates[0]
        # Spotify's 429s are for `client`, which knows Retry-After; the limiter would fill its bucket and add
        # another half minute.
        limiter = Limiter(InMemoryBucket(rates))
        adapter = LimitedAdapter(limiter=limiter, per_host=False, limit_statuses=(), **pool)
    session = requests.Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.trust_env = not is_loopback(settings.base_url)
    return session


def make_tokens(settings: SpotifySettings, session: requests.Session) -> Any:
    """Spotipy's client credentials, with one lock around the token and true errors.

    Its own would request one per thread, write the token to a file in the working folder, and lose the status
    of a refusal.
    """
    from spotipy.cache_handler import MemoryCacheHandler
    from spotipy.oauth2 import SpotifyClientCredentials

    class Tokens(SpotifyClientCredentials):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(
                client_id=settings.client_id,
                client_secret=settings.client_secret,
                requests_session=session,
                requests_timeout=settings.timeout,
                cache_handler=MemoryCacheHandler(),
            )
            self._token_lock = threading.Lock()

        def get_access_token(self, as_dict: bool = False, check_cache: bool = True) -> str:
            """The token; fetched by one thread while the others wait for it."""
            with self._token_lock:
                token: str = super().get_access_token(as_dict=False, check_cache=check_cache)
                return token

        def drop(self, token: str) -> None:
            """Forget this token, which Spotify refused, unless another thread already has a new one."""
            with self._token_lock:
                info = self.cache_handler.get_cached_token()
                if info and info["access_token"] == token:
                    self.cache_handler.save_token_to_cache(None)

        def _handle_oauth_error(self, http_error: requests.HTTPError) -> None:
            raise http_error  # spotipy's own error has no status, and fails on a body that is not an object

    tokens = Tokens()
    tokens.OAUTH_TOKEN_URL = settings.token_url
    return tokens


def make_api(settings: SpotifySettings, session: requests.Session, tokens: Any) -> spotipy.Spotify:
    """Spotipy's client above our session."""
    import spotipy

    for name in ("spotipy.client", "spotipy.oauth2"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Redact) for known in logger.filters):
            logger.addFilter(_Redact())
    api = spotipy.Spotify(auth_manager=tokens, requests_session=session, requests_timeout=settings.timeout)
    api.prefix = settings.base_url.rstrip("/") + "/"
    return api


class _Redact(logging.Filter):
    """Removes secrets from what spotipy logs (at DEBUG, the Authorization header), and its errors.

    Those `client` raises or retries.
    """

    _SECRET = re.compile(r"\b(Bearer|Basic) [^'\"\s]+")

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._SECRET.sub(r"\1 ***", record.getMessage()), ()
        return record.levelno < logging.ERROR

"""What no server can make a client exceed: size, time and nesting of a response, the pause it asks for.

Both HTTP clients read through this: `http`, for sources without a key, and `spotify.session`. What a response
means is theirs to say.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
import time
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

MAX_BYTES = 8_000_000  # of a body, decoded; the largest real one, an album of 50 tracks, has 0.3 million
MAX_SECONDS = 60.0  # for the headers in all, and for a body
# The longest pause seen was a day. One beyond a week cannot be meant: after a day we see for ourselves.
LONGEST_PAUSE_S, BEYOND_S = 7 * 86400.0, 86400.0
_CHUNK = 65536
_SECONDS = re.compile(
    r"\s*([+-]?(?:\d+(?:\.\d*)?(?:e\d+)?|inf(?:inity)?))\s*(?:s|secs?|seconds?)?\s*", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_log = logging.getLogger(__name__)


class UnusableBody(Exception):
    """A response whose body cannot be taken; the text says what it is, after `answered with`."""


def bound_headers(adapter: HTTPAdapter) -> None:
    """Have this adapter give up a response whose headers take more than `MAX_SECONDS`, as a timeout.

    Its own timeout begins anew with each byte. Through a proxy, that one alone holds.
    """
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Timed(HTTPConnection):
        def getresponse(self) -> Any:
            # The TCP connection below TLS, whose state is the reading thread's.
            end, shut = time.monotonic() + MAX_SECONDS, (self.sock, socket.SHUT_RDWR)
            timer = threading.Timer(MAX_SECONDS, socket.socket.shutdown, shut)
            timer.daemon = True
            timer.start()
            try:
                return super().getresponse()
            finally:
                timer.cancel()
                if time.monotonic() >= end:  # what had come may look like a response
                    raise TimeoutError

    class TimedTls(Timed, HTTPSConnection):
        pass

    http = type("Http", (HTTPConnectionPool,), {"ConnectionCls": Timed})
    https = type("Https", (HTTPSConnectionPool,), {"ConnectionCls": TimedTls})
    adapter.poolmanager.pool_classes_by_scheme = {"http": http, "https": https}


def read_body(response: requests.Response, **_: Any) -> None:
    """Read a streamed response within the bounds; a hook of a session.

    Of an error no more than its status may be had: its body is empty then.

    Raises:
        UnusableBody: it is too large, too slow, broken off, or a redirect. None is followed: no service here
            needs one, the next address might get a token, and nobody would count those requests.
    """
    response._content = b""
    response._content_consumed = True  # type: ignore[attr-defined]
    response.encoding = "utf-8-sig"  # as JSON is, with or without a byte order mark
    with contextlib.suppress(*((UnusableBody,) if response.status_code >= 400 else ())):
        response._content = _read(response)


def _read(response: requests.Response) -> bytes:
    from urllib3.exceptions import HTTPError

    if response.is_redirect:
        raise _refused(response, f"a redirect to {plain(response.headers['location'])}")
    deadline, received = time.monotonic() + MAX_SECONDS, bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            received += chunk
            if len(received) > MAX_BYTES:
                raise _refused(response, f"more than {MAX_BYTES:,} bytes")
            if time.monotonic() > deadline:
                raise _refused(response, f"a body that takes more than {MAX_SECONDS:.0f} s")
    except (HTTPError, OSError) as error:
        raise _refused(response, f"a body that breaks off ({type(error).__name__})") from None
    response.raw.release_conn()
    return _decoded(response, bytes(received))


def _decoded(response: requests.Response, received: bytes) -> bytes:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity") or not received:
        return received
    if encoding not in ("gzip", "x-gzip"):
        raise _refused(response, f"the encoding {plain(encoding)}, which was not asked for")
    inflate = zlib.decompressobj(31)
    try:
        body = inflate.decompress(received, MAX_BYTES)
    except zlib.error:
        raise _refused(response, "a damaged gzip body") from None
    if inflate.unconsumed_tail:
        raise _refused(response, f"more than {MAX_BYTES:,} bytes")
    if not inflate.eof:
        raise _refused(response, "a body that breaks off")
    return body


def _refused(response: requests.Response, why: str) -> UnusableBody:
    response.raw.close()
    return UnusableBody(why)


def json_of(response: requests.Response) -> Any:
    """The JSON of a response that was read. Raises `UnusableBody` where it holds none that can be stored."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        raise UnusableBody("something that is not JSON") from None
    check_depth(body)
    return body


def check_depth(body: Any) -> None:
    """Raise `UnusableBody` for JSON nested so deep that neither the ledger nor a row could hold it."""
    try:
        orjson.dumps(body)
    except TypeError as error:  # a number of 400 digits or half a surrogate pair is one, too, and harmless
        if "recursion" in str(error).lower():
            raise UnusableBody("JSON that is nested too deep") from None


def plain(text: object) -> str:
    """A service's text as it may be shown and stored: short, in one line, without control characters."""
    return _CONTROLS.sub(" ", str(text))[:200].strip()


def reason_of(error: BaseException) -> str:
    """What lies under the wrappings of requests and urllib3: `Connection refused`, not four classes of it."""
    while isinstance(inner := getattr(error, "reason", None) or next(iter(error.args), None), BaseException):
        error = inner
    return str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__


def parse_wait(headers: Mapping[str, str], now: float) -> float | None:
    """The pause that headers ask for, in seconds: Retry-After, or MetaBrainz's X-RateLimit-Reset-In.

    A number, a date, or several of them, of which the longest holds; `BEYOND_S` for more than a week. None
    where they name none that can be meant; `now` is in seconds since 1970.
    """
    text = headers.get("Retry-After") or headers.get("X-RateLimit-Reset-In")
    if text is None:
        return None
    waits = [wait for part in (text, *re.split("[,;]", text)) if (wait := _seconds(part, now)) is not None]
    wait = max(waits, default=None)
    wait = BEYOND_S if wait is not None and wait > LONGEST_PAUSE_S else wait
    level = logging.INFO if wait is not None and wait <= MAX_SECONDS else logging.WARNING
    meaning = "nothing" if wait is None else f"{wait:.0f} s"
    _log.log(level, "Retry-After %r is taken for %s", plain(text), meaning)
    return wait


def _seconds(text: str, now: float) -> float | None:
    if match := _SECONDS.fullmatch(text):
        return max(float(match[1]), 0.0)
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        with contextlib.suppress(ValueError, TypeError, OverflowError, IndexError):
            at = parse(text.strip())
            return max((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now, 0.0)
    return None

"""Faults to inject into the sandbox's services: limits, quotas, broken responses.

The bodies are those the real service was recorded with. Everything is counted by an injected clock
and drawn from a seed, so a test sees the same faults each time. What happens to a connection is in
`connection_faults`; the server that injects them is in `sandbox`.
"""

from __future__ import annotations

import math
import random
import zlib
from collections import deque
from dataclasses import dataclass, field

from music_assets.sandbox.spotify.errors import Raw, error

CUT = "cut"  # the connection ends in the middle of the answer
RESET = "reset"  # the connection is reset before an answer
HANG = "hang"  # nothing comes, for `Faults.hang` seconds, and then the connection ends
ENDLESS = "endless"  # an answer that never ends, as fast as the connection takes it
DRIP = "drip"  # one that never ends, a byte now and then
EXPIRED = "expired"  # every token issued so far expires with this request


RATE_LIMITED = "API rate limit exceeded"
BROKEN: dict[str, Raw | str] = {
    "500": error(500, "Server error."),
    "502": error(502, "Bad gateway."),
    "503": Raw(503, b"upstream connect error or disconnect/reset before headers"),
    "null_error": Raw(500, b'{"error": null}', {"content-type": "application/json"}),
    "string_error": Raw(500, b'{"error": "server_error"}', {"content-type": "application/json"}),
    "empty": Raw(200),
    "html": Raw(200, b"<html><body>Sign in to the network</body></html>", {"content-type": "text/html"}),
    "cut": CUT,
}
# Not for a client to shrug off: it takes its timeout, or a new token.
ROUGH: dict[str, Raw | str] = {"reset": RESET, "hang": HANG, "expired": EXPIRED}
# Limits as they were met, beside those that `Faults` counts.
LIMITS: dict[str, Raw | str] = {
    "wait_0": error(429, RATE_LIMITED, **{"retry-after": "0"}),
    "wait_untold": Raw(429),  # no Retry-After, and an empty body
    "wait_a_day": error(429, RATE_LIMITED, **{"retry-after": "86207"}),
    "quota_untold": error(429, "Too many requests", "QUOTA_EXCEEDED"),
    "premium": error(403, "Active premium subscription required for the owner of the app."),
}
# JSON of another shape than the one requested.
NONSENSE: dict[str, Raw | str] = {
    "object": Raw(200, b"{}"),
    "list": Raw(200, b"[]"),
    "wrong_types": Raw(200, b'{"content": [7, null, {"id": 1, "href": 2, "artists": 3}]}'),
    "wrong_rows": Raw(200, b'[7, null, {"spotify_track_ids": 3, "recording_mbid": 4}]'),
}
ANSWERS = BROKEN | ROUGH | LIMITS | NONSENSE


def bomb(megabytes: int) -> Raw:
    """A small gzip body that inflates to so many megabytes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    body = b"\x1f\x8b\x08" + bytes(7) + block * megabytes + deflate.flush()
    return Raw(200, body, {"content-encoding": "gzip"})


BOMB_MB = 600
# Bodies beyond what a client may hold; `bounded` is to stop at its bounds.
BOUNDLESS: dict[str, Raw | str] = {
    "endless": ENDLESS,
    "drip": DRIP,
    "bomb": bomb(BOMB_MB),
    "deep": Raw(200, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
}


@dataclass
class Faults:
    """What is to go wrong. Without settings, nothing does.

    `script` holds answers for the next requests, one each, before anything else is looked at; `broken`
    names some of `ANSWERS` or `BOUNDLESS`.
    """

    latency: float = 0.0  # seconds before each answer
    rate_per_30s: int | None = None  # beyond it 429 with Retry-After
    quota_per_day: int | None = None  # beyond it 429 with QUOTA_EXCEEDED
    quota_says_when: bool = True  # whether that has a Retry-After
    quota_for: tuple[str, ...] = ()  # kinds of request the quota counts (`search`); all where empty
    broken_rate: float = 0.0  # share of requests that get one of `broken`
    broken: tuple[str, ...] = tuple(BROKEN)
    broken_for: tuple[str, ...] = ()  # kinds of request that may get one (`search`); all where empty
    hang: float = 60.0  # seconds that a request hangs
    gone: frozenset[str] = frozenset()  # ids nobody knows any more: 404 alone, null in a batch
    seed: int = 0
    token_lifetime: float = 3600.0  # seconds
    script: deque[Raw | str] = field(default_factory=deque)

    def __post_init__(self) -> None:
        if unknown := set(self.broken) - set(known := ANSWERS | BOUNDLESS):
            raise ValueError(f"there is no fault {sorted(unknown)[0]!r}, only {', '.join(known)}")
        self.gone = frozenset(self.gone)  # JSON has lists only
        self._random = random.Random(self.seed)
        self._recent: deque[float] = deque()
        self._day_began: float | None = None
        self._today = 0

    def strike(self, now: float, kind: str = "") -> Raw | str | None:
        """What goes wrong with a request of this kind at this moment, if anything does."""
        if self.script:
            return self.script.popleft()
        may_break = self.broken_rate and (not self.broken_for or kind in self.broken_for)
        if may_break and self._random.random() < self.broken_rate:
            return (ANSWERS | BOUNDLESS)[self._random.choice(self.broken)]
        counted = not self.quota_for or kind in self.quota_for
        return self._over_rate(now) or (self._over_quota(now) if counted else None)

    def _over_rate(self, now: float) -> Raw | None:
        if self.rate_per_30s is None:
            return None
        while self._recent and self._recent[0] <= now - 30:
            self._recent.popleft()
        if len(self._recent) >= self.rate_per_30s:
            wait = math.ceil(self._recent[0] + 30 - now)
            return error(429, RATE_LIMITED, **{"retry-after": str(wait)})
        self._recent.append(now)
        return None

    def _over_quota(self, now: float) -> Raw | None:
        if self.quota_per_day is None:
            return None
        if self._day_began is None or now >= self._day_began + 86400:
            self._day_began, self._today = now, 0
        if self._today >= self.quota_per_day:
            wait = {"retry-after": str(math.ceil(self._day_began + 86400 - now))}
            return error(429, "Too many requests", "QUOTA_EXCEEDED", **(wait if self.quota_says_when else {}))
        self._today += 1
        return None

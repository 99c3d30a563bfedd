"""What may be requested: a limit per bucket, the pauses Spotify asked for, the app's access mode.

Spotify counts each kind of endpoint in a bucket of its own, over a rolling 24 hours: so does this, and where
one bucket is closed the others go on. All is remembered in the ledger, so it holds across processes and runs.
Each request is recorded there before it is sent: a killed process has spent what it recorded. Sending it is
in `client`.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from music_assets.sources.ledger import Ledger, pause_state, paused_until
from music_assets.sources.spotify.errors import (
    AccessPaused,
    DailyLimitReached,
    OutOfBudget,
    QuotaExhausted,
    RateLimited,
)

# What development mode leaves out, by table (https://developer.spotify.com/documentation/web-api, February
# 2026 migration guide). Genres come with a single get, and have been seen missing there too.
MISSING_IN_DEVELOPMENT: Mapping[str, tuple[str, ...]] = {
    "tracks": ("popularity", "available_markets"),
    "artists": ("popularity", "followers"),
}
# The buckets. The ledger also counts requests to other services, which this budget does not concern.
KINDS = (
    *("search", "tracks", "albums", "artists", "artist-albums", "audio-features"),
    *("track-batches", "album-batches", "artist-batches"),
)
LAST_RESPONSES = "spotify/responses"  # the state that holds the response counts of the last run
DAY = timedelta(hours=24)
Pause = RateLimited | QuotaExhausted | AccessPaused
_PAUSES: dict[str, type[Pause]] = {"rate": RateLimited, "quota": QuotaExhausted, "access": AccessPaused}
DENIED_FOR = timedelta(days=7)  # how long what an app was denied is not requested again


def bucket_of(path: str) -> str:
    """The bucket that a request of this path counts in: single gets, batches and lists have their own."""
    kind, _, rest = path.partition("/")
    if rest.endswith("/albums"):
        return "artist-albums"
    return f"{kind[:-1]}-batches" if not rest and kind in ("tracks", "albums", "artists") else kind


class Budget:
    """Whether one more request may be sent; safe to use from several threads.

    `app` is the client id: pauses of one app do not hold for another. `per_day` holds for each bucket, over
    any 24 hours. `clock` gives seconds since 1970.
    """

    def __init__(self, ledger: Ledger, *, app: str, per_day: int | None, clock: Callable[[], float]) -> None:
        self.per_day = per_day
        self._ledger = ledger
        # A client id is no secret, yet nothing here needs to show it.
        self._app = hashlib.sha256(app.encode()).hexdigest()[:12]
        self._clock = clock
        self._lock = threading.RLock()
        self._spent: dict[str, Counter[datetime]] | None = None  # by kind and the end of the minute
        self._pauses: dict[str, OutOfBudget | None] = {}

    def take(self, kind: str) -> datetime:
        """Record that one request of this kind (one of `KINDS`) is sent now, and return when that is.

        Raises:
            OutOfBudget: it may not be sent; nothing is recorded.
        """
        with self._lock:
            if over := self.over(kind):
                raise over
            now = self.now()
            self._record(kind, now, 1)
            return now

    def give_back(self, kind: str, taken: datetime) -> None:
        """Take back a request that could not be sent after all."""
        with self._lock:
            self._record(kind, taken, -1)

    def _record(self, kind: str, at: datetime, count: int) -> None:
        self._recorded(kind)[at.replace(second=0, microsecond=0) + timedelta(minutes=1)] += count
        self._ledger.record_request(kind, at, count)

    def over(self, kind: str) -> OutOfBudget | None:
        """Why no request of this kind may be sent now; None where one may."""
        with self._lock:
            if kind not in self._pauses:
                self._pauses[kind] = self._recorded_pause(kind)
            now = self.now()
            if (pause := self._pauses[kind]) and pause.until > now:
                return pause
            if self.per_day is not None and self.left(kind) == 0:
                return DailyLimitReached(kind, self.per_day, self._free_again(kind))
            return None

    def pause(self, kind: str, error: Pause) -> None:
        """Remember that Spotify takes no more requests of this kind until `error.until`."""
        with self._lock:
            self._pauses[kind] = error
        why = next(name for name, of in _PAUSES.items() if isinstance(error, of))
        state = {"why": why, "message": getattr(error, "message", "")}
        self.set_state(f"pause/{kind}", pause_state(error.until, self.now()) | state)

    def _recorded_pause(self, kind: str) -> Pause | None:
        state = self.get_state(f"pause/{kind}")
        if state is None or (until := paused_until(state, self.now())) is None:
            return None
        if state["why"] == "access":
            return AccessPaused(until, state["message"])
        return _PAUSES[state["why"]](until)

    def left(self, kind: str) -> int | None:
        """How many requests of this kind our own limit still allows now; None where there is no limit."""
        if self.per_day is None:
            return None
        with self._lock:
            return max(0, self.per_day - self._window(kind).total())

    def get_state(self, name: str) -> dict[str, Any] | None:
        """What an earlier run learned about this app."""
        return self._ledger.get_state(f"spotify/{self._app}/{name}")

    def set_state(self, name: str, value: dict[str, Any]) -> None:
        """Have later runs know something about this app."""
        self._ledger.set_state(f"spotify/{self._app}/{name}", value)

    def now(self) -> datetime:
        """The time of the clock, UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def _window(self, kind: str) -> Counter[datetime]:
        """The requests of this kind in the last 24 hours, by the end of the minute they were sent in.

        What a clock recorded that was put back since counts too, unless it was ahead by more than a day.
        """
        now = self.now()
        recorded = self._recorded(kind).items()
        return Counter({at: count for at, count in recorded if now - DAY < at <= now + DAY})

    def _recorded(self, kind: str) -> Counter[datetime]:
        """What the ledger has of this kind; nothing is dropped, as the clock may be put back."""
        if self._spent is None:
            self._spent = {}
            for at, name, count in self._ledger.requests_since(self.now() - DAY):
                self._spent.setdefault(name, Counter())[at] += count
        return self._spent.setdefault(kind, Counter())

    def _free_again(self, kind: str) -> datetime:
        """When a quarter of an exhausted bucket is free: a run for each request that leaves it is no use."""
        minutes, freed = sorted(self._window(kind).items()), 0
        while freed * 4 < (self.per_day or 0):
            at, count = minutes.pop(0)
            freed += count
        return at + DAY


class Access:
    """The access mode in use: as set or as learned, also by an earlier run; None until then.

    Since 11 February 2026 development mode lacks batches and some fields. A search hit shows the fields, so
    finding out costs no request of its own. Some apps are between the modes: their hits have all fields, and
    batches are refused; so what became of a batch outweighs a field, for as long as a denial holds.
    """

    def __init__(self, setting: str, budget: Budget) -> None:
        self.is_set = setting != "auto"
        self._state = {"mode": setting} if self.is_set else budget.get_state("mode") or {}
        self._budget = budget

    @property
    def mode(self) -> str | None:
        """`development` or `extended`; None while nothing has shown it."""
        return self._state.get("mode")

    @property
    def may_batch(self) -> bool:
        """Whether to request several ids at once; trying is how it is found out."""
        return self.mode != "development"

    @property
    def is_extended(self) -> bool:
        """Whether extended access is certain: set, or shown by a batch."""
        return self.mode == "extended" and (self.is_set or self._by_batch())

    def learn_by_batch(self, granted: bool) -> None:
        """A batch was answered, or refused; a setting takes precedence."""
        now = self._budget.now()
        self._learn({"mode": "extended" if granted else "development", "batch_at": now.isoformat()})

    def learn_from(self, track: Mapping[str, Any]) -> None:
        """Learn the mode from a track object that a search found."""
        if not self._by_batch():
            self._learn({"mode": "extended" if "popularity" in track else "development"})

    def _by_batch(self) -> bool:
        at = self._state.get("batch_at")
        return at is not None and self._budget.now() - datetime.fromisoformat(at) < DENIED_FOR

    def _learn(self, state: dict[str, str]) -> None:
        # A batch that shows the same again is not worth a write.
        if not self.is_set and (state["mode"] != self.mode or self._by_batch() != ("batch_at" in state)):
            self._state = state
            self._budget.set_state("mode", state)

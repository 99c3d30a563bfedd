"""What may be requested: a limit per day of our own, the pauses Spotify asked for, the app's access mode.

All are remembered in the ledger, so they hold across processes and runs. Each request is recorded there
before it is sent: a killed process has spent what it recorded. Sending it is in `client`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.errors import DailyLimitReached, OutOfBudget, QuotaExhausted, RateLimited

# What development mode leaves out, by table (https://developer.spotify.com/documentation/web-api, February
# 2026 migration guide). Genres come with a single get, and have been seen missing there too.
MISSING_IN_DEVELOPMENT: Mapping[str, tuple[str, ...]] = {
    "tracks": ("popularity", "available_markets"),
    "artists": ("popularity", "followers"),
}
# The ledger also counts requests to other services, which this budget does not concern.
KINDS = ("search", "tracks", "albums", "artists", "audio-features")
_PAUSES: dict[str, type[RateLimited | QuotaExhausted]] = {"rate": RateLimited, "quota": QuotaExhausted}


class Budget:
    """Whether one more request may be sent; safe to use from several threads.

    `app` is the client id: pauses of one app do not hold for another. `clock` gives seconds since 1970.
    """

    def __init__(self, ledger: Ledger, *, app: str, per_day: int | None, clock: Callable[[], float]) -> None:
        self.per_day = per_day
        self._ledger = ledger
        # A client id is no secret, yet nothing here needs to show it.
        self._app = hashlib.sha256(app.encode()).hexdigest()[:12]
        self._clock = clock
        self._lock = threading.RLock()
        self._day: date | None = None
        self._spent = 0
        self._pauses: dict[str, OutOfBudget | None] = {}

    def take(self, kind: str) -> None:
        """Record that one request of this kind (`search`, `albums`, …) is sent now.

        Raises:
            OutOfBudget: it may not be sent; nothing is recorded.
        """
        with self._lock:
            if over := self.over(kind):
                raise over
            self._spent += 1
            self._ledger.record_request(kind, self._now())

    def over(self, kind: str) -> OutOfBudget | None:
        """Why no request of this kind may be sent now; None where one may."""
        with self._lock:
            if kind not in self._pauses:
                state = self.get_state(f"pause/{kind}")
                until = datetime.fromisoformat(state["until"]) if state else None
                self._pauses[kind] = _PAUSES[state["why"]](until) if state and until else None
            now = self._now()
            if (pause := self._pauses[kind]) and pause.until > now:
                return pause
            if self.per_day is not None and self._spent_today() >= self.per_day:
                midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
                return DailyLimitReached(self.per_day, midnight)
            return None

    def pause(self, kind: str, error: RateLimited | QuotaExhausted) -> None:
        """Remember that Spotify takes no more requests of this kind until `error.until`."""
        with self._lock:
            self._pauses[kind] = error
        why = "rate" if isinstance(error, RateLimited) else "quota"
        self.set_state(f"pause/{kind}", {"until": error.until.isoformat(), "why": why})

    def left_today(self) -> int | None:
        """How many requests the day's limit still allows; None where there is no limit."""
        with self._lock:
            return None if self.per_day is None else max(0, self.per_day - self._spent_today())

    def get_state(self, name: str) -> dict[str, Any] | None:
        """What an earlier run learned about this app."""
        return self._ledger.get_state(f"spotify/{self._app}/{name}")

    def set_state(self, name: str, value: dict[str, Any]) -> None:
        """Have later runs know something about this app."""
        self._ledger.set_state(f"spotify/{self._app}/{name}", value)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _spent_today(self) -> int:
        today = self._now().date()
        if today != self._day:
            spent = self._ledger.request_counts(today)
            self._day, self._spent = today, sum(spent.get(kind, 0) for kind in KINDS)
        return self._spent


class Access:
    """The access mode in use: as set or as learned, also by an earlier run; None until then.

    Since 11 February 2026 development mode lacks batches and some fields. A search hit shows which it is, and
    so does a denied batch, so finding out costs no request of its own.
    """

    def __init__(self, setting: str, budget: Budget) -> None:
        self.is_set = setting != "auto"
        self.mode: str | None = setting if self.is_set else (budget.get_state("mode") or {}).get("mode")
        self._budget = budget

    @property
    def may_batch(self) -> bool:
        """Whether to request several ids at once; trying is how it is found out."""
        return self.mode != "development"

    def learn(self, mode: str) -> None:
        """A response has shown the mode; a setting takes precedence."""
        if not self.is_set and mode != self.mode:
            self.mode = mode
            self._budget.set_state("mode", {"mode": mode})

    def learn_from(self, track: Mapping[str, Any]) -> None:
        """Learn the mode from a track object that a search found."""
        self.learn("extended" if "popularity" in track else "development")

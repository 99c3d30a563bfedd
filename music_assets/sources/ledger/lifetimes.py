"""When a cached response is final, and when it is looked at again: the one place that says so.

What a response means is for its source to say; renewing what is old but right is the refresh's matter.

`answered`   is what was requested: final; a refresh may renew it
`not_found`  nothing is known by this id or these names: an id is looked at again after a day, then, as names
             are, after `MISSES_HOLD`
`refused`    the service understood and will not answer (400): with other words, or after as long
`broken`     no try brought an answer: in the next run; from the third time on, once a day
`denied`     the app may not use an endpoint at all: its source says for how long
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from music_assets.sources.ledger.records import Response

A_DAY = timedelta(days=1)
MISSES_HOLD = timedelta(days=90)
BY_ID = ("spotify_track", "spotify_artist", "spotify_album")  # entities that one id names
CLOCK_AHEAD = timedelta(hours=1)  # a pause recorded so much later than it is now is not believed
AT_ONCE = 3  # times that what was broken is requested in every run


def is_due(response: Response, now: datetime) -> bool:
    """Whether what this response is about is to be requested again, though it is cached."""
    age = now - response.fetched_at
    if response.retry:
        return True
    if response.status == "not_found" and response.checks == 1 and response.key.entity in BY_ID:
        return age >= A_DAY
    if response.status in ("not_found", "refused"):
        return age >= MISSES_HOLD
    return response.status == "broken" and (response.checks < AT_ONCE or age >= A_DAY)


def pause_state(until: datetime, now: datetime) -> dict[str, Any]:
    """How a pause is recorded that a service asks for now."""
    return {"until": until.isoformat(), "at": now.isoformat()}


def paused_until(state: Mapping[str, Any], now: datetime) -> datetime | None:
    """When a recorded pause ends or ended; None where the clock has been put back since it was recorded.

    It would then last as much longer: a request finds out what holds.
    """
    at = state.get("at")  # earlier versions did not record it
    if at is not None and datetime.fromisoformat(at) > now + CLOCK_AHEAD:
        return None
    return datetime.fromisoformat(state["until"])

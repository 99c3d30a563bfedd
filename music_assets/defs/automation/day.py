"""The day's times: when the daily run starts, when its tables are due, and when that becomes urgent.

Pure functions of a moment and a time zone. What starts at these times is in `schedules` and `sensors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

READY_BY = time(7)
# So long before it is due, what is there is published without waiting for more answers.
HURRY = timedelta(hours=1)
# The clocks change: a night may be an hour longer than its times of day say.
_LONGER_NIGHT = timedelta(hours=1)


@dataclass(frozen=True)
class Day:
    """One daily run: from when it starts to when its tables are due; all times are UTC."""

    start: datetime
    due: datetime

    @property
    def name(self) -> str:
        """The date it is due on, which is what people call it by."""
        return self.due.date().isoformat()

    @property
    def hurry(self) -> datetime:
        """When it becomes urgent."""
        return max(self.start, self.due - HURRY)


def day_of(now: datetime, daily_start: str, timezone: str) -> Day:
    """The daily run that a moment belongs to: the last that has started.

    `now` has a time zone; `daily_start` is `HH:MM` in `timezone`.
    """
    zone = ZoneInfo(timezone)
    start_at, date = time.fromisoformat(daily_start), now.astimezone(zone).date()
    start = datetime.combine(date, start_at, zone)
    if start > now:
        date -= timedelta(days=1)
        start = datetime.combine(date, start_at, zone)
    due_on = date if start_at < READY_BY else date + timedelta(days=1)
    due = datetime.combine(due_on, READY_BY, zone)
    return Day(start.astimezone(UTC), due.astimezone(UTC))


def time_to_work(daily_start: str) -> timedelta:
    """How long before it is due a day's table may have been made; a day at most."""
    start = timedelta(hours=int(daily_start[:2]), minutes=int(daily_start[3:]))
    due = timedelta(hours=READY_BY.hour, minutes=READY_BY.minute)
    night = (due - start) % timedelta(days=1) or timedelta(days=1)
    return min(night + _LONGER_NIGHT, timedelta(days=1))

"""The day's times: when the daily run starts, when its tables are due, and when that becomes urgent.

Pure functions of a moment and a time zone. What starts at these times is in `schedules` and `sensors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

READY_BY = time(7)
# So long before it is due, what is there is published without waiting for more answers.
HURRY = timedelta(hours=1)
# The clocks change: a night may be an hour longer than its times of day say.
_LONGER_NIGHT = timedelta(hours=1)


@dataclass(frozen=True)
class Day:
    """One daily run: from when it starts to when its tables are due; these times are UTC.

    `name` is the date it is due on, in its time zone: what people call it by.
    """

    start: datetime
    due: datetime
    name: str

    @property
    def hurry(self) -> datetime:
        """When it becomes urgent."""
        return max(self.start, self.due - HURRY)


def day_of(now: datetime, daily_start: str, timezone: str) -> Day:
    """The daily run that a moment belongs to: the last that has started.

    `now` has a time zone; `daily_start` is `HH:MM` in `timezone`.
    """
    zone = ZoneInfo(timezone)
    start_at, on = time.fromisoformat(daily_start), now.astimezone(zone).date()
    start = _moment(on, start_at, zone)
    if start > now:
        on -= timedelta(days=1)
        start = _moment(on, start_at, zone)
    due_on = on if start_at < READY_BY else on + timedelta(days=1)
    return Day(start, _moment(due_on, READY_BY, zone), due_on.isoformat())


def _moment(on: date, at: time, zone: ZoneInfo) -> datetime:
    """A time of day as UTC, no later than Dagster's schedules have it.

    One that comes twice, as the clocks go back, is the first; one that does not come is when they go forward.
    """
    first, second = (datetime.combine(on, at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first
    # It does not come: `second` is before the clocks go forward, `first` after.
    before = second.astimezone(zone).utcoffset()
    while second.astimezone(zone).utcoffset() == before:
        second += timedelta(minutes=1)
    return second


def time_to_work(daily_start: str) -> timedelta:
    """How long before it is due a day's table may have been made; a day at most."""
    start = timedelta(hours=int(daily_start[:2]), minutes=int(daily_start[3:]))
    due = timedelta(hours=READY_BY.hour, minutes=READY_BY.minute)
    night = (due - start) % timedelta(days=1) or timedelta(days=1)
    return min(night + _LONGER_NIGHT, timedelta(days=1))

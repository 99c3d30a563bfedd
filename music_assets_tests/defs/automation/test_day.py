"""The day's times, in time zones whose clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from unittest.mock import ANY

import pytest
from dagster._utils.schedules import schedule_execution_time_iterator
from hypothesis import given
from hypothesis import strategies as st

from music_assets.defs.automation.day import HURRY, day_of, time_to_work


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "start", "zone", "begins", "due", "name"),
    [
        ("2026-11-22T05:00", "03:00", "UTC", "2026-11-22T03:00", "2026-11-22T07:00", "2026-11-22"),
        ("2026-11-22T02:59", "03:00", "UTC", "2026-11-21T03:00", "2026-11-21T07:00", "2026-11-21"),
        ("2026-11-22T20:00", "03:00", "UTC", "2026-11-22T03:00", "2026-11-22T07:00", "2026-11-22"),
        ("2026-07-01T01:00", "03:00", "Europe/Berlin", "2026-07-01T01:00", "2026-07-01T05:00", "2026-07-01"),
        # Started in the evening, due the next morning.
        ("2026-11-22T23:00", "22:30", "UTC", "2026-11-22T22:30", "2026-11-23T07:00", "2026-11-23"),
        # At seven in the far east it is still the day before in UTC.
        ("2026-11-22T20:00", "03:00", "Asia/Tokyo", "2026-11-22T18:00", "2026-11-22T22:00", "2026-11-23"),
        # The night the clocks go back has an hour more.
        ("2026-10-25T02:00", "01:00", "Europe/Berlin", "2026-10-24T23:00", "2026-10-25T06:00", "2026-10-25"),
    ],
)
def test_a_moment_belongs_to_the_last_day_that_has_started(
    now: str, start: str, zone: str, begins: str, due: str, name: str
) -> None:
    day = day_of(utc(now), start, zone)
    assert (day.start, day.due) == (utc(begins), utc(due))
    assert day.name == name
    assert day.hurry == day.due - HURRY


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    hour=st.integers(0, 23),
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]
    ),
)
def test_tables_made_after_the_start_keep_the_promise(now: datetime, hour: int, zone: str) -> None:
    start = f"{hour:02d}:00"
    day = day_of(now.replace(tzinfo=UTC), start, zone)
    assert day.start <= now.replace(tzinfo=UTC) < day.start + timedelta(hours=25)
    assert day.start <= day.hurry < day.due or day.start == day.due
    assert day.due - day.start <= time_to_work(start)
    assert time_to_work(start) <= timedelta(days=1)  # what a policy takes


@pytest.mark.parametrize("start", ["00:00", "00:30", "01:30", "01:45", "02:15", "02:30", "03:00", "23:30"])
@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Auckland", "UTC"],
)
def test_dagster_starts_each_day_once_in_the_day_that_it_begins(zone: str, start: str) -> None:
    """Also where the time of day does not come in the night the clocks go forward, or comes twice."""
    hour, minute = map(int, start.split(":"))
    ticks = schedule_execution_time_iterator(
        utc("2026-01-10T00:00").timestamp(), f"{minute} {hour} * * *", zone, ascending=True
    )
    days = []
    for tick in (each.astimezone(UTC) for each in islice(ticks, 370)):
        day = day_of(tick, start, zone)
        assert timedelta() <= tick - day.start <= timedelta(hours=1), day  # of two times it takes either
        assert day_of(day.start - timedelta(seconds=1), start, zone) == (days[-1] if days else ANY)
        assert timedelta() < day.due - day.start <= time_to_work(start)
        days.append(day)
    dates = [date.fromisoformat(day.name) for day in days]
    assert dates == [dates[0] + timedelta(days=n) for n in range(370)]


def test_a_start_at_seven_has_a_day() -> None:
    assert time_to_work("07:00") == timedelta(days=1)
    assert time_to_work("03:00") == timedelta(hours=5)  # four, and one for a longer night

"""The day's times, in time zones whose clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
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


def test_a_start_at_seven_has_a_day() -> None:
    assert time_to_work("07:00") == timedelta(days=1)
    assert time_to_work("03:00") == timedelta(hours=5)  # four, and one for a longer night

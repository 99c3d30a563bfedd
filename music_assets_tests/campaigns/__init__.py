"""Weeks of asking in minutes: quotas that end days, rates, kills, faults, and what must never be logged.

What each room promises is tested in its own tests; here all of it works together, for long. The tests are
slow, and short forms of campaigns: `MUSIC_ASSETS_CAMPAIGNS=long` makes them as long as they are meant.
"""

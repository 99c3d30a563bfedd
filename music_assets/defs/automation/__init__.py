"""When assets are materialized: `jobs` (what runs together), `schedules` and `sensors` (when it does).

`steps` decides what is to be run next, from facts alone; `facts` gathers them; `alerts` reports
failures. What an asset does is in `assets`; which partitions a run takes, in `partitions`.
"""

from music_assets.defs.automation.jobs import (
    asked_first,
    build_jobs,
    extracted,
    partitioned,
    refreshed,
    unpartitioned,
)
from music_assets.defs.automation.schedules import build_schedules, with_deadline
from music_assets.defs.automation.sensors import build_sensors

__all__ = [
    "asked_first",
    "build_jobs",
    "build_schedules",
    "build_sensors",
    "extracted",
    "partitioned",
    "refreshed",
    "unpartitioned",
    "with_deadline",
]

"""What is out of date, by partition: the facts that `steps` decides on.

Which partition of which stage is up to date is known to `Plan`, which the assets use too; no data file is
opened. A cause is a short text that changes with what made the work necessary, so that one cause starts one
run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from music_assets.defs.partitions import KEYS
from music_assets.defs.registry import COMPUTED, READING, SEARCH, SPENDING, STAGES_BY_DAY
from music_assets.defs.stages import Plan, Stage
from music_assets.staging.store import StagedFile, fingerprint
from music_assets.tables import LOADS, STAGED
from music_assets.warehouse.engine import Warehouse


@dataclass(frozen=True)
class Loads:
    """What `meta.loads` says: the checksum by table and slice; when the last and first load were (UTC)."""

    checksums: Mapping[tuple[str, str], str]
    last: datetime | None
    first: datetime | None = None

    @classmethod
    def read(cls, warehouse: Warehouse) -> Loads:
        """Read it; raises `WarehouseError` as opening the warehouse does."""
        query = select(LOADS.c.table, LOADS.c.slice, LOADS.c.checksum, LOADS.c.loaded_at)
        with warehouse.looking("reading what is loaded") as connection:
            rows = connection.execute(query).all()
        times = sorted(row.loaded_at.replace(tzinfo=UTC) for row in rows)
        checksums = {(row.table, row.slice): row.checksum for row in rows}
        return cls(checksums, times[-1] if times else None, times[0] if times else None)

    def has(self, file: StagedFile) -> bool:
        """Whether a staged file is loaded as it is now."""
        return self.checksums.get((file.kind, file.partition_key)) == file.checksum


def extracted(plan: Plan, keys: Sequence[str] = KEYS) -> list[str]:
    """The partitions that have staged songs; what is staged of all kinds is read for them at once."""
    plan.look_at(["msd_songs"], keys)
    found = [key for key in keys if plan.file("msd_songs", key) is not None]
    plan.look_at(STAGED, found)
    return found


def to_extract(plan: Plan, keys: Sequence[str]) -> dict[str, str]:
    """Partitions whose MSD files have changed since they were read, or were never read."""
    plan.look_at(READING.outputs, keys)
    causes = {}
    for key in keys:
        before = plan.file("msd_songs", key)
        if not plan.is_current(READING, key, ["msd_songs"]):
            # What was there before belongs to the cause: files may become what they were once.
            now = plan.fingerprint(READING, key) or ""
            causes[key] = fingerprint(now, before.run_id if before else "")
    return causes


def to_resolve_first(plan: Plan, keys: Iterable[str], state: Mapping[str, Any], now: datetime) -> str | None:
    """Why songs are to be resolved in order of priority: some were never looked at, or the budget is back.

    `state` is what the asset `spotify_answers` stored last (`read_state`).
    """
    new = unseen(plan, keys, state)
    fresh = [new[key].checksum for key in sorted(new)]
    until = state["go_on_at"]
    # The clock has been put back since that was stored: nobody knows when the budget is back.
    ahead = state["asked_at"] is not None and datetime.fromisoformat(state["asked_at"]) > now
    if fresh or (until is not None and (ahead or datetime.fromisoformat(until) <= now)):
        return fingerprint(state["asked_at"] or "", *fresh)
    return None


def to_request(plan: Plan, keys: Iterable[str], state: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Partitions that have results which are not staged, or can get some now."""
    causes = {}
    keys = list(keys)
    not_yet = unseen(plan, keys, state)
    for key in keys:
        if key in not_yet:
            continue
        search = plan.file("spotify_search", key)
        wanted = plan.fingerprint(SEARCH, key) or ""
        spending = [plan.file(stage.name, key) for stage in SPENDING]
        if search is None or search.fingerprint != wanted or any(file is None for file in spending):
            causes[key] = wanted
        elif not search.complete and _later(state["partitions"][key]["at"], search.written_at):
            causes[key] = fingerprint(search.written_at, state["partitions"][key]["at"])
        elif any(_may_retry(file, now) for file in spending if file):
            causes[key] = "retried"  # a request that failed, or that waited for the budget; once a day
    return causes


def go_on_at(state: Mapping[str, Any]) -> datetime | None:
    """The next time (UTC) that the budget is back for something that is pending."""
    return datetime.fromisoformat(state["go_on_at"]) if state["go_on_at"] else None


def unseen(plan: Plan, keys: Iterable[str], state: Mapping[str, Any]) -> dict[str, StagedFile]:
    """Partitions with songs that `spotify_answers` has not looked at as they are now."""
    seen = {key: known["checksum"] for key, known in state["partitions"].items()}
    songs = ((key, plan.file("msd_songs", key)) for key in keys)
    return {key: file for key, file in songs if file and file.checksum != seen.get(key)}


def _later(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) > datetime.fromisoformat(other)


def _may_retry(file: StagedFile, now: datetime) -> bool:
    if file.complete:
        return False
    at = file.metadata.get("go_on_at")
    if file.kind == "spotify_search":
        return at is None  # what is pending there, `spotify_answers` goes on with
    return not at or datetime.fromisoformat(at) <= now


def to_load(plan: Plan, keys: Iterable[str], loads: Loads) -> dict[str, str]:
    """Partitions where something is not computed from what is there now, or not loaded.

    One that lacks what only requests bring is left out: it is to be requested first.
    """
    required = {*READING.outputs, *(stage.name for stage in SPENDING)}
    causes = {}
    for key in keys:
        files = [file for kind in STAGED if (file := plan.file(kind, key)) is not None]
        if not required <= {file.kind for file in files}:
            continue
        computed = all(plan.is_current(stage, key) for stage in COMPUTED)
        if not (computed and all(map(loads.has, files))):
            wanted = [plan.fingerprint(stage, key) or "" for stage in COMPUTED]
            causes[key] = fingerprint(*wanted, *(file.checksum for file in files))
    return causes


def refreshed_days(plan: Plan) -> list[str]:
    """The days of which something was refreshed."""
    return sorted({day for stage in STAGES_BY_DAY for day in plan.store.keys(stage.name)})


def refreshed_at(plan: Plan) -> datetime | None:
    """When something was last refreshed (UTC)."""
    files = (plan.file(stage.name, day) for stage in STAGES_BY_DAY for day in refreshed_days(plan)[-1:])
    return max((datetime.fromisoformat(file.written_at) for file in files if file), default=None)


def days_to_load(plan: Plan, loads: Loads) -> list[str]:
    """The refreshed days with something that is not loaded as it is staged."""

    def is_loaded(stage: Stage, day: str) -> bool:
        file = plan.file(stage.name, day)
        return file is None or loads.has(file)

    return [day for day in refreshed_days(plan) if not all(is_loaded(one, day) for one in STAGES_BY_DAY)]


def to_refresh(loads: Loads, refreshed: datetime | None, since: datetime) -> str | None:
    """Why what is stalest is to be refreshed: the day has not had it.

    `refreshed` is when that began last, `since` when the day began (UTC). On the day of the first load
    everything is fresh.
    """
    if loads.first is None or loads.first >= since or (refreshed is not None and refreshed >= since):
        return None
    return f"{refreshed}"


def to_fill(loads: Loads, filled: datetime | None, since: datetime, now: datetime) -> str | None:
    """Why the published tables are to be filled: something was loaded since, or the day has not had them.

    `filled` is when the run began that filled them last, `since` when the day began (UTC).
    """
    if filled is not None and filled > now:  # the clock has been put back: nobody knows what was loaded since
        return f"{loads.last} {filled}" if loads.last else None
    if filled is None or filled < since or (loads.last is not None and loads.last > filled):
        return f"{loads.last}" if loads.last else None
    return None

"""The main job as `music-assets run` runs it: which partitions in which Dagster runs, and what they did.

Options and the exit code are in `run`. What the runs did is collected in `summary`; Dagster's storage is
opened by `defs.instance`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from dagster import AssetKey, build_resources
from dagster._core.errors import DagsterExecutionInterruptedError
from sqlalchemy import select

from music_assets.cli import CommandError
from music_assets.cli.console import counted, some
from music_assets.cli.invented import find_invented, remove_invented
from music_assets.cli.ledger import existing_ledger
from music_assets.cli.lock import data_folder_lock
from music_assets.cli.status import count_songs
from music_assets.cli.summary import Summary
from music_assets.definitions import build_defs
from music_assets.defs.automation import asked_first, extracted, partitioned, refreshed, unpartitioned
from music_assets.defs.automation.facts import Loads, days_to_load
from music_assets.defs.instance import close_lost_runs, dagster_instance
from music_assets.defs.partitions import parse_partitions, runs_of
from music_assets.defs.run_launcher import COMMAND, COMMAND_LINE
from music_assets.defs.stages import Plan
from music_assets.errors import MusicAssetsError
from music_assets.ids import partition_of
from music_assets.priority_list import listed_ids
from music_assets.resolution import SearchBacklog
from music_assets.settings import Settings
from music_assets.tables import LOADS, PUBLISHED
from music_assets.warehouse.engine import Warehouse

_JOB = "music_etl"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def run_job(
    settings: Settings,
    partitions: str | None = None,
    *,
    refresh: bool = False,
    only: bool = False,
    resources: Mapping[str, Any] | None = None,
) -> Summary:
    """Materialize every partition that has MSD files, or those `partitions` names, then the tables.

    Without `partitions` songs are searched for by priority across all partitions, once they are read; with
    it, only what these partitions need is requested. With `refresh` the oldest Spotify values are fetched
    again before the tables are filled, with a share of the requests, at most once a day. With `only` no other
    songs are searched for than those of the settings' list, and no other partitions are loaded. `resources`
    are those of the settings unless given.

    Raises:
        MusicAssetsError: the data folder, a setting or an option cannot be used. Nothing was run.
    """
    started = time.monotonic()
    with data_folder_lock(settings.data):
        named = None if partitions is None else parse_partitions(partitions)
        definitions = build_defs(settings=settings, resources=resources)
        opened = definitions.resources or {}
        # What cannot be used ends the run before any work: corrections, listed ids, MSD, warehouse.
        overridden = opened["corrections"].read().overridden
        listed = listed_ids(Path(settings.resolution.tracks)) if settings.resolution.tracks else []
        warehouse = opened["warehouse"].open()
        invented = find_invented(settings, warehouse)  # before the sample is written
        msd = opened["msd"].root()
        available = msd.partitions()
        keys = _select(available, named)
        if only and {id_.kind for id_ in listed} == {"track"}:
            of_tracks = {partition_of(id_.value) for id_ in listed}
            keys = [key for key in keys if key in of_tracks]
        store = opened["staging"].store()
        notes = remove_invented(settings, warehouse, store, invented)
        removed = bool(notes)
        notes += _partitions_of_another_msd(warehouse, available)
        summary = Summary(settings.spotify.source, partitions=len(keys), notes=notes, only=only)
        graph = definitions.resolve_asset_graph()
        days = _days_to_refresh(opened) if refresh else []
        searched = partial(_with_listed_songs, settings if only else None, keys)
        command = uuid4().hex[:12]
        tags = {COMMAND: command, COMMAND_LINE: str(os.getpid())}
        steps = _steps(graph, keys, searched, days, tags, by_priority=named is None or only)
        of_all_runs = {"resolution": {"only_listed": only}, "sources": {"command": command}}
        config = {**_QUIET, "resources": {name: {"config": values} for name, values in of_all_runs.items()}}
        with dagster_instance(settings.dagster_home) as instance, _interruptible(summary) as note_interrupt:
            close_lost_runs(instance)
            for job, assets, of_run in steps:
                summary.add(
                    definitions.resolve_job_def(job).execute_in_process(
                        instance=instance,
                        asset_selection=sorted(assets),
                        tags=of_run,
                        run_config=config,
                        raise_on_error=False,
                    )
                )
                note_interrupt()
                if summary.interrupted:
                    break
        if not (summary.failed or summary.interrupted):
            run = {*keys} | {partition_of(track_id) for track_id in overridden} - {*available}
            mine = {track_id for track_id in overridden if partition_of(track_id) in run}
            summary.notes += _unknown_overrides(warehouse, mine)
        with build_resources(opened) as at_hand:
            summary.notes += at_hand.dumps.missing("echonest")  # of the others their stages say it
        # What was removed or left out on purpose is no loss to warn of.
        expected = ["check rows_are_kept"] * removed + ["check few_songs_are_pending"] * only
        summary.notes = [note for note in summary.notes if not any(one in note for one in expected)]
        if only:  # of other partitions no song goes into the tables
            keys = searched()
            summary.partitions = len(keys)
            summary.songs = sum(file.rows for file in store.staged_files("msd_songs", keys) if file)
            if not keys:
                summary.notes.append(
                    "No song that was read has an id of the list. Ids of Spotify and others are known once "
                    "a run has matched their songs: run without --only first."
                )
        if summary.failed or summary.interrupted:
            with suppress(MusicAssetsError):  # what the run could not reach, it has reported
                summary.count_staged(count_songs(store, settings.ledger_source, keys))
        summary.seconds = round(time.monotonic() - started, 1)
        summary.write(settings.data / "last_run.json")
        return summary


def _select(available: list[str], named: list[str] | None) -> list[str]:
    """The partitions to run: those with MSD files or, of these, those that `--partitions` names."""
    if named is None:
        if not available:
            raise CommandError("The MSD in use has no songs: name another with --msd or MUSIC_ASSETS_MSD.")
        return available
    keys = [key for key in named if key in set(available)]
    if not keys:
        raise CommandError(
            f"--partitions names {some(named)}, and the MSD in use has no files there. It has "
            f"{some(available)}."
        )
    return keys


def _with_listed_songs(settings: Settings | None, keys: list[str]) -> list[str]:
    """Those of the partitions, which are read by now, that have songs of the list; all without settings."""
    if settings is None:
        return keys
    with existing_ledger(settings) as ledger:
        listed = SearchBacklog(ledger).priority_partitions() if ledger else set()
    return [key for key in keys if key in listed]


def _days_to_refresh(resources: Mapping[str, Any]) -> list[str]:
    """Today (UTC), and earlier days that were refreshed but are not in the warehouse."""
    with build_resources(resources) as opened:
        today = datetime.fromtimestamp(opened.spotify.clock(), UTC).date().isoformat()
        plan = Plan(opened.staging.store(), {})
        loads = Loads.read(opened.warehouse.open())
    return sorted({*days_to_load(plan, loads), today})


def _steps(
    graph: Any,
    keys: list[str],
    searched: Callable[[], list[str]],
    days: list[str],
    tags: dict[str, str],
    *,
    by_priority: bool,
) -> Iterator[tuple[str, AbstractSet[AssetKey], dict[str, str]]]:
    """The Dagster runs in order: the job, which of its assets, and the run's tags, `tags` among them.

    `keys` are read, and `searched` says, once they are, which of them go on.
    """

    def ranges(keys: list[str]) -> list[dict[str, str]]:
        return [{**tags, _FIRST: first, _LAST: last} for first, last in runs_of(keys)]

    by_partition = partitioned.resolve(graph)
    if by_priority:
        first = extracted.resolve(graph)
        yield from ((_JOB, first, range_) for range_ in ranges(keys))
        yield _JOB, asked_first.resolve(graph), tags
        by_partition -= first
    yield from ((_JOB, by_partition, range_) for range_ in ranges(searched()))
    yield from (("refresh", refreshed.resolve(graph), {**tags, "dagster/partition": day}) for day in days)
    yield _JOB, unpartitioned.resolve(graph), tags


def _partitions_of_another_msd(warehouse: Warehouse, available: list[str]) -> list[str]:
    """A note where the tables hold partitions that the MSD in use does not have."""
    loaded = select(LOADS.c.slice).where(LOADS.c.table == "msd_songs", LOADS.c.rows > 0)
    with warehouse.transaction("starting a run") as connection:
        others = sorted({*connection.execute(loaded).scalars()} - {*available})
    if not others:
        return []
    return [
        f"The tables also hold {counted(len(others), 'partition')} that this MSD does not have "
        f"({some(others)}), perhaps of the sample. To keep them apart, use another data folder (--data)."
    ]


def _unknown_overrides(warehouse: Warehouse, overridden: set[str]) -> list[str]:
    """A note where overrides are for tracks that the tables do not have."""
    if not overridden:
        return []
    songs = PUBLISHED["msd.songs"].c.track_id
    with warehouse.transaction("looking for the tracks of overrides") as connection:
        known = connection.execute(select(songs).where(songs.in_(overridden))).scalars()
        unknown = sorted(overridden - {*known})
    if not unknown:
        return []
    return [
        f"The overrides name {counted(len(unknown), 'track')} that the MSD in use does not have "
        f"({some(unknown)}): correct the ids in MUSIC_ASSETS_OVERRIDES."
    ]


@contextmanager
def _interruptible(summary: Summary) -> Iterator[Callable[[], None]]:
    """End in order on Ctrl-C: what is finished is kept, and the summary says so.

    Dagster raises an error where the signal arrives. Inside a destructor or a callback of C code that is
    lost, so signals are also written to a pipe; what this gives reads it, after each Dagster run.
    """
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    report = sys.unraisablehook
    interrupts = (KeyboardInterrupt, DagsterExecutionInterruptedError)
    sys.unraisablehook = lambda lost: None if isinstance(lost.exc_value, interrupts) else report(lost)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False) if _in_main_thread() else None
    try:
        yield lambda: _note_interrupt(summary, reading)
    except interrupts:
        summary.interrupted = True
    finally:
        sys.unraisablehook = report
        _note_interrupt(summary, reading)
        if before is not None:
            signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def _note_interrupt(summary: Summary, signals: int) -> None:
    """Set `interrupted` if Ctrl-C has arrived at this pipe."""
    with suppress(BlockingIOError):
        summary.interrupted |= signal.SIGINT in os.read(signals, 4096)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

"""Who writes below a data folder: one `run` or `purge` at a time holds its lock, beside the runs of Dagster.

Runs that the UI, a schedule or a sensor starts take no lock, since many of them go at once: a purge waits for
their end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from music_assets.errors import MusicAssetsError


class DataFolderError(MusicAssetsError):
    """A data folder that is in use or cannot be written to."""


@contextmanager
def data_folder_lock(data: Path) -> Iterator[None]:
    """Hold the data folder, which is created if it does not exist. The lock dies with this process.

    Raises:
        DataFolderError: another process holds it, or it cannot be written to.
    """
    lock, holder = FileLock(data / "run.lock"), data / "run.holder"
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        process = holder.read_text() if holder.exists() else ""
        raise DataFolderError(
            f"The data folder {data} is in use by another run{process}. Wait for it, or name another folder "
            "with --data."
        ) from None
    except OSError as error:
        raise DataFolderError(
            f"The data folder {data} cannot be written to ({error.strerror}). Make it writable, or name "
            "another with --data or MUSIC_ASSETS_DATA."
        ) from None
    try:
        holder.write_text(f" (process {os.getpid()})")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


class RunBegan(MusicAssetsError):
    """Dagster began a run on a data folder that was to be left alone."""


@contextmanager
def no_run_of_dagster(home: Path) -> Iterator[None]:
    """Nothing that Dagster started works on the data folder of this DAGSTER_HOME; call it holding the lock.

    Raises:
        DataFolderError: such a run has not ended.
        RunBegan: at the end, one has begun meanwhile.
    """
    from dagster import RunsFilter
    from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

    from music_assets.defs.instance import close_lost_runs, dagster_instance

    if not home.exists():
        yield
        return
    with dagster_instance(home) as instance:
        close_lost_runs(instance)
        going = instance.get_runs(RunsFilter(statuses=NOT_FINISHED_STATUSES), limit=1)
        if going:
            run = f"{going[0].job_name}, {going[0].run_id[:8]}"
            raise DataFolderError(
                f"The data folder {home.parent} is in use by a run that Dagster started ({run}), which would "
                "write what is removed. Wait for it, or end it in the UI, which notices one that was killed."
            )
        before = instance.get_runs_count()
        yield
        if instance.get_runs_count() > before:
            raise RunBegan("Dagster began a run meanwhile, which may have written what was removed.")

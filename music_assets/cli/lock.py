"""The lock on a data folder: one `run` or `purge` at a time writes below it."""

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

"""Files opened some ahead of being read, so that a disk is never idle.

Reading a file waits for the disk; asking for it does not. And left to itself a system fetches all of a
small file, of which reading needs a quarter. What is in the files is not known here.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

from music_assets.sources.msd.hdf5.structure import HEAD

_AHEAD = 32  # files; a disk of a hundred microseconds is busy from eight on, slower ones later
# A pipe is opened without waiting for who writes to it.
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_ADVISES = hasattr(os, "posix_fadvise")


class Opened(NamedTuple):
    """A file that is open for reading, and its state when it was opened."""

    descriptor: int
    status: os.stat_result

    def was_written(self) -> bool:
        """Whether the file was written to since."""
        before, after = self.status, os.fstat(self.descriptor)
        return (before.st_mtime_ns, before.st_ctime_ns, before.st_size) != (
            *(after.st_mtime_ns, after.st_ctime_ns, after.st_size),
        )


@contextmanager
def opened(path: str) -> Iterator[Opened | None]:
    """One file, open for reading; None where there is no file."""
    with closing(opened_ahead([path])) as files:
        yield next(files)[1]


def opened_ahead(paths: Iterable[str]) -> Generator[tuple[str, Opened | None], None, None]:
    """Each path with its file, which is open until the next is taken; None where there is no file.

    To be closed, which closes the files that are open.
    """
    waiting: deque[tuple[str, Opened | None]] = deque()
    more = iter(paths)
    try:
        while True:
            while len(waiting) <= _AHEAD and (path := next(more, None)) is not None:
                waiting.append((path, _open(path)))
            if not waiting:
                return
            yield waiting[0]
            _close(waiting.popleft()[1])
    finally:
        for _, file in waiting:
            _close(file)


def _open(path: str) -> Opened | None:
    """Open a file and ask for its beginning; of the rest only what is read will be fetched."""
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return None
    if _ADVISES:
        with suppress(OSError):  # not every file system takes advice
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            os.posix_fadvise(descriptor, 0, HEAD, os.POSIX_FADV_WILLNEED)
    return Opened(descriptor, status)


def _close(file: Opened | None) -> None:
    if file is not None:
        os.close(file.descriptor)

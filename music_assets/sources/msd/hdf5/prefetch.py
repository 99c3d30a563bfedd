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

from music_assets.sources.msd.hdf5.structure import HEAD

_AHEAD = 32  # files; a disk of a hundred microseconds is busy from eight on, slower ones later
# A pipe is opened without waiting for who writes to it.
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_ADVISES = hasattr(os, "posix_fadvise")


@contextmanager
def opened(path: str) -> Iterator[int | None]:
    """A descriptor of one file; None where there is no file."""
    with closing(opened_ahead([path])) as files:
        yield next(files)[1]


def opened_ahead(paths: Iterable[str]) -> Generator[tuple[str, int | None], None, None]:
    """Each path with a descriptor that is open until the next is taken; None where there is no file.

    To be closed, which closes the descriptors that are open.
    """
    waiting: deque[tuple[str, int | None]] = deque()
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
        for _, descriptor in waiting:
            _close(descriptor)


def _open(path: str) -> int | None:
    """Open a file and ask for its beginning; of the rest only what is read will be fetched."""
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    if _ADVISES:
        with suppress(OSError):  # not every file system takes advice
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            os.posix_fadvise(descriptor, 0, HEAD, os.POSIX_FADV_WILLNEED)
    return descriptor


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)

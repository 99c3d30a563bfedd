"""Reading many partitions of an MSD root, on all cores where there is much to read.

What is done with a partition is a function of the caller's, which is applied where the partition is read, so
that only its result passes between processes. Which files a partition has is in `root`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from functools import cache
from itertools import islice
from typing import TypeVar

from music_assets.sources.msd.errors import WorkerDied
from music_assets.sources.msd.root import MsdRoot

MANY_FILES = 4_000  # from here on, processes read sooner than they cost time to start
_LOOK_AHEAD = 3  # partitions per process: one being read, and two of its size waiting
T = TypeVar("T")


def cores() -> int:
    """How many processes make sense here: one per core this process may use."""
    import loky

    count: int = loky.cpu_count()
    return count


def read_partitions(
    root: MsdRoot,
    keys: Sequence[str],
    processes: int,
    apply: Callable[[MsdRoot, str], T],
    *,
    many_files: int = MANY_FILES,
) -> Generator[tuple[str, T], None, None]:
    """Each partition's key and `apply(root, key)`, in the order of `keys`.

    With several processes and at least `many_files` files the work is done in worker processes, which end
    with the iterator; `apply` must then be a module's function, and its result picklable. Memory holds a
    few results per process: the workers wait for a slow caller.

    Raises:
        MsdRootError: The root cannot be read.
        WorkerDied: A worker process was killed.
    """
    processes = min(processes, len(keys))
    if processes > 1 and sum(map(root.count, keys)) >= many_files:
        yield from _read_in_workers(str(root.path), keys, processes, apply)
    else:
        yield from ((key, apply(root, key)) for key in keys)


def _read_in_workers(
    root: str, keys: Iterable[str], processes: int, apply: Callable[[MsdRoot, str], T]
) -> Generator[tuple[str, T], None, None]:
    from loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

    executor = ProcessPoolExecutor(
        processes,
        initializer=_start_worker,
        initargs=(os.getpid(),),
        env={"OPENBLAS_NUM_THREADS": "1"},
    )
    more = iter(keys)
    submitted: deque[tuple[str, Future[T]]] = deque()
    try:
        while True:
            for key in islice(more, _LOOK_AHEAD * processes - len(submitted)):
                submitted.append((key, executor.submit(_apply, apply, root, key)))
            if not submitted:
                return
            key, future = submitted[0]
            result = future.result()
            submitted.popleft()
            yield key, result
    except BrokenProcessPool as error:
        # Workers take partitions in order: these were under way.
        unfinished = [key for key, future in submitted if not _succeeded(future)][:processes]
        raise WorkerDied(
            f"A process that read partition {' or '.join(unfinished)} was killed, or ended too early. Where "
            "memory ran out, fewer processes help: set LOKY_MAX_CPU_COUNT."
        ) from error
    finally:
        executor.shutdown(kill_workers=True)


def _succeeded(future: Future[T]) -> bool:
    return future.done() and future.exception() is None


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _apply(apply: Callable[[MsdRoot, str], T], root: str, key: str) -> T:
    return apply(_opened(root), key)


@cache
def _opened(root: str) -> MsdRoot:
    return MsdRoot.open(root)

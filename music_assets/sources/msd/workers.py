"""Processes that work for this one: tasks go out, results come back, and all of them end with it.

Each is a Python of its own that is started afresh, so it does not matter which threads run here. They
are not `multiprocessing`'s: that imports the caller's main module again in each of them, which a
script without a guard does not survive, and its pools wait for ever for a worker that was killed.

What is worked on is not known here; memory is bounded by how much the caller submits at once.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, Self

from music_assets.sources.msd.errors import WorkerDied

_QUEUED = 2  # tasks a worker has: one in work, and the next
_SERVE = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve(int(sys.argv[1]))"


def cores() -> int:
    """How many workers make sense here: one a core this process may use; 1 where there can be none."""
    if os.name != "posix":  # a worker is handed its end of a pipe by number
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    tasks: deque[str] = field(default_factory=deque)


class Workers:
    """So many processes; a context manager, to be used in one thread.

    A task is a function of some module, its arguments, and a name that an error can tell a person.
    """

    def __init__(self, count: int) -> None:
        self._workers: list[_Worker] = []
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._results: dict[str, tuple[bool, Any]] = {}
        try:
            for _ in range(count):
                self._workers.append(_started())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, task: str, function: Callable[..., Any], *args: Any) -> None:
        """Have a task done; returns at once."""
        self._waiting.append((task, pickle.dumps((function, args))))
        self._send()
        self._receive(timeout=0)

    def result(self, task: str) -> Any:
        """The result of a task that was submitted, waiting for it; what it raised is raised.

        Raises:
            WorkerDied: a process ended before its task.
        """
        while task not in self._results:
            self._receive(timeout=None)
        done, value = self._results.pop(task)
        if not done:
            raise value
        return value

    def map(
        self, function: Callable[..., Any], tasks: Iterable[tuple[str, tuple[Any, ...]]]
    ) -> Iterator[Any]:
        """The results of a function for each name and its arguments, in this order.

        Some tasks are taken ahead of the result that is asked for, and no more: a slow caller or a
        slow task stops all.
        """
        ahead: deque[str] = deque()
        for name, args in tasks:
            self.submit(name, function, *args)
            ahead.append(name)
            if len(ahead) > (_QUEUED + 1) * len(self._workers):
                yield self.result(ahead.popleft())
        while ahead:
            yield self.result(ahead.popleft())

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
        self._workers = []

    def _send(self) -> None:
        while self._waiting:
            worker = min(self._workers, key=lambda one: len(one.tasks))
            if len(worker.tasks) == _QUEUED:
                return
            task, content = self._waiting.popleft()
            worker.tasks.append(task)
            try:
                worker.connection.send_bytes(content)
            except OSError:
                raise _died(worker) from None

    def _receive(self, timeout: float | None) -> None:
        """Take the results there are, waiting for one so long, and hand on the tasks that wait."""
        ready = wait([worker.connection for worker in self._workers], timeout)
        for worker in self._workers:
            if worker.connection in ready:
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    raise _died(worker) from None
                self._results[worker.tasks.popleft()] = answer
        self._send()


def serve(descriptor: int) -> None:
    """What a worker does: tasks, one after another, until whoever gives them is gone."""
    connection: Connection[Any, Any] = Connection(descriptor)
    with suppress(EOFError, ConnectionError):
        while True:
            task = connection.recv_bytes()
            answer: tuple[bool, Any]
            try:
                function, args = pickle.loads(task)
                answer = True, function(*args)
            except Exception as error:
                answer = False, error
            connection.send(answer)


def _started() -> _Worker:
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _SERVE.format(path=sys.path, module=__name__),
                str(theirs.fileno()),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process, which ends them
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
    return _Worker(process, ours)


def _died(worker: _Worker) -> WorkerDied:
    code = worker.process.wait()
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    task = worker.tasks[0] if worker.tasks else "nothing"
    return WorkerDied(
        f"The process that read {task} {how}. Where memory ran out, fewer processes help: set "
        "MUSIC_ASSETS_READERS. If it was a file HDF5 stumbles over, set it to 1 and read this part alone."
    )

"""Reading a file with h5py in a process of its own: HDF5 does not survive every damaged file.

The process starts with the first file that `fast_reader` declines, and serves this thread until it ends. Its
memory is limited, and the time it takes for a part of a file; where it dies, `UnreadableFile` says how, and
the next file gets a new one. How a file is read is in `h5py_reader`.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from itertools import chain
from typing import Any

from music_assets.sources.msd.errors import UnreadableFile
from music_assets.sources.msd.records import Arrays, Record

MEMORY_BYTES = 1 << 30
SECONDS = 60  # for opening a file, and for each block of its rows
_SERVE = "from music_assets.sources.msd.hdf5 import isolated; isolated.serve({memory}, {seconds})"


def read(path: str, rows: Sequence[int] | None = None) -> tuple[int, Generator[Record, None, None]]:
    """How many songs a file has, and their records, or those of these rows (ascending).

    Raises:
        UnreadableFile: the file, or the part that is being read, cannot be read.
    """
    answers = _request("blocks", path, rows)
    return next(answers), _joined(answers)


def count(path: str) -> int:
    """How many songs a file has; raises as `read` does."""
    songs, records = read(path, [])
    assert not list(records)
    return songs


def track_ids(path: str) -> list[bytes]:
    """The track id of every row of a file, reading no other field; raises as `read` does."""
    return list(chain.from_iterable(_request("track_ids", path)))


def arrays(path: str, names: Sequence[str], track_id: bytes | None = None) -> Iterator[Arrays]:
    """The analysis arrays of each song of a file, or of the one with this id; raises as `read` does."""
    return _request("arrays", path, names, track_id)


def _joined(blocks: Generator[Any, None, None]) -> Generator[Record, None, None]:
    with closing(blocks):
        for block in blocks:
            yield from block


class _Processes(threading.local):
    """This thread's process, if it has one."""

    process: subprocess.Popen[bytes] | None = None

    def started(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVE.format(memory=MEMORY_BYTES, seconds=SECONDS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # HDF5 and the C library write there how they die
                start_new_session=True,  # Ctrl-C is for this process; with it the other ends, too
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
            )
        return self.process

    def ended(self) -> int:
        """End the process, if it has not ended; its return code."""
        process, self.process = self.process, None
        assert process is not None and process.stdin and process.stdout
        with suppress(OSError):
            process.stdin.close()
        process.stdout.close()
        try:
            return process.wait(5)  # a busy machine takes its time to end what has aborted
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return 0


_processes = _Processes()


def _request(what: str, path: str, *arguments: Any) -> Generator[Any, None, None]:
    """The answers to a request, one after the other. Whoever does not take all of them ends the process."""
    process = _processes.started()
    assert process.stdin and process.stdout
    answered = False
    try:
        pickle.dump((what, path, *arguments), process.stdin)
        process.stdin.flush()
        while True:
            kind, answer = pickle.load(process.stdout)  # noqa: S301  # of our own process
            answered = kind != "part"
            if kind == "fault":
                raise UnreadableFile(answer)
            if answered:
                return
            yield answer
    except (OSError, EOFError, pickle.UnpicklingError):
        answered = True
        raise UnreadableFile(_how(_processes.ended())) from None
    finally:
        if not answered:
            _processes.ended()


def _how(code: int) -> str:
    if code == -signal.SIGALRM:
        return f"takes HDF5 more than {SECONDS} s"
    if code == -signal.SIGKILL:
        return "was being read when the process was killed, by the system where memory ran out"
    return f"HDF5 aborts on it ({signal.Signals(-code).name})" if code < 0 else "HDF5 ends with it"


def serve(memory: int, seconds: int) -> None:
    """Answer the requests that come by standard input until it ends: the work of the other process."""
    from music_assets.sources.msd.hdf5.h5py_arrays import H5pyAnalysisFile

    with suppress(ImportError):
        importlib.import_module("hdf5plugin")  # filters beyond HDF5's own, where they are installed
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit(memory)

    def send(kind: str, answer: Any = None) -> None:
        signal.alarm(0)  # whoever takes the answers may take their time
        pickle.dump((kind, answer), answers)
        answers.flush()
        signal.alarm(seconds)  # its default action ends the process, wherever HDF5 is

    def parts(what: str, path: str, *arguments: Any) -> Iterator[Any]:
        with closing(H5pyAnalysisFile(path)) as file:
            if what == "blocks":
                yield file.rows
            yield from getattr(file, what)(*arguments)

    while True:
        signal.alarm(0)
        try:
            request = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        signal.alarm(seconds)
        try:
            for part in parts(*request):
                send("part", part)
        except UnreadableFile as fault:
            send("fault", str(fault))
        else:
            send("end")


def _limit(memory: int) -> None:
    """Bound the memory of this process, where the system can."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

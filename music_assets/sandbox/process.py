"""The sandbox as a process: started on the loopback, gone with whoever started it.

`running_sandbox` is for code that needs one for a while, `serve` for a person who wants one to try.
What the server answers is in `server`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from music_assets.errors import MusicAssetsError

if TYPE_CHECKING:
    import uvicorn

    from music_assets.sandbox.server import Sandbox

HOST = "127.0.0.1"
_START_TIMEOUT = 30.0  # seconds


class PortInUse(MusicAssetsError):
    """Another program listens on the wanted port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on {HOST} is in use. Stop the program that uses it, or name another port."
        )


class SandboxFailed(MusicAssetsError):
    """The sandbox's process did not start."""


@dataclass(frozen=True)
class SandboxAddress:
    """Where a sandbox listens, its Spotify and the sources beside it, and the credentials it takes."""

    base_url: str
    token_url: str
    client_id: str
    client_secret: str
    pid: int
    reccobeats_url: str
    listenbrainz_url: str
    labs_url: str
    dumps_url: str  # `<source>/` below it, as the source's own folder
    examples_url: str  # ids and names that all of them know, as JSON

    @property
    def source_urls(self) -> dict[str, str]:
        """Where each source without a key is, by its name."""
        dumps = ("musicbrainz", "acousticbrainz", "echonest")
        return {
            "reccobeats": self.reccobeats_url,
            "listenbrainz": self.listenbrainz_url,
            "labs": self.labs_url,
            **{source: f"{self.dumps_url}{source}/" for source in dumps},
        }


@contextlib.contextmanager
def running_sandbox(
    catalogue_path: str | os.PathLike[str],
    *,
    mode: str = "development",
    port: int = 0,
    module: str = "music_assets.sandbox.process",
    **options: Any,
) -> Iterator[SandboxAddress]:
    """A sandbox over this catalogue, in a process of its own, for as long as the context lasts.

    Port 0 takes a free one. Tests name another `module` to run, with `options` that can be written as JSON.
    The process ends by itself once its starter is gone.

    Raises:
        PortInUse: Another program listens on the port.
        FileNotFoundError: There is no catalogue.
        SandboxFailed: The process did not start; with the last line it wrote.
    """
    if not os.path.isfile(catalogue_path):
        raise FileNotFoundError(f"there is no sandbox catalogue at {catalogue_path}")
    # The socket is opened here, so that a port in use is an exception and a free one is known at once;
    # it listens from then on, and the first request just waits for the server to accept it.
    listener = listen(port)
    port = listener.getsockname()[1]
    given = json.dumps({"mode": mode, **options})
    command = [sys.executable, "-m", module, os.fspath(catalogue_path), given, str(os.getpid())]
    with tempfile.TemporaryFile() as errors:
        with listener:
            process = subprocess.Popen(
                [*command, str(listener.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for its starter, which then stops it
            )
        try:
            if not _is_ready(process):
                errors.seek(0)
                last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
                why = last or f"it did not answer within {_START_TIMEOUT:g} s"
                raise SandboxFailed(f"The sandbox's process did not start: {why}")
            yield address_of(f"http://{HOST}:{port}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def serve(
    catalogue_path: str | os.PathLike[str],
    listener: socket.socket,
    *,
    mode: str = "development",
    behaviours: Mapping[str, float | None] | None = None,
) -> None:
    """Serve on a socket of `listen` in the foreground until interrupted."""
    from music_assets.sandbox.server import Sandbox

    http_server(Sandbox(catalogue_path, mode=mode, behaviours=behaviours)).run(sockets=[listener])


def check_port_is_free(port: int) -> None:
    """Raise `PortInUse` where another program listens on this port of the loopback."""
    listen(port).close()


def listen(port: int) -> socket.socket:
    """A socket that listens on this port of the loopback; 0 takes a free one. Raises `PortInUse`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(port) from None
        raise
    listener.listen(128)
    return listener


def _is_ready(process: subprocess.Popen[bytes]) -> bool:
    """Wait for the line that the process writes when it is ready; false if it ends without."""
    timer = threading.Timer(_START_TIMEOUT, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        return bool(process.stdout.readline())
    finally:
        timer.cancel()


def address_of(url: str, pid: int = 0) -> SandboxAddress:
    """The address of a sandbox that runs already, by the root of its URL (`http://127.0.0.1:8000`)."""
    from music_assets.sandbox.server import CLIENT_ID, CLIENT_SECRET

    root = url.rstrip("/")
    return SandboxAddress(
        base_url=f"{root}/v1/",
        token_url=f"{root}/api/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        pid=pid,
        reccobeats_url=f"{root}/reccobeats/v1/",
        listenbrainz_url=f"{root}/listenbrainz/1/",
        labs_url=f"{root}/labs/",
        dumps_url=f"{root}/dumps/",
        examples_url=f"{root}/sandbox/examples",
    )


def http_server(sandbox: Sandbox) -> uvicorn.Server:
    """The server of a sandbox, to be run on a socket."""
    import uvicorn

    quiet: dict[str, Any] = {"log_level": "critical", "access_log": False}
    config = uvicorn.Config(
        sandbox.app, http=sandbox.http_protocol, lifespan="off", timeout_graceful_shutdown=1, **quiet
    )
    return uvicorn.Server(config)


def _end_with(starter: int) -> None:
    """End this process soon after its starter, whose child it is then no longer."""

    def watch() -> None:
        while os.getppid() == starter:
            time.sleep(0.2)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def main(make: Callable[..., Sandbox]) -> None:
    """`python -m MODULE CATALOGUE OPTIONS STARTER FD`, for `running_sandbox`; `make` gives the sandbox."""
    catalogue_path, options, starter, fd = sys.argv[1:]
    _end_with(int(starter))
    sandbox = make(catalogue_path, **json.loads(options))
    listener = socket.socket(fileno=int(fd))
    os.write(1, b"ready\n")
    http_server(sandbox).run(sockets=[listener])


if __name__ == "__main__":
    from music_assets.sandbox.server import Sandbox

    main(Sandbox)

"""The sandbox's Spotify as a process: started on the loopback, gone with whoever started it.

`running_sandbox` is for code that needs a Spotify for a while; `serve` for a person who wants one to
ask. What the server answers is in `server`.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from music_assets.sandbox.server import SandboxSpotify

HOST = "127.0.0.1"


class PortInUse(Exception):
    """Another program listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on {HOST} is in use by another program: stop that one, or ask for another port."
        )
        self.port = port


class SandboxFailed(Exception):
    """The sandbox's process did not come up."""


@dataclass(frozen=True)
class SandboxAddress:
    """Where a sandbox listens, and the credentials it takes."""

    base_url: str
    token_url: str
    client_id: str
    client_secret: str
    pid: int


@contextlib.contextmanager
def running_sandbox(
    catalogue_path: str | os.PathLike[str],
    *,
    mode: str = "development",
    port: int = 0,
    start_timeout: float = 30.0,
) -> Iterator[SandboxAddress]:
    """A sandbox over this catalogue, in a process of its own, for as long as the context lasts.

    Port 0 takes a free one. Raises `PortInUse`, `FileNotFoundError` where there is no catalogue, and
    `SandboxFailed` with what the process said. The process ends by itself once its starter is gone.
    """
    if not os.path.isfile(catalogue_path):
        raise FileNotFoundError(f"there is no sandbox catalogue at {catalogue_path}")
    # The socket is opened here, so that a port in use is an exception and a free one is known at once;
    # it listens from then on, and the first request just waits for the server to accept it.
    listener = _listen(port)
    port = listener.getsockname()[1]
    command = [sys.executable, "-m", "music_assets.sandbox.process", os.fspath(catalogue_path)]
    with listener:
        process = subprocess.Popen(
            [*command, "--mode", mode, "--fd", str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
    try:
        yield _wait_until_ready(process, port, start_timeout)
    finally:
        _stop(process)


def serve(catalogue_path: str | os.PathLike[str], *, mode: str = "development", port: int = 8000) -> None:
    """Serve in the foreground until interrupted. Raises `PortInUse` before anything is started."""
    _run(_sandbox(catalogue_path, mode), _listen(port))


def _listen(port: int) -> socket.socket:
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


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, timeout: float) -> SandboxAddress:
    """The address, once the process has said a line; it says one when it is about to answer."""
    timer = threading.Timer(timeout, process.kill)
    timer.start()
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        if not line:
            said = process.stderr.read().decode(errors="replace").strip().splitlines()
            why = said[-1] if said else f"no sign of it in {timeout:g} s"
            raise SandboxFailed(f"The sandbox's process ended before it answered: {why}")
    finally:
        timer.cancel()
    ready = json.loads(line)
    root = f"http://{HOST}:{port}"
    return SandboxAddress(
        f"{root}/v1/", f"{root}/api/token", ready["client_id"], ready["client_secret"], process.pid
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _sandbox(catalogue_path: str | os.PathLike[str], mode: str) -> SandboxSpotify:
    from music_assets.sandbox.server import SandboxSpotify

    return SandboxSpotify(catalogue_path, mode=mode)


def _run(sandbox: SandboxSpotify, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        sandbox.app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])


def _end_with_parent() -> None:
    """End this process when its starter does: its end of our stdin closes, or we are another's child."""
    parent = os.getppid()

    def watch_pipe() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    def watch_parent() -> None:
        # A child that the starter forked may hold the pipe open after it.
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    for watch in (watch_pipe, watch_parent):
        threading.Thread(target=watch, daemon=True).start()


def _main() -> None:
    from music_assets.sandbox.server import CLIENT_ID, CLIENT_SECRET

    parser = argparse.ArgumentParser(
        description="Serve the sandbox's Spotify for the process that starts this."
    )
    parser.add_argument("catalogue")
    parser.add_argument("--mode", default="development")
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args()
    _end_with_parent()
    sandbox = _sandbox(options.catalogue, options.mode)
    ready = json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    os.write(1, ready.encode() + b"\n")
    _run(sandbox, socket.socket(fileno=options.fd))


if __name__ == "__main__":
    _main()

"""The sandbox as a process: there when its starter needs it, and gone with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from music_assets.sandbox.process import PortInUse, SandboxFailed, check_port_is_free
from music_assets.sources.ledger import open_ledger
from music_assets.sources.spotify import SpotifyCatalog, SpotifySettings
from music_assets_tests.support.sandbox import (
    catalogue,
    running_sandbox,
    song_queries,
    songs_frame,
    wait_until,
)

SONGS = songs_frame(12)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("process"), SONGS)


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that ended and was not reaped counts."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it may end between the opening and the reading
        return True


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_answers_while_the_context_lasts_and_is_gone_after(path: Path, tmp_path: Path) -> None:
    with running_sandbox(path, mode="extended", faults={"quota_per_day": 10}) as address:
        settings = SpotifySettings(
            address.client_id,
            address.client_secret,
            source="sandbox",
            mode="extended",
            base_url=address.base_url,
            token_url=address.token_url,
            requests_per_30s=None,
        )
        ledger = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
        with SpotifyCatalog.open(settings, ledger) as spotify:
            answers = list(spotify.search_songs(song_queries(SONGS)))
        ledger.close()
        assert {answer.status for answer in answers} == {"answered", "pending"}  # the faults are its own
        assert address.base_url.startswith("http://127.0.0.1:") and not is_gone(address.pid)
    assert wait_until(lambda: is_gone(address.pid))


STARTER = """
import os, sys, time
from music_assets_tests.support.sandbox import running_sandbox
with running_sandbox(sys.argv[1]) as address:
    if sys.argv[2] == "fork" and os.fork() == 0:
        time.sleep(20)  # a child that holds the pipe open after its parent
        os._exit(0)
    print(address.pid, address.base_url.split(":")[2].split("/")[0], flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_it_ends_by_itself_when_its_starter_is_killed(path: Path, how: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(path), how], stdout=subprocess.PIPE, start_new_session=True
    )
    assert starter.stdout is not None
    pid, port = map(int, starter.stdout.readline().split())
    try:
        assert listens(port)
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait()
        assert wait_until(lambda: is_gone(pid))
    finally:
        os.killpg(starter.pid, signal.SIGKILL) if how == "fork" else None
        starter.stdout.close()


def test_a_port_in_use_is_reported(path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for start in (
            lambda: running_sandbox(path, port=port).__enter__(),
            lambda: check_port_is_free(port),
        ):
            with pytest.raises(PortInUse, match=f"Port {port} .* in use"):
                start()
    check_port_is_free(port)


def test_a_port_can_be_chosen(path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_sandbox(path, port=port) as address:
        assert address.base_url == f"http://127.0.0.1:{port}/v1/"


def test_without_a_catalogue_nothing_is_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no sandbox catalogue"), running_sandbox(tmp_path / "none"):
        pass


def test_a_process_that_does_not_start_reports_why(path: Path) -> None:
    with (
        pytest.raises(SandboxFailed, match="mode is development or extended"),
        running_sandbox(path, mode="x"),
    ):
        pass

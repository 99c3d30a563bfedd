"""A sandbox for tests: invented songs, a catalogue of them with the truth about it, a server that can fail.

Tests of every package that uses Spotify get their server here. Which faults there are is in `faults`; writing
MSD files is in `msd_songs`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from starlette.requests import Request
from starlette.responses import Response

from music_assets.sandbox import process
from music_assets.sandbox.keyless import SOURCES
from music_assets.sandbox.process import SandboxAddress
from music_assets.sandbox.server import Sandbox
from music_assets.sandbox.spotify.catalogue import ensure_catalogue, open_to_read
from music_assets.sources.spotify import SongQuery, SpotifySettings
from music_assets_tests.support.connection_faults import Connections
from music_assets_tests.support.faults import EXPIRED, Faults, Raw

_SAME_RECORDING = 4.0  # seconds two MSD tracks of one title and artist may differ and be one recording
_FIRST = "Amber Hollow Silent Crooked Velvet Burning Distant Paper Winter Golden Broken Electric".split()
_SECOND = "River Lantern Engine Orchard Mirror Harbour Season Letter Shadow Garden Highway Signal".split()
_BANDS = (
    "The Marble Foxes|Ines Calder|Nine Tin Roofs|Señor Volante|Hart & Holm|Ozone Choir|DJ Larkspur".split("|")
)


def songs_frame(count: int, start: int = 0) -> pd.DataFrame:
    """Invented MSD songs, with the columns of `msd.songs` that the sandbox looks at."""
    rows: list[dict[str, Any]] = []
    for i in range(start, start + count):
        title = f"{_FIRST[i % 12]} {_SECOND[i // 12 % 12]}" + (f" {i}" if i >= 144 else "")
        rows.append(
            {
                "track_id": f"TRAA{i:03d}X128F{i:05d}",
                "song_id": f"SO{chr(65 + i % 26)}{chr(65 + i // 26 % 26)}{i:04d}12A{i:07d}",
                "title": title + ("", "", " (Album Version)", " (Live)")[i % 4],
                "artist_id": f"AR{i % 7:016d}",
                "artist_name": _BANDS[i % 7],
                "release": f"{_SECOND[i % 12]} Songs",
                "duration": 150.0 + i % 120,
                "year": None if i % 2 else 1970 + i % 40,
                "song_hotttnesss": (i % 10) / 10,
                "artist_hotttnesss": (i % 7) / 10,
                "key": i % 12,
                "mode": i % 2,
                "tempo": 80.0 + i % 90,
                "loudness": -5.0 - i % 15,
                "time_signature": 4,
            }
        )
    return pd.DataFrame(rows)


def song_queries(frame: pd.DataFrame) -> list[SongQuery]:
    """The queries for these songs."""
    return [SongQuery(row.track_id, row.title, row.artist_name) for row in frame.itertuples()]


def catalogue(folder: Path, frame: pd.DataFrame) -> Path:
    """A catalogue of these songs."""
    path = folder / "catalogue.sqlite"
    build_catalogue([frame], path)
    return path


def build_catalogue(frames: Iterable[pd.DataFrame], path: str | os.PathLike[str]) -> None:
    """Build a catalogue of these frames (columns of `msd.songs`) at `path`, in place of what is there."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    ensure_catalogue(path, ((str(i), "", lambda frame=frame: frame) for i, frame in enumerate(frames)))


def truth(path: str | os.PathLike[str]) -> dict[str, set[str]]:
    """The right Spotify ids of every MSD track: empty where the song is not on the sandbox's Spotify.

    Copies of the recording on compilations and deluxe editions are right too, and so are those that a
    duplicate of the track in the MSD brought (same artist and title, durations within 4 s).
    """
    groups: dict[str, list[tuple[float, str, list[str]]]] = defaultdict(list)
    with closing(open_to_read(path)) as db:
        for track_id, recording, duration, right in db.execute(
            "SELECT track_id, recording, duration, right FROM songs"
        ):
            groups[recording].append((duration, track_id, right.split()))
    by_track: dict[str, set[str]] = {}
    for group in groups.values():
        group.sort()
        shared: set[str] = set()
        for previous, (duration, track_id, right_ids) in pairwise([(-math.inf, "", []), *group]):
            if duration - previous[0] > _SAME_RECORDING:
                shared = set()
            shared.update(right_ids)
            by_track[track_id] = shared
    return by_track


class FaultySandbox(Sandbox):
    """A sandbox that fails on request: `faults` at Spotify, `other_faults` at the sources beside it.

    `faults_of` holds those of a single source (one of `keyless.SOURCES`), in place of `other_faults`.
    """

    def __init__(
        self,
        catalogue: str | os.PathLike[str],
        *,
        mode: str = "development",
        faults: Faults | None = None,
        other_faults: Faults | None = None,
        faults_of: Mapping[str, Faults] | None = None,
        behaviours: Mapping[str, float | None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(catalogue, mode=mode, behaviours=behaviours, clock=clock)
        self.faults, self.other_faults = faults or Faults(), other_faults or Faults()
        self.faults_of = dict(faults_of or {})
        self.connections = Connections()
        self.http_protocol = self.connections.protocol()

    @property
    def token_lifetime(self) -> float:
        return self.faults.token_lifetime

    def revoke_tokens(self) -> None:
        """Have every token issued so far expire now."""
        self.tokens = dict.fromkeys(self.tokens, 0.0)

    async def intercept(self, request: Request, kind: str) -> Response | None:
        faults = self.faults_of.get(kind, self.other_faults) if kind in SOURCES else self.faults
        if faults.latency:
            await asyncio.sleep(faults.latency)
        fault = faults.strike(self.clock(), kind)
        if fault == EXPIRED:
            self.revoke_tokens()
        elif isinstance(fault, str):
            return await self.connections.end(fault, request, faults.hang)
        if not isinstance(fault, Raw):
            return None
        wait = "retry-after" if kind != "listenbrainz" else "x-ratelimit-reset-in"
        headers = {wait if name == "retry-after" else name: text for name, text in fault.headers.items()}
        return Response(fault.body, fault.status, headers)

    def look_up(self, kind: str, ids: list[str], market: str | None) -> list[Any]:
        found = super().look_up(kind, ids, market)
        return [None if id_ in self.faults.gone else each for id_, each in zip(ids, found, strict=True)]


@contextmanager
def in_thread(sandbox: Sandbox, *, port: int = 0) -> Iterator[SandboxAddress]:
    """A sandbox served by a thread of this process, whose faults and clock stay in the caller's hands."""
    listener = process.listen(port)
    server = process.http_server(sandbox)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield process.address_of(f"http://{process.HOST}:{listener.getsockname()[1]}", os.getpid())
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def running_sandbox(
    catalogue_path: str | os.PathLike[str],
    *,
    faults: Mapping[str, Any] | None = None,
    other_faults: Mapping[str, Any] | None = None,
    faults_of: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> contextlib.AbstractContextManager[SandboxAddress]:
    """`process.running_sandbox` with faults: settings of `Faults`, such as `{"quota_per_day": 200}`.

    `faults_of` has them by source: `{"labs": {"broken_rate": 1, "broken": ["reset"]}}`.
    """
    given: dict[str, Any] = {"faults": dict(faults or {}), "other_faults": dict(other_faults or {})}
    given["faults_of"] = {source: dict(each) for source, each in (faults_of or {}).items()}
    return process.running_sandbox(catalogue_path, module=__name__, **given, **options)


def _faulty(
    path: str,
    *,
    faults: dict[str, Any],
    other_faults: dict[str, Any],
    faults_of: dict[str, Any],
    **options: Any,
) -> FaultySandbox:
    by_source = {source: Faults(**each) for source, each in faults_of.items()}
    given: dict[str, Any] = {"faults": Faults(**faults), "other_faults": Faults(**other_faults)}
    return FaultySandbox(path, faults_of=by_source, **given, **options)


class Clock:
    """Time that passes when someone sleeps, and then at once."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class SandboxServer:
    """A running sandbox, with its faults, its clock and a client's settings at hand."""

    def __init__(
        self, sandbox: FaultySandbox, settings: SpotifySettings, clock: Clock, address: SandboxAddress
    ) -> None:
        self.sandbox, self.settings, self.clock, self.address = sandbox, settings, clock, address
        self._settings = settings

    @property
    def faults(self) -> Faults:
        return self.sandbox.faults

    @property
    def other_faults(self) -> Faults:
        return self.sandbox.other_faults

    def reset(self) -> SandboxServer:
        """As it was when it began to listen, for the next test."""
        self.sandbox.faults = Faults()
        self.sandbox.other_faults = Faults()
        self.sandbox.faults_of.clear()
        self.sandbox.behaviours.switch({})
        self.sandbox.requests.clear()
        self.sandbox.revoke_tokens()
        self.clock.reset()
        self.settings = self._settings
        return self


@contextmanager
def running_server(path: Path, *, mode: str = "development", **settings: Any) -> Iterator[SandboxServer]:
    """The sandbox of this catalogue, listening; `settings` go to the client."""
    clock = Clock()
    sandbox = FaultySandbox(path, mode=mode, clock=clock)
    with in_thread(sandbox) as address:
        of_client: dict[str, Any] = {
            "client_id": address.client_id,
            "client_secret": address.client_secret,
            "source": "sandbox",
            "mode": mode,
            "base_url": address.base_url,
            "token_url": address.token_url,
            "requests_per_30s": None,
            "backoff": 0.001,
        }
        yield SandboxServer(sandbox, SpotifySettings(**{**of_client, **settings}), clock, address)


def wait_until(true: Any, seconds: float = 30.0) -> bool:
    """Whether something becomes true within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return bool(true())


if __name__ == "__main__":
    process.main(_faulty)

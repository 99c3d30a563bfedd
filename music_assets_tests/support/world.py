"""A tiny world for tests: invented songs, a catalogue of them, a sandbox that listens, a clock to turn.

Several rooms ask the sandbox's Spotify; this is how their tests get one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from music_assets.sandbox.catalogue import build_catalogue
from music_assets.sandbox.faults import Faults
from music_assets.sandbox.process import SandboxAddress, in_thread
from music_assets.sandbox.server import SandboxSpotify
from music_assets.sources.spotify import SongQuery, SpotifySettings

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
    return [
        SongQuery(row.track_id, row.title, row.artist_name, row.release, row.duration)
        for row in frame.itertuples()
    ]


def catalogue(folder: Path, frame: pd.DataFrame) -> Path:
    """A catalogue of these songs."""
    path = folder / "catalogue.sqlite"
    build_catalogue([frame], path)
    return path


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


class Town:
    """A sandbox that listens, with its faults, its clock and a client's settings at hand."""

    def __init__(
        self, sandbox: SandboxSpotify, settings: SpotifySettings, clock: Clock, address: SandboxAddress
    ) -> None:
        self.sandbox, self.settings, self.clock, self.address = sandbox, settings, clock, address
        self._settings = settings

    @property
    def faults(self) -> Faults:
        return self.sandbox.faults

    @property
    def keyless_faults(self) -> Faults:
        return self.sandbox.keyless_faults

    def reset(self) -> Town:
        """As it was when it began to listen, for the next test."""
        self.sandbox.faults = Faults()
        self.sandbox.keyless_faults = Faults()
        self.sandbox.requests.clear()
        self.sandbox.revoke_tokens()
        self.clock.reset()
        self.settings = self._settings
        return self


@contextmanager
def town(path: Path, *, mode: str = "development", **settings: Any) -> Iterator[Town]:
    """The sandbox of this catalogue, listening; `settings` go to the client."""
    clock = Clock()
    sandbox = SandboxSpotify(path, mode=mode, clock=clock)
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
        yield Town(sandbox, SpotifySettings(**{**of_client, **settings}), clock, address)


def wait_until(true: Any, seconds: float = 30.0) -> bool:
    """Whether something becomes true within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return bool(true())

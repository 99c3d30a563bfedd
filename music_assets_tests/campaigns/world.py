"""What the campaigns share: real songs, a record of what reached the sandbox, a main job's tables."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import duckdb
import pandas as pd

from music_assets.defs.wiring import opened_resources
from music_assets.resolution import SearchBacklog
from music_assets.settings import Settings
from music_assets.sources.ledger import open_ledger
from music_assets.tables import PUBLISHED, key_columns
from music_assets_tests.support.sandbox import FaultySandbox

LONG = os.environ.get("MUSIC_ASSETS_CAMPAIGNS") == "long"
# When and in which run a row was made differs from run to run.
PASSING = {"fetched_at", "loaded_at", "run_id", "first_seen_at", "date"}
Row = dict[str, Any]
Message = MutableMapping[str, Any]


@dataclass
class Arrival:
    """A request that reached the sandbox: when, for what, and the status it got (0 where none)."""

    at: float
    path: str
    query: str
    status: int = 0


@dataclass
class Record:
    """Everything that reached a sandbox's Spotify, in order."""

    clock: Callable[[], float]
    arrivals: list[Arrival] = field(default_factory=list)

    def listen(self, sandbox: FaultySandbox) -> None:
        """Stand before the sandbox and write down what passes."""
        app: Any = sandbox.app

        async def recording(
            scope: Message,
            receive: Callable[[], Awaitable[Message]],
            send: Callable[[Message], Awaitable[None]],
        ) -> None:
            asked = parse_qs(scope.get("query_string", b"").decode())
            arrival = Arrival(self.clock(), scope.get("path", ""), asked.get("q", [""])[0])
            if arrival.path.startswith("/v1/"):
                self.arrivals.append(arrival)

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    arrival.status = message["status"]
                await send(message)

            await app(scope, receive, noting)

        sandbox.app = recording  # type: ignore[assignment]

    def searches(self, status: int = 200) -> Counter[str]:
        """How often each query was asked and answered so."""
        return Counter(a.query for a in self.arrivals if a.path == "/v1/search" and a.status == status)


def real_songs(shared: Path, count: int) -> pd.DataFrame:
    """So many songs of the MSD's subset, the MSD's unknowns as missing values."""
    frame = pd.read_csv(
        shared / "msd_subset_10k.csv.gz",
        nrows=count,
        keep_default_na=False,
        na_values={"year": ["0"], "song_hotttnesss": [""]},
    )
    return frame.sort_values("track_id", ignore_index=True)


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows, what is missing as None."""
    rows: list[Row] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def indexed(path: Path, frame: pd.DataFrame) -> SearchBacklog:
    """An index of these songs, by partition."""
    index = SearchBacklog(open_ledger(path, source="sandbox"))
    rows = records(frame)
    for key in sorted({row["track_id"][2:4] for row in rows}):
        index.put(key, "one", [row for row in rows if row["track_id"][2:4] == key])
    return index


def settings_for(data: Path, url: str, **more: Any) -> Settings:
    """Settings of a main job over the sample, with the sandbox that listens there."""
    return Settings.from_environment({}, data=str(data), sandbox_url=url, **more)


def catalogue_of(settings: Settings) -> Path:
    """The catalogue of the MSD that these settings have."""
    with opened_resources(settings) as opened:
        path: Path = opened.sandbox.catalogue()
    return path


def tables(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every published table, row by row in the order of its key, without what differs from run to run."""
    found = {}
    with duckdb.connect(str(settings.published), read_only=True) as database:
        for name, table in PUBLISHED.items():
            columns = [f'"{column.name}"' for column in table.columns if column.name not in PASSING]
            keys = [f'"{key}"' for key in key_columns(table) if key not in PASSING]
            sql = f"SELECT {', '.join(columns)} FROM {name} ORDER BY {', '.join(keys)}"
            found[name] = database.execute(sql).fetchall()
    return found

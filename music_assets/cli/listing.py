"""What became of the ids of `--tracks`: for the end of a run, for `status`, and as a CSV.

It is looked up in the tables of now. Which forms a list may have is in `resolution.priority_list`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from music_assets.cli import CommandError
from music_assets.cli.console import counted, some
from music_assets.lookup import LookupFailed, lookup
from music_assets.resolution import PriorityListError, listed_ids
from music_assets.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

_STATES = {
    "matched": "matched",
    "ambiguous": "ambiguous",
    "rejected": "not found",
    "below_floor": "not found",
    "no_candidates": "not found",
    "pending": "pending",
    "error": "pending",
}


@dataclass(frozen=True)
class Listing:
    """A list's songs by state; `unknown` are the ids that no song of the tables has."""

    file: str
    ids: int
    songs: dict[str, int]
    unknown: list[str]

    def __str__(self) -> str:
        states = ", ".join(f"{count:,} {state}" for state, count in self.songs.items())
        total = counted(sum(self.songs.values()), "song")
        unknown = ""
        if self.unknown:
            unknown = f"; {counted(len(self.unknown), 'id')} of no song in the tables: {some(self.unknown)}"
        return f"{counted(self.ids, 'id')} of {total}{f' ({states})' if states else ''}{unknown}"


def tables_of(settings: Settings) -> str | Path:
    """What `lookup` reads: the published copy or, where readers use the warehouse itself, its URL."""
    return settings.published if settings.warehouse.startswith("duckdb") else settings.warehouse


def look_up_list(settings: Settings, file: Path, out: Path | None = None) -> Listing:
    """What became of a list's songs; with `out` their rows of `analytics.songs` go there, as CSV.

    Raises:
        PriorityListError, LookupFailed: the list or the tables cannot be read.
        CommandError: `out` cannot be written.
    """
    ids = [id_.value for id_ in listed_ids(file)]
    rows = lookup(ids, warehouse=tables_of(settings), columns=None if out else ["track_id", "match_status"])
    songs = rows[rows["found"]].drop_duplicates("track_id")
    states = Counter(map(_STATES.__getitem__, songs["match_status"]))
    if out is not None:
        _write(rows, out)
    in_order = {state: states[state] for state in dict.fromkeys(_STATES.values()) if states[state]}
    return Listing(str(file), len(ids), in_order, list(rows.loc[~rows["found"], "id"]))


def list_of_last_run(settings: Settings) -> Listing | None:
    """What became by now of the list that the settings or the last run name; None without one."""
    last_run = settings.data / "last_run.json"
    before = orjson.loads(last_run.read_bytes()).get("listing") if last_run.exists() else None
    file = settings.resolution.tracks or (before or {}).get("file")
    with suppress(PriorityListError, LookupFailed):
        return look_up_list(settings, Path(file)) if file else None
    return None


def _write(rows: pd.DataFrame, out: Path) -> None:
    try:
        rows.to_csv(out, index=False)
    except OSError as error:
        raise CommandError(
            f"{out} cannot be written: {error.strerror}. Name another file with --out."
        ) from None

"""What became of the ids of `--tracks`: for the end of a run, for `status`, and as a CSV.

It is looked up in the tables of now. Which forms a list may have is in `priority_list`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from music_assets.cli import CommandError
from music_assets.cli.console import counted, some
from music_assets.lookup import LookupFailed, lookup
from music_assets.priority_list import PriorityListError, ids_as_listed, misspelt
from music_assets.settings import Settings
from music_assets.tables.mapped import UNMATCHED

if TYPE_CHECKING:
    import pandas as pd

_STATES = {
    "matched": "matched",
    "ambiguous": "ambiguous",
    **dict.fromkeys(UNMATCHED, "unmatched"),
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
        songs = counted(sum(self.songs.values()), "song")
        known = f"{counted(self.ids - len(self.unknown), 'id')} of {songs}{f' ({states})' if states else ''}"
        return "; ".join([known, *unknown_ids(self.unknown, "in the tables")])


def unknown_ids(ids: Sequence[str], where: str) -> list[str]:
    """Which ids of a list are of no song there, as text; empty where there are none."""
    return [f"{counted(len(ids), 'id')} of no song {where}: {some(ids)}"] if ids else []


def misspelt_words(file: Path) -> list[str]:
    """A note on words of a list that look like ids and are none; empty without any."""
    words = misspelt(file)
    verb = "looks like an id and is" if len(words) == 1 else "look like ids and are"
    return [f"{counted(len(words), 'word')} of {file} {verb} none: {some(words)}."] if words else []


def tables_of(settings: Settings) -> str | Path:
    """What `lookup` reads: the published copy or, where readers use the warehouse itself, its URL."""
    return settings.published if settings.warehouse.startswith("duckdb") else settings.warehouse


def look_up_list(settings: Settings, file: Path, out: Path | None = None) -> Listing:
    """What became of a list's songs; with `out` the rows of `lookup` for its ids go there, as CSV.

    An `id` is as the list spells it first.

    Raises:
        PriorityListError, LookupFailed: the list or the tables cannot be read.
        CommandError: `out` cannot be written.
    """
    ids = list(ids_as_listed(file).values())
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


def check_writable(out: Path) -> None:
    """Make sure, before a run, that its results can go to a file.

    Raises:
        CommandError: they cannot.
    """
    try:
        before = out.exists()
        out.open("a").close()
        if not before:  # a run that is refused leaves nothing
            out.unlink()
    except OSError as error:
        raise CommandError(
            f"{out} cannot be written: {error.strerror}. Name another file with --out."
        ) from None


def _write(rows: pd.DataFrame, out: Path) -> None:
    """As CSV, with lists, truth values and times as `music-assets query --csv` and an export have them."""
    check_writable(out)
    texts = rows.map(lambda value: orjson.dumps(value).decode() if isinstance(value, list | bool) else value)
    texts.to_csv(out, index=False, date_format="%Y-%m-%dT%H:%M:%S.%f")

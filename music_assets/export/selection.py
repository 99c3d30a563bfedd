"""Which tables and columns an export has: by what was chosen, and by the terms that the columns declare.

How they are written is in `data_files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table

from music_assets.tables import PUBLISHED, key_columns
from music_assets.tables.terms import TERMS

# Each choice: what it is called, and its tables.
CHOICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "open": (
        "MSD songs and artists with the open data of today",
        (
            *("analytics.songs", "analytics.artists", "mapped.recordings"),
            *("listenbrainz.popularity_history", "acousticbrainz.audio_features"),
        ),
    ),
    "msd": ("The Million Song Dataset's own values", ("msd.songs", "msd.artists")),
    "mapping": (
        "What MSD songs and artists are today, with scores",
        ("mapped.songs", "mapped.artists", "mapped.recordings"),
    ),
    "joined": ("The wide tables of MSD songs and artists", ("analytics.songs", "analytics.artists")),
}


@dataclass(frozen=True)
class Chosen:
    """One table of an export, and which of its columns; `left_out` are those whose terms forbid it."""

    table: Table
    columns: tuple[Column[Any], ...]
    left_out: tuple[str, ...]

    @property
    def keys(self) -> list[str]:
        return key_columns(self.table)

    @property
    def owners(self) -> list[str]:
        """Whose terms apply to the columns, in the order of `TERMS`."""
        found = {column.info["source"] for column in self.columns}
        return [owner for owner in TERMS if owner in found]


def choose(only: str, *, with_spotify: bool) -> tuple[list[Chosen], list[str]]:
    """The tables of a choice with the columns that may be published, or with all of them.

    Returns:
        The tables, and the names of those left out as a whole: their rows are about Spotify's ids.
    """
    chosen, left_out = [], []
    for name in CHOICES[only][1]:
        table = PUBLISHED[name]
        columns = [column for column in table.columns if with_spotify or TERMS[column.info["source"]].free]
        if {*key_columns(table)} <= {column.name for column in columns}:
            others = (column.name for column in table.columns if column not in columns)
            chosen.append(Chosen(table, tuple(columns), tuple(others)))
        else:
            left_out.append(name)
    return chosen, left_out


def has_spotify(only: str) -> bool:
    """Whether a choice has anything that `with_spotify` adds. `open` is without it by definition."""
    restricted = any(
        not TERMS[column.info["source"]].free
        for name in CHOICES[only][1]
        for column in PUBLISHED[name].columns
    )
    return only != "open" and restricted

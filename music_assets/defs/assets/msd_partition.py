"""One partition of the MSD, read and encoded where it is read.

A partition is small once it is encoded, so hardly anything passes between worker processes. What is shown of
it is in `msd`. Dagster is not imported here: every worker would take a second longer to start.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd

from music_assets.sources.msd import MsdRoot
from music_assets.staging.rows import Encoded, encode_for

_PREVIEWED = ["track_id", "artist_name", "title", "release", "year"]


class EncodedPartition(NamedTuple):
    """One partition's files as they will be staged, with counts, the files set aside, each with its reason,
    and notes on what was read."""

    msd_songs: Encoded
    msd_artists: Encoded
    songs: int
    artists: int
    set_aside: list[str]
    notes: list[str]
    preview: str  # the first tracks, as a table in Markdown


def read_partition(root: MsdRoot, key: str) -> EncodedPartition:
    """Read and encode one partition."""
    read = root.read(key)
    return EncodedPartition(
        encode_for("msd_songs", read.songs, key),
        encode_for("msd_artists", read.artists, key),
        len(read.songs),
        len(read.artists),
        [f"{one.path}: {one.reason}" for one in read.set_aside],
        list(read.notes),
        _markdown(read.songs),
    )


# What Markdown would draw, with the HTML in it, and what would end a line of it.
_SIGNS = re.compile(r"[^\w .,/'-]|_")


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};" if found[0].isprintable() else " "


def _markdown(songs: pd.DataFrame) -> str:
    """The first tracks as a small table for the UI."""
    rows = songs[_PREVIEWED].head(5).astype(object)
    lines = ["| " + " | ".join(_PREVIEWED) + " |", "|" + " --- |" * len(_PREVIEWED)]
    for row in rows.itertuples(index=False):
        cells = ("" if pd.isna(cell) else _SIGNS.sub(_entity, str(cell)) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

"""One track as its file has it, before any value is decoded: what both readers hand on.

The readers in `hdf5` make these; `columns` decodes many of them at once.
"""

from __future__ import annotations

from typing import NamedTuple


class Tags(NamedTuple):
    """What a track's file says of its artist in arrays, in the file's order; text still bytes."""

    terms: list[bytes]
    frequencies: list[float]
    weights: list[float]
    similar_artists: list[bytes]
    mbtags: list[bytes]
    mbtag_counts: list[int]


class Record(NamedTuple):
    """One track: its row of each table as `layout`'s dtype has it, and its slices of the arrays."""

    metadata: bytes
    analysis: bytes
    musicbrainz: bytes
    tags: Tags

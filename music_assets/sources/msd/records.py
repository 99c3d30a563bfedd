"""One track as its file has it, before any value is decoded: what both readers hand on.

The readers in `hdf5` make these; `columns` decodes many of them at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Tags(NamedTuple):
    """A track's slices of `layout.TAG_ARRAYS`, by their names and in the file's order; text still bytes."""

    similar_artists: list[bytes]
    artist_terms: list[bytes]
    artist_terms_freq: list[float]
    artist_terms_weight: list[float]
    artist_mbtags: list[bytes]
    artist_mbtags_count: list[int]


class Record(NamedTuple):
    """One track: its row of each table as `layout`'s dtype has it, and its tags."""

    metadata: bytes
    analysis: bytes
    musicbrainz: bytes
    tags: Tags


class Arrays(NamedTuple):
    """One track's analysis arrays by their names, with its id as the file has it."""

    track_id: bytes
    arrays: dict[str, npt.NDArray[np.float64]]

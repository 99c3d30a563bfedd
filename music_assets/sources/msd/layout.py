"""How an MSD file is laid out: its tables, their fields, its arrays, and how each is chunked.

Which fields become columns, and which values mean unknown, is in `fields`; reading is in `hdf5`. Taken from
the files, and from `hdf5_descriptors.py` and `hdf5_utils.py` of https://github.com/tbertinmahieux/MSongsDB.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

INTEGER, REAL = "<i4", "<f8"


class Item(NamedTuple):
    """One dataset of a file; every one is chunked, shuffled, deflated and extendable on axis 0."""

    path: str
    dtype: np.dtype[Any]
    chunk: int  # rows per chunk
    title: str  # as PyTables' TITLE attribute has it
    width: int = 0  # columns, of the two arrays that have several


def _arrays(*items: tuple[str, str, int, str, int]) -> dict[str, Item]:
    return {
        path.partition("/")[2]: Item(path, np.dtype(dtype), chunk, f"array of {title}", width)
        for path, dtype, chunk, title, width in items
    }


def _table(fields: str) -> np.dtype[Any]:
    """A row of a table, by the names of its fields and their types."""
    return np.dtype([(name, dtype) for name, dtype in map(str.split, fields.split(","))])


# The arrays about the artist; `idx_…` of a table says where each song's slice begins.
TAG_ARRAYS = _arrays(
    ("metadata/similar_artists", "S20", 409, "similar artists Echo Nest id", 0),
    ("metadata/artist_terms", "S256", 32, "terms (Echo Nest tags) for an artist", 0),
    ("metadata/artist_terms_freq", REAL, 1024, "term (Echo Nest tags) frequencies for an artist", 0),
    ("metadata/artist_terms_weight", REAL, 1024, "term (Echo Nest tags) weights for an artist", 0),
    ("musicbrainz/artist_mbtags", "S256", 32, "tags from MusicBrainz for an artist", 0),
    ("musicbrainz/artist_mbtags_count", INTEGER, 2048, "tag counts from MusicBrainz for an artist", 0),
)
# The arrays about the sound; `idx_<name>` is where each song begins; what they hold is in `analysis`.
ANALYSIS_ARRAYS = _arrays(
    ("analysis/segments_start", REAL, 1024, "start times of segments", 0),
    ("analysis/segments_confidence", REAL, 1024, "confidence of segments", 0),
    ("analysis/segments_pitches", REAL, 85, "pitches of segments (chromas)", 12),
    ("analysis/segments_timbre", REAL, 85, "timbre of segments (MFCC-like)", 12),
    ("analysis/segments_loudness_max", REAL, 1024, "max loudness of segments", 0),
    ("analysis/segments_loudness_max_time", REAL, 1024, "max loudness time of segments", 0),
    ("analysis/segments_loudness_start", REAL, 1024, "loudness of segments at start time", 0),
    ("analysis/sections_start", REAL, 1024, "start times of sections", 0),
    ("analysis/sections_confidence", REAL, 1024, "confidence of sections", 0),
    ("analysis/beats_start", REAL, 1024, "start times of beats", 0),
    ("analysis/beats_confidence", REAL, 1024, "confidence of beats", 0),
    ("analysis/bars_start", REAL, 1024, "start times of bars", 0),
    ("analysis/bars_confidence", REAL, 1024, "confidence of bars", 0),
    ("analysis/tatums_start", REAL, 1024, "start times of tatums", 0),
    ("analysis/tatums_confidence", REAL, 1024, "confidence of tatums", 0),
)

# The three tables: one row per song, the fields in the order the files have them.
METADATA = _table(
    "analyzer_version S32, artist_7digitalid <i4, artist_familiarity <f8, artist_hotttnesss <f8,"
    "artist_id S32, artist_latitude <f8, artist_location S1024, artist_longitude <f8, artist_mbid S40,"
    "artist_name S1024, artist_playmeid <i4, genre S1024, idx_artist_terms <i4, idx_similar_artists <i4,"
    "release S1024, release_7digitalid <i4, song_hotttnesss <f8, song_id S32, title S1024,"
    "track_7digitalid <i4"
)
ANALYSIS = _table(
    "analysis_sample_rate <i4, audio_md5 S32, danceability <f8, duration <f8, end_of_fade_in <f8, energy <f8,"
    + "".join(f"idx_{name} <i4," for name in sorted(ANALYSIS_ARRAYS))
    + "key <i4, key_confidence <f8, loudness <f8, mode <i4, mode_confidence <f8, start_of_fade_out <f8,"
    "tempo <f8, time_signature <i4, time_signature_confidence <f8, track_id S32"
)
MUSICBRAINZ = _table("idx_artist_mbtags <i4, year <i4")

TABLES = {
    "metadata": Item("metadata/songs", METADATA, 3, "table of metadata for one song"),
    "analysis": Item("analysis/songs", ANALYSIS, 37, "table of Echo Nest analysis for one song"),
    "musicbrainz": Item("musicbrainz/songs", MUSICBRAINZ, 1024, "table of data coming from MusicBrainz"),
}

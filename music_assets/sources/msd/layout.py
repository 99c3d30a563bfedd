"""How an MSD file is laid out: its tables, their fields, its arrays, and how each is chunked.

Only facts about the files belong here. Which fields become columns, and which values mean unknown, is in
`fields`; reading is in `hdf5`. Taken from the files themselves and
from `hdf5_descriptors.py` and `hdf5_utils.py` of the MSD's own code
(https://github.com/tbertinmahieux/MSongsDB).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

TEXT, LONG_TEXT, INTEGER, REAL = "S32", "S1024", "<i4", "<f8"


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


# The arrays about the artist; `idx_…` of a table says where each song's slice begins.
TAG_ARRAYS = _arrays(
    ("metadata/similar_artists", "S20", 409, "similar artists Echo Nest id", 0),
    ("metadata/artist_terms", "S256", 32, "terms (Echo Nest tags) for an artist", 0),
    ("metadata/artist_terms_freq", REAL, 1024, "term (Echo Nest tags) frequencies for an artist", 0),
    ("metadata/artist_terms_weight", REAL, 1024, "term (Echo Nest tags) weights for an artist", 0),
    ("musicbrainz/artist_mbtags", "S256", 32, "tags from MusicBrainz for an artist", 0),
    ("musicbrainz/artist_mbtags_count", INTEGER, 2048, "tag counts from MusicBrainz for an artist", 0),
)
# The arrays about the sound; `idx_<name>` is where each song begins. Only the sandbox uses them.
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
METADATA = np.dtype(
    [
        ("analyzer_version", TEXT),
        ("artist_7digitalid", INTEGER),
        ("artist_familiarity", REAL),
        ("artist_hotttnesss", REAL),
        ("artist_id", TEXT),
        ("artist_latitude", REAL),
        ("artist_location", LONG_TEXT),
        ("artist_longitude", REAL),
        ("artist_mbid", "S40"),
        ("artist_name", LONG_TEXT),
        ("artist_playmeid", INTEGER),
        ("genre", LONG_TEXT),
        ("idx_artist_terms", INTEGER),
        ("idx_similar_artists", INTEGER),
        ("release", LONG_TEXT),
        ("release_7digitalid", INTEGER),
        ("song_hotttnesss", REAL),
        ("song_id", TEXT),
        ("title", LONG_TEXT),
        ("track_7digitalid", INTEGER),
    ]
)
ANALYSIS = np.dtype(
    [
        ("analysis_sample_rate", INTEGER),
        ("audio_md5", TEXT),
        ("danceability", REAL),
        ("duration", REAL),
        ("end_of_fade_in", REAL),
        ("energy", REAL),
        *((f"idx_{name}", INTEGER) for name in sorted(ANALYSIS_ARRAYS)),
        ("key", INTEGER),
        ("key_confidence", REAL),
        ("loudness", REAL),
        ("mode", INTEGER),
        ("mode_confidence", REAL),
        ("start_of_fade_out", REAL),
        ("tempo", REAL),
        ("time_signature", INTEGER),
        ("time_signature_confidence", REAL),
        ("track_id", TEXT),
    ]
)
MUSICBRAINZ = np.dtype([("idx_artist_mbtags", INTEGER), ("year", INTEGER)])

TABLES = {
    "metadata": Item("metadata/songs", METADATA, 3, "table of metadata for one song"),
    "analysis": Item("analysis/songs", ANALYSIS, 37, "table of Echo Nest analysis for one song"),
    "musicbrainz": Item("musicbrainz/songs", MUSICBRAINZ, 1024, "table of data coming from MusicBrainz"),
}

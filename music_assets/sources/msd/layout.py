"""How an MSD file is laid out: its tables, their fields, its arrays, and how each is chunked.

Only what is true of the files belongs here. Which of it becomes a column, and what stands for
unknown, is in `fields`; reading is in `hdf5`. Taken from the files themselves and
from `hdf5_descriptors.py` and `hdf5_utils.py` of the MSD's own code
(https://github.com/tbertinmahieux/MSongsDB).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

TEXT, LONG_TEXT, INTEGER, REAL = "S32", "S1024", "<i4", "<f8"

# The three tables: one row a song, the fields in the order the files have them.
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
        ("idx_bars_confidence", INTEGER),
        ("idx_bars_start", INTEGER),
        ("idx_beats_confidence", INTEGER),
        ("idx_beats_start", INTEGER),
        ("idx_sections_confidence", INTEGER),
        ("idx_sections_start", INTEGER),
        ("idx_segments_confidence", INTEGER),
        ("idx_segments_loudness_max", INTEGER),
        ("idx_segments_loudness_max_time", INTEGER),
        ("idx_segments_loudness_start", INTEGER),
        ("idx_segments_pitches", INTEGER),
        ("idx_segments_start", INTEGER),
        ("idx_segments_timbre", INTEGER),
        ("idx_tatums_confidence", INTEGER),
        ("idx_tatums_start", INTEGER),
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


class Item(NamedTuple):
    """One dataset of a file; every one is chunked, shuffled, deflated and extendable on axis 0."""

    path: str
    dtype: np.dtype[Any]
    chunk: int  # rows a chunk
    title: str  # as PyTables' TITLE attribute has it
    width: int = 0  # columns, of the two arrays that have several


TABLES = {
    "metadata": Item("metadata/songs", METADATA, 3, "table of metadata for one song"),
    "analysis": Item("analysis/songs", ANALYSIS, 37, "table of Echo Nest analysis for one song"),
    "musicbrainz": Item("musicbrainz/songs", MUSICBRAINZ, 1024, "table of data coming from MusicBrainz"),
}

_TAG, _ARTIST_ID = np.dtype("S256"), np.dtype("S20")
_REAL, _INTEGER = np.dtype(np.float64), np.dtype(np.int32)

# The arrays that speak of the artist, and the field whose values cut them into songs.
TAG_ARRAYS = {
    "similar_artists": Item(
        "metadata/similar_artists", _ARTIST_ID, 409, "array of similar artists Echo Nest id"
    ),
    "artist_terms": Item("metadata/artist_terms", _TAG, 32, "array of terms (Echo Nest tags) for an artist"),
    "artist_terms_freq": Item(
        "metadata/artist_terms_freq", _REAL, 1024, "array of term (Echo Nest tags) frequencies for an artist"
    ),
    "artist_terms_weight": Item(
        "metadata/artist_terms_weight", _REAL, 1024, "array of term (Echo Nest tags) weights for an artist"
    ),
    "artist_mbtags": Item(
        "musicbrainz/artist_mbtags", _TAG, 32, "array of tags from MusicBrainz for an artist"
    ),
    "artist_mbtags_count": Item(
        "musicbrainz/artist_mbtags_count",
        _INTEGER,
        2048,
        "array of tag counts from MusicBrainz for an artist",
    ),
}

# The arrays that speak of the sound; `idx_<name>` cuts them. They are written (by the sandbox), not read.
ANALYSIS_ARRAYS = {
    name: Item(f"analysis/{name}", _REAL, chunk, title, width)
    for name, chunk, title, width in (
        ("segments_start", 1024, "array of start times of segments", 0),
        ("segments_confidence", 1024, "array of confidence of segments", 0),
        ("segments_pitches", 85, "array of pitches of segments (chromas)", 12),
        ("segments_timbre", 85, "array of timbre of segments (MFCC-like)", 12),
        ("segments_loudness_max", 1024, "array of max loudness of segments", 0),
        ("segments_loudness_max_time", 1024, "array of max loudness time of segments", 0),
        ("segments_loudness_start", 1024, "array of loudness of segments at start time", 0),
        ("sections_start", 1024, "array of start times of sections", 0),
        ("sections_confidence", 1024, "array of confidence of sections", 0),
        ("beats_start", 1024, "array of start times of beats", 0),
        ("beats_confidence", 1024, "array of confidence of beats", 0),
        ("bars_start", 1024, "array of start times of bars", 0),
        ("bars_confidence", 1024, "array of confidence of bars", 0),
        ("tatums_start", 1024, "array of start times of tatums", 0),
        ("tatums_confidence", 1024, "array of confidence of tatums", 0),
    )
}

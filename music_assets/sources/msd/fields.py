"""Which fields of the files become columns, in which order, and what in them stands for unknown.

The names and their order are those of the tables `msd.songs` and `msd.artists`, which the warehouse
declares; this room may not import it, so they are said again and a test holds the two equal. How
the files lay the fields out is in `layout`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a field holds; with it goes what stands for unknown beside its own `unknown`."""

    TEXT = "text"  # UTF-8; "" is unknown
    INTEGER = "integer"
    REAL = "real"  # NaN and the infinities are unknown


class Field(NamedTuple):
    """A field of a table of the files that becomes a column of the same name."""

    name: str
    table: str  # key of `layout.TABLES`
    kind: Kind
    unknown: int | None = None  # the number that stands for unknown; zeros are real elsewhere


def _text(table: str, *names: str) -> list[Field]:
    return [Field(name, table, Kind.TEXT) for name in names]


def _integer(table: str, *names: str, unknown: int | None = None) -> list[Field]:
    return [Field(name, table, Kind.INTEGER, unknown) for name in names]


def _real(table: str, *names: str) -> list[Field]:
    return [Field(name, table, Kind.REAL) for name in names]


SONG_FIELDS: tuple[Field, ...] = (
    *_text("analysis", "track_id"),
    *_text("metadata", "song_id", "title", "release", "artist_id", "artist_name"),
    *_text("metadata", "artist_mbid", "artist_location"),
    *_real("metadata", "artist_latitude", "artist_longitude", "artist_familiarity"),
    *_real("metadata", "artist_hotttnesss", "song_hotttnesss"),
    *_text("metadata", "genre"),
    *_integer("musicbrainz", "year", unknown=0),
    *_real("analysis", "duration", "tempo", "loudness"),
    *_integer("analysis", "key"),
    *_real("analysis", "key_confidence"),
    *_integer("analysis", "mode"),
    *_real("analysis", "mode_confidence"),
    *_integer("analysis", "time_signature"),
    *_real("analysis", "time_signature_confidence"),
    *_real("analysis", "danceability", "energy", "end_of_fade_in", "start_of_fade_out"),
    *_integer("analysis", "analysis_sample_rate"),
    *_text("analysis", "audio_md5"),
    *_text("metadata", "analyzer_version"),
    *_integer("metadata", "artist_7digitalid", "artist_playmeid", unknown=-1),
    *_integer("metadata", "release_7digitalid", "track_7digitalid", unknown=-1),
)

# `msd_file` is the path the row was read from, below the root where one is given; `msd_checksum` tells
# whether the song in it is still what was read.
SONG_COLUMNS: tuple[str, ...] = (*(field.name for field in SONG_FIELDS), "msd_file", "msd_checksum")

# What an artist's row takes from the artist's first track, beside the lists.
ARTIST_SCALARS: tuple[str, ...] = (
    "artist_mbid",
    "artist_location",
    "artist_latitude",
    "artist_longitude",
    "artist_familiarity",
    "artist_hotttnesss",
    "artist_7digitalid",
    "artist_playmeid",
)

ARTIST_COLUMNS: tuple[str, ...] = (
    "artist_id",
    "artist_name",
    "other_names",
    *ARTIST_SCALARS,
    "terms",
    "mbtags",
    "similar_artists",
    "songs",
    "first_track_id",
)

# The arrays a list is made of (all are there or none, and of one length), and the field that cuts them.
LISTS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "terms": (
        ("artist_terms", "artist_terms_freq", "artist_terms_weight"),
        "metadata",
        "idx_artist_terms",
    ),
    "similar_artists": (("similar_artists",), "metadata", "idx_similar_artists"),
    "mbtags": (("artist_mbtags", "artist_mbtags_count"), "musicbrainz", "idx_artist_mbtags"),
}

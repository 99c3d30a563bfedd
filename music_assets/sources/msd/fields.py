"""Which fields of the files become columns, in which order, and which values mean unknown.

The names and their order are those of the tables `msd.songs` and `msd.artists`, declared again since reading
files needs no SQLAlchemy; a test holds the two equal. How files lay the fields out is in `layout`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from music_assets.sources.msd.layout import TABLES


class Kind(Enum):
    """What a field holds, and which values of that mean unknown, beside its own `unknown`."""

    TEXT = "text"  # UTF-8; "" is unknown
    INTEGER = "integer"
    REAL = "real"  # NaN and the infinities are unknown


KINDS = {"S": Kind.TEXT, "i": Kind.INTEGER, "f": Kind.REAL}  # by numpy's letter


class Field(NamedTuple):
    """A field of a table of the files that becomes a column of the same name."""

    name: str
    table: str  # key of `layout.TABLES`
    kind: Kind
    unknown: int | None = None  # the number that means unknown


# The MSD's numbers for unknown; other zeros are values.
_UNKNOWN = {"year": 0} | dict.fromkeys(
    ("artist_7digitalid", "artist_playmeid", "release_7digitalid", "track_7digitalid"), -1
)


def _fields(table: str, names: str) -> list[Field]:
    dtype = TABLES[table].dtype
    return [Field(name, table, KINDS[dtype[name].kind], _UNKNOWN.get(name)) for name in names.split()]


SONG_FIELDS: tuple[Field, ...] = (
    *_fields("analysis", "track_id"),
    *_fields("metadata", "song_id title release artist_id artist_name artist_mbid artist_location"),
    *_fields("metadata", "artist_latitude artist_longitude artist_familiarity artist_hotttnesss"),
    *_fields("metadata", "song_hotttnesss genre"),
    *_fields("musicbrainz", "year"),
    *_fields("analysis", "duration tempo loudness key key_confidence mode mode_confidence"),
    *_fields("analysis", "time_signature time_signature_confidence danceability energy"),
    *_fields("analysis", "end_of_fade_in start_of_fade_out analysis_sample_rate audio_md5"),
    *_fields("metadata", "analyzer_version artist_7digitalid artist_playmeid"),
    *_fields("metadata", "release_7digitalid track_7digitalid"),
)

# `msd_file` is the path the row was read from, below the root where one is given; `msd_checksum` changes
# when the song in it does.
SONG_COLUMNS: tuple[str, ...] = (*(field.name for field in SONG_FIELDS), "msd_file", "msd_checksum")

# What an artist's row takes from the artist's first track, beside the lists.
ARTIST_SCALARS: tuple[str, ...] = (
    *("artist_mbid", "artist_location", "artist_latitude", "artist_longitude"),
    *("artist_familiarity", "artist_hotttnesss", "artist_7digitalid", "artist_playmeid"),
)
ARTIST_COLUMNS: tuple[str, ...] = (
    *("artist_id", "artist_name", "other_names", *ARTIST_SCALARS),
    *("terms", "mbtags", "similar_artists", "songs", "first_track_id"),
)

# The arrays of a list (all exist or none, and of one length), and the field with the start of each song.
LISTS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "terms": (("artist_terms", "artist_terms_freq", "artist_terms_weight"), "metadata", "idx_artist_terms"),
    "similar_artists": (("similar_artists",), "metadata", "idx_similar_artists"),
    "mbtags": (("artist_mbtags", "artist_mbtags_count"), "musicbrainz", "idx_artist_mbtags"),
}

"""The wide tables most people query: `analytics.songs` and `analytics.artists`.

Here: their columns. What is joined to what is in `music_assets/warehouse/sql/analytics`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from music_assets.tables import acousticbrainz, listenbrainz
from music_assets.tables.columns import (
    CC0,
    OURS,
    SOURCE,
    SPOTIFY,
    Field,
    bigint,
    integer,
    json,
    mbid,
    name,
    null_when,
    published,
    real,
    spotify_id,
    text,
    timestamp,
)
from music_assets.tables.mapped import (
    AGREEMENT,
    DUPLICATE_GROUP,
    KNOWN_MISMATCH,
    NO_CANDIDATE,
    NO_RECORDING,
    NOT_SEARCHED,
)
from music_assets.tables.msd import ARTIST_FIELDS, SONG_FIELDS
from music_assets.tables.spotify import AUDIO_FEATURES, NOT_OF_RECCOBEATS

# What each table shows of the MSD's own, in this order.
ANALYTICS_SONG_FIELDS = (
    "track_id song_id title artist_id artist_name artist_mbid release year duration song_hotttnesss "
    "artist_hotttnesss artist_familiarity artist_location artist_latitude artist_longitude tempo loudness "
    "key key_confidence mode mode_confidence time_signature time_signature_confidence msd_file"
).split()
ANALYTICS_ARTIST_FIELDS = (
    "artist_id artist_name other_names artist_mbid artist_location artist_latitude artist_longitude "
    "artist_familiarity artist_hotttnesss terms songs"
).split()


def _some(fields: Iterable[Field], names: Iterable[str]) -> list[Field]:
    by_name = {field.name: field for field in fields}
    return [by_name[name] for name in names]


_POPULARITY = integer("popularity", "Of recent plays, when fetched.", SPOTIFY, low=0, high=100)
_GENRES = json("genres", "Genres of the artist: `[genre, …]`, often empty.", SPOTIFY)

_NO_MATCH, _NO_ARTIST = "the track has no match", "no Spotify artist was accepted"

_SONG = (
    *_some(SONG_FIELDS, ANALYTICS_SONG_FIELDS),
    text(16, "match_status", "`matched`, or why not, as in `mapped.songs`.", OURS),
    *null_when(
        NO_CANDIDATE,
        real("match_score", "Match probability of the best candidate.", OURS, low=0, high=1),
        real("match_margin", "Its lead over the next recording.", OURS, low=0, high=1),
    ),
    json(
        "match_reasons",
        "What spoke for and against the best candidate, in words that quote Spotify's.",
        SPOTIFY,
        null=NOT_SEARCHED,
    ),
    replace(KNOWN_MISMATCH, null=NOT_SEARCHED),
    replace(DUPLICATE_GROUP, null=f"{DUPLICATE_GROUP.null}, or {NOT_SEARCHED}"),
    *null_when(
        f"{_NO_MATCH}, or Spotify does not give it",
        spotify_id(
            "spotify_track_id",
            "The track's match on Spotify, the accepted candidate.",
            SPOTIFY,
            null=_NO_MATCH,
        ),
        name("spotify_name", "Title of the matched track on Spotify.", SPOTIFY),
        spotify_id("spotify_artist_id", "The first artist credited on the matched track.", SPOTIFY),
        name("spotify_artist_name", "The name of that first artist.", SPOTIFY),
        *null_when(
            f"the track has no match, or {NOT_OF_RECCOBEATS}",
            name(
                "spotify_album_name",
                "The album the matched track is on, not always `release`; ReccoBeats names none.",
                SPOTIFY,
            ),
            text(10, "spotify_release_date", "Release of that album, often a reissue's.", SPOTIFY),
            integer("spotify_release_year", "The first four digits of that date.", SPOTIFY, low=0),
        ),
        real("spotify_duration", "Length of the matched track.", SPOTIFY, unit="seconds", low=0),
        text(32, "isrc", "The matched recording's ISRC, to join other sources on.", SPOTIFY),
        replace(_POPULARITY, comment="Of recent plays, when it was fetched."),
        text(256, "spotify_url", "The matched track's page on Spotify.", SPOTIFY),
    ),
    *null_when(
        "the track has no match, or its artist was not looked up",
        replace(_GENRES, comment="Genres of `spotify_artist_id`: `[genre, …]`, often empty."),
        replace(_POPULARITY, name="artist_popularity", comment="Of that artist, when fetched."),
    ),
    real(
        "match_probability",
        "Match probability of the accepted candidate.",
        OURS,
        low=0,
        high=1,
        null="the track has no match, or it was set by hand",
    ),
    *null_when(
        "the track has no match, or nobody gave features of it",
        *(replace(field, name=f"spotify_{field.name}") for field in AUDIO_FEATURES),
        text(32, "features_source", "Who gave the `spotify_…` features.", OURS),
    ),
    mbid("recording_mbid", "MusicBrainz's id of the song, to join open data on.", CC0, null=NO_RECORDING),
    *(replace(field, null=f"{NO_RECORDING}, or ListenBrainz counts none") for field in listenbrainz.COUNTS),
    *(
        replace(
            field, name=f"acousticbrainz_{field.name}", null=f"{NO_RECORDING}, or AcousticBrainz has none"
        )
        for field in acousticbrainz.AUDIO_FEATURES
    ),
    replace(SOURCE, null=NOT_SEARCHED),
    timestamp(
        "fetched_at",
        "When the matched track was last fetched (UTC).",
        OURS,
        null=f"{_NO_MATCH}, or it was not fetched yet",
    ),
)

_ARTIST = (
    *_some(ARTIST_FIELDS, ANALYTICS_ARTIST_FIELDS),
    *(
        replace(field, null="the MSD has no MusicBrainz id of it, or ListenBrainz counts none")
        for field in listenbrainz.COUNTS
    ),
    integer("songs_matched", "How many of the songs have a match on Spotify.", OURS, low=0),
    *null_when(
        f"{_NO_ARTIST}, or Spotify does not give it",
        spotify_id(
            "spotify_artist_id",
            "The artist on Spotify, by the votes of its matched songs.",
            SPOTIFY,
            null=_NO_ARTIST,
        ),
        name("spotify_name", "How that artist is spelt on Spotify.", SPOTIFY),
        integer("votes", "Matched songs that credit that Spotify artist.", OURS, low=1, null=_NO_ARTIST),
        replace(AGREEMENT, null=_NO_ARTIST),
        _GENRES,
        _POPULARITY,
        bigint("followers", "How many follow the artist on Spotify.", SPOTIFY, low=0),
        text(256, "spotify_url", "Web page of the artist, to link to.", SPOTIFY),
        replace(SOURCE, null=_NO_ARTIST),
        timestamp(
            "fetched_at",
            "When the Spotify artist was last fetched (UTC).",
            OURS,
            null=f"{_NO_ARTIST}, or it was not fetched yet",
        ),
    ),
)

SONGS = published(
    "analytics.songs",
    "Every MSD track once, wide: its match or why it has none, popularity, features. Start here.",
    _SONG,
)
ARTISTS = published(
    "analytics.artists",
    "Every MSD artist once: Spotify artist, genres, popularity, and how many songs were matched.",
    _ARTIST,
)

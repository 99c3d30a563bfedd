"""What Spotify and the providers beside it say: the tables of `spotify`, and how they are staged."""

from __future__ import annotations

from dataclasses import replace

from music_assets.tables.columns import (
    FETCHED_AT,
    MSD,
    OURS,
    SOURCE,
    SPOTIFY,
    bigint,
    day,
    flag,
    integer,
    json,
    msd_id,
    name,
    null_when,
    published,
    real,
    spotify_id,
    staged,
    text,
    timestamp,
)

# Who gave a row of `spotify.tracks` is its `source`.
NOT_OF_RECCOBEATS = "Spotify does not give it, or ReccoBeats gave the track, which has no such value"
_EXTENDED = "the app has no extended access, or Spotify does not give it"
_POPULARITY = integer(
    "popularity", "Of recent plays, when fetched.", SPOTIFY, low=0, high=100, null=_EXTENDED
)

_SEARCH = (
    msd_id("track_id", "The MSD track that was searched for.", MSD, key=True),
    text(16, "status", "`answered` (hits or not), `pending` (not searched yet) or `error`.", OURS),
    text(
        1024,
        "question",
        "The query as sent to the search.",
        OURS,
        null="the question is pending",
        truncate=True,
    ),
    integer("hits", "How many tracks the response had.", OURS, low=0, null="no response yet"),
    text(
        4096,
        "reason",
        "Why it is pending or an error, in words.",
        OURS,
        null="it was answered",
        truncate=True,
    ),
    SOURCE,
    replace(FETCHED_AT, null="no response yet"),
)

_TRACK = (
    spotify_id("spotify_track_id", "Spotify's id of the track, 22 letters and digits.", SPOTIFY, key=True),
    name("name", "The track's name, with its version (`- 2011 Remaster`).", SPOTIFY, truncate=True),
    text(32, "isrc", "The recording's ISRC; its copies on other albums share it.", SPOTIFY),
    integer("duration_ms", "Length of the track on this album.", SPOTIFY, unit="ms", low=0),
    *null_when(
        NOT_OF_RECCOBEATS,
        flag("explicit", "Whether its lyrics are marked explicit; false: no, or unknown.", SPOTIFY),
    ),
    integer(
        "popularity",
        "Of recent plays, when fetched; a match's as ReccoBeats has it where Spotify gives none.",
        SPOTIFY,
        low=0,
        high=100,
        null="neither gives it, or the track came with a search and is not a match",
    ),
    *null_when(
        NOT_OF_RECCOBEATS,
        integer("disc_number", "The disc of the album it is on, from 1.", SPOTIFY, low=0),
        integer("track_number", "Its number on that disc, from 1.", SPOTIFY, low=0),
    ),
    json("artists", "Credited artists in order: `[{spotify_artist_id, name}]`.", SPOTIFY),
    spotify_id("spotify_artist_id", "Spotify's id of the first credited artist.", SPOTIFY),
    name("artist_name", "The name of the first credited artist.", SPOTIFY, truncate=True),
    *null_when(
        NOT_OF_RECCOBEATS,
        spotify_id("spotify_album_id", "Spotify's id of the album this copy of the track is on.", SPOTIFY),
        name("album_name", "Title of that album, with its edition.", SPOTIFY, truncate=True),
        text(32, "album_type", "The kind of that album: `album`, `single` or `compilation`.", SPOTIFY),
        integer("album_total_tracks", "How many tracks that album has.", SPOTIFY, low=0),
        text(10, "release_date", "Release of that album: year, month or day; often a reissue's.", SPOTIFY),
        integer("release_year", "The first four digits of `release_date`.", SPOTIFY, low=0),
    ),
    json("available_markets", 'ISO countries it plays in: `["CA", …]`.', SPOTIFY, null=_EXTENDED),
    text(256, "url", "The track's page on Spotify, to link to wherever its data is shown.", SPOTIFY),
    spotify_id(
        "relinked_to",
        "The id under which Spotify answers in its place: another copy, whose values these are.",
        SPOTIFY,
        null="Spotify answers under the track's own id",
    ),
    timestamp(
        "vanished_at",
        "When Spotify first said that it does not know the id any more (UTC); the values are the last.",
        OURS,
        null="it was there when last looked up",
    ),
    SOURCE,
    replace(FETCHED_AT, null="it was set by hand and no search showed it: its id is all that is known"),
)

_ARTIST = (
    spotify_id("spotify_artist_id", "Spotify's id of the artist, 22 letters and digits.", SPOTIFY, key=True),
    name("name", "How the artist is spelt on Spotify.", SPOTIFY, truncate=True),
    *null_when(
        "the artist itself was not looked up",
        json("genres", "Genres of the artist: `[genre, …]`, often empty.", SPOTIFY),
        _POPULARITY,
        bigint("followers", "How many follow the artist on Spotify.", SPOTIFY, low=0, null=_EXTENDED),
        text(256, "url", "Web page of the artist, to link to.", SPOTIFY),
    ),
    SOURCE,
    FETCHED_AT,
)

# What is heard in a track; `analytics.songs` has it too.
AUDIO_FEATURES = (
    real("danceability", "How fit for dancing, by tempo and beat.", SPOTIFY, low=0, high=1),
    real("energy", "Perceived intensity: fast, loud and noisy is near 1.", SPOTIFY, low=0, high=1),
    integer("key", "Key: 0 is C, 11 is B; -1 where none was found.", SPOTIFY, low=-1, high=11),
    real("loudness", "Overall loudness; 0 is full scale.", SPOTIFY, unit="dB"),
    integer("mode", "Mode: 1 is major, 0 is minor.", SPOTIFY, low=0, high=1),
    real("speechiness", "How much is spoken; above 0.66 most.", SPOTIFY, low=0, high=1),
    real("acousticness", "How surely it is acoustic, 1 is surest.", SPOTIFY, low=0, high=1),
    real("instrumentalness", "How surely it has no vocals, 1 is surest.", SPOTIFY, low=0, high=1),
    real("liveness", "How surely it is live; above 0.8 most likely.", SPOTIFY, low=0, high=1),
    real("valence", "How positive it sounds: 1 cheerful, 0 sad or angry.", SPOTIFY, low=0, high=1),
    real("tempo", "Estimated tempo, often half or double of what one hears.", SPOTIFY, unit="BPM", low=0),
    integer("time_signature", "Estimated beats per bar.", SPOTIFY, low=0),
)

_TRACK_FEATURES = (
    spotify_id("spotify_track_id", "Spotify's id of the track that was analysed.", SPOTIFY, key=True),
    replace(SOURCE, key=True),
    *AUDIO_FEATURES,
    integer("duration_ms", "Length of the analysed track.", SPOTIFY, unit="ms", low=0),
    FETCHED_AT,
)

_POPULARITY_HISTORY = (
    text(8, "entity", "What the id is of: `track` or `artist`.", OURS, key=True),
    spotify_id("id", "Spotify's id of that track or artist.", SPOTIFY, key=True),
    day("date", "The day (UTC) it was fetched; the day's last counts.", OURS, key=True),
    integer("popularity", "Spotify's popularity on that day: 0 to 100.", SPOTIFY, low=0, high=100),
    SOURCE,
    replace(FETCHED_AT, null="an earlier version wrote the row"),
)

_RELEASE_ID = spotify_id(
    "spotify_album_id", "Spotify's id of the release, 22 letters and digits.", SPOTIFY, key=True
)
_RELEASE_ARTIST = spotify_id(
    "spotify_artist_id", "Spotify's id of an artist that MSD songs were matched to.", SPOTIFY, key=True
)
_RELEASE = (
    name("name", "Title of the release, with its edition.", SPOTIFY, truncate=True),
    text(32, "album_type", "The kind of release: `album`, `single` or `compilation`.", SPOTIFY),
    text(10, "release_date", "When it came out: year, month or day; a reissue has its own.", SPOTIFY),
    integer("release_year", "The first four digits of `release_date`, 2011 or later.", SPOTIFY, low=0),
    integer("total_tracks", "How many tracks the release has.", SPOTIFY, low=0),
    text(256, "url", "Web page of the release, to link to.", SPOTIFY),
    SOURCE,
    FETCHED_AT,
)
# An artist without releases is staged as well, so that it is not listed again at once.
_NO_RELEASE_ID = replace(
    _RELEASE_ID, nullable=True, null="nothing new was found: the row says that the artist was looked up"
)

STAGED_SEARCH = staged("spotify_search", "What was searched for each track.", _SEARCH)
STAGED_TRACKS = staged("spotify_tracks", "Tracks found, as each slice saw them.", _TRACK)
STAGED_ARTISTS = staged("spotify_artists", "Artists, as each slice saw them.", _ARTIST)
STAGED_TRACKS_REFRESH = staged("spotify_tracks_refresh", "Tracks looked up again, by day.", _TRACK)
STAGED_ARTISTS_REFRESH = staged("spotify_artists_refresh", "Artists looked up again, by day.", _ARTIST)
STAGED_FEATURES = staged("audio_features", "Audio features, as each slice saw them.", _TRACK_FEATURES)
STAGED_RELEASES = staged(
    "artist_releases",
    "Releases since 2011 of matched artists, by the day they were looked up.",
    (_RELEASE_ARTIST, _NO_RELEASE_ID, *_RELEASE),
)

TRACKS = published(
    "spotify.tracks", "One row per Spotify track found, as the newest response has it.", _TRACK
)
ARTISTS = published(
    "spotify.artists", "One row per Spotify artist of a match, as the newest response has it.", _ARTIST
)
FEATURES = published(
    "spotify.audio_features", "One row per track and provider of audio features.", _TRACK_FEATURES
)
POPULARITY_HISTORY = published(
    "spotify.popularity_history",
    "One row per track or artist and day: its popularity. Added to, never rewritten.",
    _POPULARITY_HISTORY,
    dist="id",
    sort="date",
)
RELEASES = published(
    "spotify.artist_releases",
    "One row per release since 2011 of a matched artist, as last listed.",
    (_RELEASE_ARTIST, _RELEASE_ID, *_RELEASE),
)

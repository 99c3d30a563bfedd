"""The Million Song Dataset's own values: `msd.songs`, `msd.artists`, and how they are staged."""

from __future__ import annotations

from music_assets.tables.columns import (
    MSD,
    OURS,
    bigint,
    integer,
    json,
    msd_id,
    name,
    null_when,
    published,
    real,
    staged,
    text,
)

_ARTIST = (
    text(40, "artist_mbid", "The artist's MusicBrainz id of 2010; some were merged since.", MSD),
    name("artist_location", "Where the artist is from, in free words: city, country, both.", MSD),
    real("artist_latitude", "Latitude of it, north positive.", MSD, unit="degrees", low=-90, high=90),
    real("artist_longitude", "Longitude of it, east positive.", MSD, unit="degrees", low=-180, high=180),
    real("artist_familiarity", "How well known the artist was, 0 to about 1.", MSD, low=0),
    real("artist_hotttnesss", "How much talked of the artist was in late 2010, 0 to 1.", MSD, low=0),
)
_ARTIST_SHOPS = (
    bigint("artist_7digitalid", "The artist's id in 7digital's shop of 2010.", MSD),
    bigint("artist_playmeid", "The artist's id at play.me, which is gone.", MSD),
)

SONG_FIELDS = (
    msd_id("track_id", "The MSD's key of a track (TR…); letters 3 to 5 name its folders.", MSD, key=True),
    msd_id("song_id", "The Echo Nest's song (SO…); several tracks may share one.", MSD),
    name("title", "The title as the MSD has it, brackets and all; `_` stands for `,` and `/`.", MSD),
    name("release", "The album the track was taken from, often a compilation or a reissue.", MSD),
    msd_id("artist_id", "The Echo Nest's artist (AR…); may have several spellings.", MSD),
    name("artist_name", "The artist as credited on this track, often several joined.", MSD),
    *_ARTIST,
    real(
        "song_hotttnesss",
        "How hot The Echo Nest found the song in 2011; often unknown, 0 is a value.",
        MSD,
        low=0,
    ),
    name("genre", "Empty in all files seen; tags are in `msd.artists.terms`.", MSD),
    integer(
        "year", "Year of release by MusicBrainz; half are unknown.", MSD, low=1900, null="the file has 0"
    ),
    real("duration", "Length of the analysed audio.", MSD, unit="seconds", low=0),
    real("tempo", "Estimated tempo, often half or double of what one hears.", MSD, unit="BPM", low=0),
    real("loudness", "Overall loudness, below 0 for nearly all: 0 is full scale.", MSD, unit="dB"),
    integer("key", "Estimated key: 0 is C, 1 is C sharp, 11 is B.", MSD, low=0, high=11),
    real("key_confidence", "How sure the analysis is of the key; 0 is a guess.", MSD, low=0, high=1),
    integer("mode", "Estimated mode: 1 is major, 0 is minor.", MSD, low=0, high=1),
    real("mode_confidence", "How sure the analysis is of it; 0 is a guess.", MSD, low=0, high=1),
    integer("time_signature", "Estimated beats per bar.", MSD, low=0),
    real("time_signature_confidence", "How sure the analysis is of it.", MSD, low=0, high=1),
    real("danceability", "0 in all files seen: not analysed. Spotify's is another.", MSD),
    real("energy", "0 in all files seen: not analysed. Spotify's is another.", MSD),
    real("end_of_fade_in", "Where the fade-in ends; 0 without one.", MSD, unit="seconds", low=0),
    real("start_of_fade_out", "Where the fade-out starts.", MSD, unit="seconds", low=0),
    integer("analysis_sample_rate", "Of the analysed audio, mostly 22,050.", MSD, unit="Hz", low=0),
    text(32, "audio_md5", "MD5 of the analysed audio: equal for the same audio.", MSD),
    text(
        32,
        "analyzer_version",
        "Release of the Echo Nest's analyzer that was used.",
        MSD,
        null="empty in most files",
    ),
    *_ARTIST_SHOPS,
    bigint("release_7digitalid", "The release's id in 7digital's shop of 2010.", MSD),
    bigint("track_7digitalid", "The track's id in 7digital's shop of 2010.", MSD),
    name("msd_file", "The file the row was read from, below the MSD root.", OURS),
    text(
        32,
        "msd_checksum",
        "Of the song's values as that file has them: with another one the file has changed since.",
        OURS,
    ),
)

_TAGS = null_when(
    "the file has no arrays (a summary file)",
    json("terms", "Tags, best first: `[{term, frequency, weight}]`.", MSD),
    json("mbtags", "MusicBrainz' tags of 2010: `[{tag, count}]`.", MSD),
    json("similar_artists", "`artist_id`s of up to 100, nearest first.", MSD),
)

ARTIST_FIELDS = (
    msd_id("artist_id", "The Echo Nest's artist (AR…), however it is spelt.", MSD, key=True),
    name("artist_name", "The spelling most of the artist's tracks have.", MSD),
    json("other_names", "The other spellings, most frequent first: `[name, …]`.", MSD),
    *_ARTIST,
    *_ARTIST_SHOPS,
    *_TAGS,
    integer("songs", "How many tracks of the MSD in use are the artist's.", OURS, low=1),
    msd_id("first_track_id", "The smallest of their ids: the file the values come from.", OURS),
)

STAGED_SONGS = staged("msd_songs", "MSD tracks, as landed.", SONG_FIELDS)
STAGED_ARTISTS = staged("msd_artists", "MSD artists as each slice sees them.", ARTIST_FIELDS)

SONGS = published(
    "msd.songs", "One row per MSD track: the dataset's own fields, unknowns as NULL.", SONG_FIELDS
)
ARTISTS = published(
    "msd.artists", "One row per MSD artist, combined from all partitions, with its tags.", ARTIST_FIELDS
)

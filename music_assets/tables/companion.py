"""What the MSD's companion sets have of its tracks: `companion.songs`, and how it is staged.

The sets themselves, and their files, are in `music_assets.sources.companion`; whose terms apply and how a set
is cited in `terms`, by the constants here.
"""

from __future__ import annotations

from music_assets.tables.columns import (
    MSD,
    OURS,
    bigint,
    json,
    msd_id,
    null_when,
    published,
    staged,
    text,
)

TAGTRAUM, LASTFM, SHS = "tagtraum", "Last.fm", "SecondHandSongs"
TASTE_PROFILE, MUSIXMATCH = "Taste Profile", "musiXmatch"

_FIELDS = (
    msd_id("track_id", "The track that a set has something of.", MSD, key=True),
    *null_when(
        "its file is not there, or does not have the track",
        text(32, "tagtraum_cd1", "Genre by majority, 13 of the All Music Guide's.", TAGTRAUM),
        text(32, "tagtraum_cd1_minority", "The genre that had fewer votes, where they differed.", TAGTRAUM),
        text(32, "tagtraum_cd2", "Genre of 15, without Vocal, with Metal and Punk.", TAGTRAUM),
        text(32, "tagtraum_cd2_other", "The second genre, where the two sources differ.", TAGTRAUM),
        text(32, "tagtraum_cd2c", "As `tagtraum_cd2`, of tracks with one genre alone.", TAGTRAUM),
        json("lastfm_tags", "Tags, best first: `[{tag, weight}]`, weights 0 to 100.", LASTFM),
        msd_id("shs_clique", "The group of covers of one work, by its smallest track id.", SHS),
        json("shs_works", "SecondHandSongs' ids of the work, negative if it has none: `[id]`.", SHS),
        bigint("shs_performance", "SecondHandSongs' id of the performance.", SHS),
        text(5, "shs_split", "Which file it is in: `train` or `test`.", SHS),
        bigint("taste_plays", "Plays of the song by all users of the Taste Profile.", TASTE_PROFILE, low=1),
        bigint("taste_users", "How many users played it.", TASTE_PROFILE, low=1),
        bigint("mxm_tid", "musiXmatch's id of the track.", MUSIXMATCH),
        text(5, "mxm_split", "Which file it is in: `train` or `test`.", MUSIXMATCH),
        json("mxm_words", "Stemmed words of the lyrics: `[{word, count}]`, of 5,000.", MUSIXMATCH),
    ),
)

STAGED_SONGS = staged("companion_songs", "What companion sets have of MSD tracks.", _FIELDS)
SONGS = published(
    "companion.songs",
    "One row per MSD track that a companion set has: genres, tags, covers, plays, words of lyrics.",
    (
        *_FIELDS,
        text(
            16,
            "shs_conflict",
            "Its Spotify track is also that of a cover of another work (`other_work`) or of its own "
            "(`same_track`): one match at most is right.",
            OURS,
            null="its match is its own, or it has none",
        ),
    ),
)

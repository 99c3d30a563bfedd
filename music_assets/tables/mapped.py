"""`mapped`, and how it is staged: which Spotify track and which MusicBrainz recording an MSD track is, and
which Spotify artist an MSD artist is."""

from __future__ import annotations

from dataclasses import replace

from music_assets.tables.columns import (
    CC0,
    FETCHED_AT,
    MSD,
    OURS,
    SOURCE,
    SPOTIFY,
    flag,
    integer,
    json,
    mbid,
    msd_id,
    name,
    published,
    real,
    spotify_id,
    staged,
    text,
)

# The states of a song: `rejected` by a person, as none of its candidates is the song.
STATUSES = ("matched", "ambiguous", "rejected", "below_floor", "no_candidates", "pending", "error")
UNMATCHED = ("rejected", "below_floor", "no_candidates")  # searched for, and none of the candidates is it
NO_CANDIDATE = "the track has no candidate"
NOT_SEARCHED = "the track was never searched for"

# `analytics.songs` has them too.
KNOWN_MISMATCH = flag(
    "known_mismatch",
    "Whether the MSD lists its song-to-track link as wrong; false where that list is not in use.",
    MSD,
)
DUPLICATE_GROUP = msd_id(
    "duplicate_group",
    "The smallest id of the tracks that are the same recording.",
    MSD,
    null="the MSD's list of duplicates is not in use, or does not name it",
)

_SONG = (
    msd_id("track_id", "The MSD track that a Spotify track was sought for.", MSD, key=True),
    spotify_id(
        "spotify_track_id",
        "A candidate: one of the hits of the search.",
        SPOTIFY,
        key=True,
        nullable=True,
        null=NO_CANDIDATE,
    ),
    text(16, "status", f"{', '.join(f'`{status}`' for status in STATUSES)}.", OURS),
    integer("rank", "Place among the track's candidates, 1 is best.", OURS, low=1, null=NO_CANDIDATE),
    flag("accepted", "Whether this candidate is the match; true of at most one row per track.", OURS),
    flag("equivalent", "Whether it is the accepted recording on another album.", OURS),
    real(
        "score",
        "Match probability: of candidates that score 0.95, 95 in 100 are the song.",
        OURS,
        low=0,
        high=1,
        null=f"{NO_CANDIDATE}, or was set by hand to none of them",
    ),
    real(
        "margin",
        "Lead of the best over the next recording.",
        OURS,
        low=0,
        high=1,
        null=f"{NO_CANDIDATE}, or was set by hand",
    ),
    json(
        "reasons",
        "What spoke for and against, in words that quote Spotify's, or why it is pending: `[reason, …]`.",
        SPOTIFY,
        null="never",
    ),
    text(
        1024,
        "question",
        "The query that brought the candidate, as sent.",
        OURS,
        null=NOT_SEARCHED,
        truncate=True,
    ),
    replace(SOURCE, null=NOT_SEARCHED),
    text(32, "matcher_version", "The matcher that decided: number and checksum.", OURS),
    replace(FETCHED_AT, null="no response yet"),
    flag("by_hand", "Whether an entry of the overrides decided, not the matcher.", OURS),
    KNOWN_MISMATCH,
    DUPLICATE_GROUP,
)

VOTES = integer("votes", "Matched tracks that credit the Spotify artist.", OURS, low=1)
AGREEMENT = real("agreement", "How alike the two names are, 1 is equal.", OURS, low=0, high=1)
_SPELLING = name("spotify_artist_name", "How that artist is spelt on Spotify.", SPOTIFY)

_VOTE = (
    msd_id("artist_id", "The MSD artist whose matched tracks vote.", MSD, key=True),
    spotify_id("spotify_artist_id", "A Spotify artist credited on a matched track.", SPOTIFY, key=True),
    replace(_SPELLING, truncate=True),
    replace(VOTES, comment="Matched tracks of the slice that credit that artist."),
    AGREEMENT,
    SOURCE,
    FETCHED_AT,
)

_ARTIST = (
    msd_id("artist_id", "The MSD artist that a Spotify artist was sought for.", MSD, key=True),
    spotify_id("spotify_artist_id", "A candidate: credited on one of its matched tracks.", SPOTIFY, key=True),
    _SPELLING,
    integer("rank", "Place by votes times agreement, 1 is best.", OURS, low=1),
    flag("accepted", "Whether this is the artist; true of at most one row per artist.", OURS),
    VOTES,
    real("share", "Votes over all votes of the MSD artist: guests lower it.", OURS, low=0, high=1),
    AGREEMENT,
    SOURCE,
)

NO_RECORDING = "no recording was found"
_FULL_DUMP = "the full MusicBrainz dump is not in use, or has none"

_RECORDING = (
    msd_id("track_id", "The MSD track that the recording is of.", MSD, key=True),
    mbid(
        "recording_mbid", "MusicBrainz's id of the recording, the canonical one of its name.", CC0, key=True
    ),
    name("recording_name", "Title of the recording in MusicBrainz.", CC0, truncate=True),
    name("artist_credit_name", "Its artists as credited in MusicBrainz.", CC0, truncate=True),
    mbid("release_mbid", "The canonical release of the recording.", CC0),
    name("release_name", "Title of that release, often not the MSD's.", CC0, truncate=True),
    text(64, "method", "How it was found: within the artist's id or name, and how close the title is.", OURS),
    real(
        "score",
        "How likely it is the song, by judgement: of pairs from 0.8 on 97 in 100 are, below 6 in 10.",
        OURS,
        low=0,
        high=1,
    ),
    json("reasons", "What spoke for and against: `[reason, …]`.", OURS),
    json("isrcs", "ISRCs of the recording: `[isrc, …]`.", CC0, null=_FULL_DUMP),
    json("spotify_track_ids", "Spotify tracks MusicBrainz links it to: `[id, …]`.", CC0, null=_FULL_DUMP),
    replace(SOURCE, comment="Whose dump it is: `musicbrainz`, or `sandbox` (invented)."),
    replace(FETCHED_AT, comment="When the dump was made (UTC)."),
)

STAGED_SONGS = staged("mapped_songs", "Candidates for each MSD track.", _SONG)
STAGED_VOTES = staged("artist_votes", "Votes of each slice for Spotify artists.", _VOTE)
STAGED_RECORDINGS = staged("musicbrainz_recordings", "MusicBrainz recordings of MSD tracks.", _RECORDING)

SONGS = published(
    "mapped.songs", "One row per candidate for an MSD track: score, margin, status and reasons.", _SONG
)
ARTISTS = published(
    "mapped.artists",
    "One row per Spotify artist that an MSD artist may be, by the votes of its matched songs.",
    _ARTIST,
)
RECORDINGS = published(
    "mapped.recordings",
    "One row per MSD track with a MusicBrainz recording: which, how it was found, and how likely it is.",
    _RECORDING,
)

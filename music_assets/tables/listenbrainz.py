"""How often recordings and artists are listened to (CC0): `listenbrainz`, and how it is staged."""

from __future__ import annotations

from dataclasses import replace

from music_assets.tables.columns import (
    CC0,
    FETCHED_AT,
    OURS,
    SOURCE,
    bigint,
    day,
    mbid,
    published,
    staged,
    text,
)

# `analytics` has them too.
COUNTS = (
    bigint("listen_count", "All listens that ListenBrainz ever counted, not on Spotify's scale.", CC0, low=0),
    bigint("listener_count", "How many of its users listened.", CC0, low=0, null="only listens were given"),
)
_MBID = mbid("mbid", "MusicBrainz's id of that recording or artist.", CC0, key=True)
_ENTITY = text(16, "entity", "What the id is of: `recording` or `artist`.", OURS, key=True)
_SOURCE = replace(SOURCE, comment="Who counted: `listenbrainz`, or `sandbox` (invented).")

STAGED_POPULARITY = staged(
    "listenbrainz_popularity",
    "Listens of each slice's recordings and artists.",
    (_MBID, _ENTITY, *COUNTS, _SOURCE, FETCHED_AT),
)
POPULARITY_HISTORY = published(
    "listenbrainz.popularity_history",
    "One row per recording or artist of the MSD and day: listens and listeners. Added to, never rewritten.",
    (
        _ENTITY,
        _MBID,
        day("date", "The day (UTC) it was fetched; the day's last counts.", OURS, key=True),
        *COUNTS,
        _SOURCE,
        FETCHED_AT,
    ),
    dist="mbid",
    sort="date",
)

"""What AcousticBrainz computed from audio until 2022 (CC0): `acousticbrainz`, and how it is staged."""

from __future__ import annotations

from dataclasses import replace

from music_assets.tables.columns import (
    CC0,
    SOURCE,
    Field,
    integer,
    mbid,
    null_when,
    published,
    real,
    staged,
    text,
)

# What is heard in a recording; `analytics.songs` has it too.
AUDIO_FEATURES: tuple[Field, ...] = null_when(
    "no submission has it",
    real("tempo", "Estimated tempo, often half or double of what one hears.", CC0, unit="BPM", low=0),
    text(2, "key", "Key: C, C#, D, Eb, E, F, F#, G, Ab, A, Bb or B.", CC0),
    text(5, "scale", "Scale of the key: `major` or `minor`.", CC0),
    real("danceability", "How danceable; 0 to about 3, not on Spotify's scale.", CC0, low=0),
    real("loudness", "Average loudness, 0 to 1, not in dB.", CC0, low=0, high=1),
)

_FEATURES = (
    mbid("recording_mbid", "MusicBrainz's id of the recording that was analysed.", CC0, key=True),
    *AUDIO_FEATURES,
    integer("submissions", "How many analyses the medians are of.", CC0, low=1),
    replace(SOURCE, comment="Whose dump it is: `acousticbrainz`, or `sandbox` (invented)."),
)

STAGED_FEATURES = staged("acousticbrainz_features", "Features of linked recordings.", _FEATURES)
FEATURES = published(
    "acousticbrainz.audio_features",
    "One row per recording of an MSD track that AcousticBrainz analysed: the median of all submissions.",
    _FEATURES,
)

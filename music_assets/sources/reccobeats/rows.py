"""ReccoBeats' objects as rows of `spotify.audio_features`.

An object has Spotify's names for the features, an `id` of ReccoBeats' own, and the Spotify track in `href`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from music_assets.sources.spotify.rows import Row, audio_features_row

_TRACK = re.compile(r"(?:/track/|^spotify:track:)([0-9A-Za-z]{22})(?![0-9A-Za-z])")


def features_row(
    features: Mapping[str, Any], spotify_track_id: str, *, source: str, fetched_at: datetime
) -> Row:
    """A row of `spotify.audio_features` for this Spotify track, from an object of ReccoBeats."""
    return audio_features_row({**features, "id": spotify_track_id}, source=source, fetched_at=fetched_at)


def spotify_id_of(features: Mapping[str, Any]) -> str | None:
    """The id of the Spotify track that `href` leads to; None where it leads elsewhere."""
    href = features.get("href")
    found = _TRACK.search(href) if isinstance(href, str) else None
    return found[1] if found else None

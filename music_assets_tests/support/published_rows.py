"""Made-up rows of published tables: as many as one likes, the same every time, with NULL where it may be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from music_assets.tables import PUBLISHED, row_columns

# In every text that people give to a source.
HOSTILE = "<script>document.title = 'hacked'</script>\"'&|{{ 7 * 7 }}"
_KEYS = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
_REASONS = [
    "title equal",
    "different title",
    "different version: live",
    f"'{HOSTILE}' on one side only",
    "0.4 s apart",
    "12 s apart",
    "3.5 s apart (up to 4)",
    "another release",
    "same release",
    "a search that failed",
]


def published_rows(count: int, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Frames of the tables that the report reads, with `count` songs; lists are JSON texts."""
    dice = np.random.default_rng(seed)

    def some(values: Any, share: float = 0.8) -> pd.Series[Any]:
        return pd.Series(values, dtype=object).where(pd.Series(dice.random(len(values)) < share), None)

    ids = [f"TR{number:016X}" for number in range(count)]
    songs = _empty("analytics.songs", count).assign(track_id=ids, title=HOSTILE, artist_name=HOSTILE)
    songs["year"] = some(dice.integers(1924, 2012, count), 0.5)
    songs["artist_familiarity"] = some(dice.random(count) * 1.02, 0.99)
    songs["song_hotttnesss"] = some(np.where(dice.random(count) < 0.2, 0.0, dice.random(count)), 0.6)
    songs["tempo"] = some(np.where(dice.random(count) < 0.02, 0.0, dice.uniform(60, 200, count)), 1)
    songs["loudness"] = -dice.gamma(4, 2.5, count)
    songs["key"], songs["mode"] = dice.integers(0, 12, count), dice.integers(0, 2, count)
    songs["match_status"] = dice.choice(
        ["matched", "ambiguous", "below_floor", "no_candidates", "pending"],
        count,
        p=[0.8, 0.06, 0.06, 0.04, 0.04],
    )
    matched = songs["match_status"] == "matched"
    unsearched = songs["match_status"].isin(["no_candidates", "pending"])
    score = np.select(
        [matched, songs["match_status"] == "ambiguous"],
        [1 - 0.3 * dice.random(count) ** 6, 0.3 + 0.7 * dice.random(count)],
        0.3 * dice.random(count) ** 3,
    )
    songs["match_score"] = pd.Series(score, dtype=object).where(~unsearched, None)
    songs["match_margin"] = pd.Series(score * dice.random(count) ** 0.1, dtype=object).where(
        ~unsearched, None
    )
    songs["match_reasons"] = [
        json.dumps(list(dice.choice(_REASONS, dice.integers(0, 4), replace=False))) for _ in range(count)
    ]
    songs["spotify_track_id"] = pd.Series(ids).str[-16:].str.rjust(22, "0").where(matched, None)
    hot = pd.to_numeric(songs["song_hotttnesss"]).fillna(0.3).to_numpy(dtype=float)
    songs["popularity"] = some((100 * np.clip(hot * dice.random(count) * 1.4, 0, 1)).astype(int)).where(
        matched, None
    )
    features = matched & (dice.random(count) < 0.7)
    songs["features_source"] = pd.Series("reccobeats", index=songs.index, dtype=object).where(features, None)
    factor = dice.choice([1.0, 2.0, 0.5, 1.31], count, p=[0.75, 0.1, 0.1, 0.05])
    tempo = songs["tempo"].astype(float)
    songs["spotify_tempo"] = (tempo * factor).astype(object).where(features, None)
    songs["spotify_loudness"] = (
        (songs["loudness"] + dice.normal(0, 1, count)).astype(object).where(features, None)
    )
    songs["spotify_key"] = pd.Series(dice.integers(-1, 12, count), dtype=object).where(features, None)
    songs["spotify_mode"] = pd.Series(dice.integers(0, 2, count), dtype=object).where(features, None)
    recorded = dice.random(count) < 0.85
    songs["recording_mbid"] = pd.Series(ids, dtype=object).where(recorded, None)
    songs["listen_count"] = some((10 ** (dice.random(count) * 3 + 3 * hot) - 1).astype(int)).where(
        recorded, None
    )
    acoustic = recorded & (dice.random(count) < 0.6)
    songs["acousticbrainz_tempo"] = (
        (tempo * dice.choice([1.0, 2.0, 0.97], count)).astype(object).where(acoustic, None)
    )
    songs["acousticbrainz_loudness"] = (1 / (1 - songs["loudness"] / 20)).astype(object).where(acoustic, None)
    songs["acousticbrainz_key"] = pd.Series(dice.choice(_KEYS, count), dtype=object).where(acoustic, None)
    songs["acousticbrainz_scale"] = pd.Series(dice.choice(["major", "minor"], count), dtype=object).where(
        acoustic, None
    )

    several = max(count // 4, 1)
    artists = _empty("analytics.artists", several).assign(
        artist_id=[f"AR{number:016X}" for number in range(several)], artist_name=HOSTILE
    )
    artists["artist_latitude"] = some(np.clip(dice.normal(42, 14, several), -60, 75), 0.4)
    artists["artist_longitude"] = some(dice.choice([-95, 5, 140], several) + dice.normal(0, 12, several), 1)
    tags = ["rock", "pop", "hip hop", HOSTILE, *(f"tag {number}" for number in range(40))]
    artists["terms"] = [
        json.dumps([{"term": tag, "frequency": 1.0, "weight": 0.5} for tag in _first(dice, tags)])
        for _ in range(several)
    ]
    genres = ["indie pop", HOSTILE, *(f"genre {number}" for number in range(40))]
    artists["genres"] = some([json.dumps(_first(dice, genres)) for _ in range(several)], 0.6)
    day = pd.Timestamp("2026-11-23T07:00:00")
    when = [day - pd.Timedelta(days=int(days)) for days in dice.integers(0, 200, 20)]
    tracks = _empty("spotify.tracks", 20).assign(
        spotify_track_id=[f"{number:022}" for number in range(20)], source="api", fetched_at=when
    )
    mapped = _empty("mapped.songs", count).assign(
        track_id=ids, matcher_version="1-0123456789", status="matched"
    )
    companion = _empty("companion.songs", count).assign(track_id=ids)
    companion["tagtraum_cd2"] = some(
        dice.choice(["Rock", "Electronic", "Pop", "Rap"], count, p=[0.5, 0.2, 0.2, 0.1])
    )
    return {
        "analytics.songs": songs,
        "companion.songs": companion,
        "analytics.artists": artists,
        "spotify.tracks": tracks,
        "mapped.songs": mapped,
    }


def insert_rows(connection: Connection, frames: dict[str, pd.DataFrame]) -> None:
    """Add them to their tables in DuckDB."""
    raw: Any = connection.connection.driver_connection
    for name, frame in frames.items():
        raw.register("made_up", frame)
        raw.execute(f"INSERT INTO {name} BY NAME SELECT * FROM made_up")
        raw.unregister("made_up")


def _empty(name: str, count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {column: pd.Series([None] * count, dtype=object) for column in row_columns(PUBLISHED[name])}
    )


def _first(dice: np.random.Generator, values: list[str]) -> list[str]:
    """Some of them, the first more often."""
    places = np.unique((len(values) * dice.random(3) ** 2).astype(int))
    return [values[place] for place in places]

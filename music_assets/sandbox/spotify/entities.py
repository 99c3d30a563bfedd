"""The sandbox's own things: songs as it takes them from the MSD, and the artists, albums and tracks it makes.

An artist or an album follows from its name alone, so whoever meets it meets the same one. Which
tracks a song brings is in `generator`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from music_assets.sandbox.invented import invented
from music_assets.sandbox.spotify.names import dice_of, fold, spotify_id, without_accents


class Song(NamedTuple):
    """What of an MSD song the sandbox builds on; durations in seconds, loudness in dB, tempo in BPM."""

    track_id: str
    title: str
    artist_name: str
    release: str
    duration: float
    year: int | None = None
    song_hotttnesss: float | None = None
    artist_hotttnesss: float | None = None
    key: int | None = None
    mode: int | None = None
    tempo: float | None = None
    loudness: float | None = None
    time_signature: int | None = None
    song_id: str | None = None
    artist_mbid: str | None = None


class Artist(NamedTuple):
    """An artist of the sandbox."""

    id: str
    name: str
    popularity: int


class Album(NamedTuple):
    """An album of the sandbox, and the id of the artist it is credited to."""

    id: str
    name: str
    album_type: str
    release_date: str
    total_tracks: int
    artist_id: str


@dataclass(slots=True)
class Track:
    """A track of the sandbox; `right` where it is the MSD song, or the same recording elsewhere."""

    id: str
    right: bool
    name: str
    artists: list[Artist]
    album: Album
    isrc: str
    duration_ms: int
    popularity: int
    number: int
    key: int
    mode: int
    tempo: float
    loudness: float
    time_signature: int


VARIOUS = Artist(spotify_id("artist", "various artists"), "Various Artists", 0)  # compilations' artist


@lru_cache(16384)
def artist(name: str, hotttnesss: float) -> Artist:
    """The Spotify artist of this name, spelt as Spotify happens to spell it (every time the same)."""
    id_ = spotify_id("artist", fold(name))
    dice = dice_of("spelling", id_)
    listed = name
    if dice % 100 < 6:
        listed = name[4:] if name.lower().startswith("the ") else f"The {name}"
    elif dice % 100 < 10:
        listed = name.replace(" & ", " and ") if " & " in name else name.replace(" and ", " & ")
    elif dice % 100 < 13:
        listed = name.upper()
    if dice // 100 % 100 < 15:
        listed = without_accents(listed)
    return Artist(id_, listed or name, round(clip(10 + 80 * hotttnesss + dice // 10000 % 15, 0, 100)))


@lru_cache(16384)
def own_album(artist: Artist, name: str, year: int, album_type: str = "album") -> Album:
    """An artist's album of this name; a fifth are dated by a reissue."""
    id_ = spotify_id("album", artist.id, fold(name))
    dice = dice_of("album", id_)
    if dice % 100 < 20:  # a reissue's date, as so often
        year = min(2024, year + 1 + dice // 100 % 30)
    return Album(id_, name, album_type, _date(year, dice), 6 + dice % 14, artist.id)


def compilation(rng: random.Random) -> Album:
    """One of the compilations by various artists."""
    name = rng.choice(invented()["compilations"]).format(n=rng.randint(1, 40))
    id_ = spotify_id("compilation", name)
    dice = dice_of("album", id_)
    return Album(id_, name, "compilation", _date(2000 + dice % 20, dice), 20 + dice % 80, VARIOUS.id)


def _date(year: int, dice: int) -> str:
    """A release date by the day mostly, by the year at times, by the month hardly ever."""
    precision, month, day = dice // 7 % 100, 1 + dice // 11 % 12, 1 + dice // 13 % 28
    if precision < 23:
        return f"{year:04d}"
    return f"{year:04d}-{month:02d}" if precision < 25 else f"{year:04d}-{month:02d}-{day:02d}"


def clip(value: float, low: float, high: float) -> float:
    """The value, held between the two."""
    return min(max(value, low), high)

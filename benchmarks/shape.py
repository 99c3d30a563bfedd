"""Invented songs in the shape of the whole MSD: how many artists, and how many songs share a release.

What is assumed, and where that is from:

- 1,000,000 tracks of 44,745 artists: the MSD's own figures (Bertin-Mahieux, Ellis, Whitman, Lamere: "The
  Million Song Dataset", ISMIR 2011, table 1).
- Some 150,000 releases, so 6.7 songs per release: a figure from memory, not counted. The 10,000-song subset
  cannot tell: 2,408 pairs of its songs share artist and release, which in a plain 1 % sample would mean 48
  companions per song, more than an album holds.
- Songs per release: geometric with that mean and at most 20, so that a seventh of the releases have one song
  and half of the songs lie on releases of ten and more. An assumption.
- 5 % of the songs are on compilations of many artists, which are not releases that can be searched for. An
  assumption.
- `song_hotttnesss` is missing for 43 % of the songs and 0 for 14 %, as in the subset; the rest is drawn
  evenly, independently of the release. An assumption, and an unfavourable one.

What of it is on Spotify, and under which names, is up to `music_assets.sandbox.spotify.generator`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SONGS_PER_RELEASE, MOST_SONGS = 6.7, 20
SONGS_PER_ARTIST = 1_000_000 / 44_745
COMPILED = 0.05  # of the songs are on a compilation of many artists
UNKNOWN, COLD = 0.43, 0.14  # of the songs have no `song_hotttnesss`, or 0

_ADJECTIVES = (
    "Amber Hollow Silent Crooked Velvet Burning Distant Paper Winter Golden Broken Electric Lonely Northern "
    "Copper Drowning Early Faded Gentle Hidden Iron Jagged Kindred Lunar Marble Narrow Open Quiet Restless "
    "Sacred Tender Upper Violet Wild Young Secret Bitter Crimson Dusty Endless"
).split()
_NOUNS = (
    "River Lantern Engine Orchard Mirror Harbour Season Letter Shadow Garden Highway Signal Ocean Window "
    "Thunder Kingdom Valley Fever Station Promise Hunter Island Journey Castle Memory Needle Palace Question "
    "Ribbon Statue Temple Umbrella Voyage Whisper Anchor Bridge Candle Desert Feather Machine"
).split()
_PLACES = "of Glass|in Blue|Tonight|at Dawn|Again|for Two|on Fire|to Nowhere|Below|Forever|and Dust|Revisited"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def full_scale(songs: int, seed: int = 0) -> pd.DataFrame:
    """So many songs of that shape, with the columns of `msd.songs` that resolution and the sandbox use."""
    rng = np.random.default_rng(seed)
    sizes = _sizes(songs, rng)
    release = np.repeat(np.arange(len(sizes)), sizes)[:songs]
    artists = max(1, round(songs / SONGS_PER_ARTIST))
    artist = rng.integers(0, artists, len(sizes))[release]
    titles = _names(songs, rng)
    # Titles of a release differ.
    seen: set[tuple[int, str]] = set()
    for place, (of, title) in enumerate(zip(release.tolist(), titles, strict=True)):
        while (of, title) in seen:
            title = titles[place] = f"{title} {_NOUNS[len(seen) % len(_NOUNS)]}"
        seen.add((of, title))
    releases, bands = np.array(_names(len(sizes), rng)), np.array(_bands(artists, rng))
    compiled = rng.random(songs) < COMPILED
    names = np.where(
        compiled, np.char.add("Anthology ", rng.integers(1, 500, songs).astype(str)), releases[release]
    )
    hot = np.where(rng.random(songs) < COLD / (1 - UNKNOWN), 0.0, rng.random(songs))
    order = rng.permutation(songs)
    number = np.arange(songs)
    letters = [f"{_LETTERS[n % 26]}{_LETTERS[n // 26 % 26]}{_LETTERS[n // 676 % 26]}" for n in order]
    return pd.DataFrame(
        {
            "track_id": [f"TR{abc}{n:06d}128F{n % 1000:03d}" for abc, n in zip(letters, order, strict=True)],
            "song_id": [f"SO{abc}{n:06d}12A{n % 10000:04d}" for abc, n in zip(letters, order, strict=True)],
            "title": titles,
            "artist_id": [f"AR{n:07d}1187B9{n % 1000:03d}" for n in artist],
            "artist_name": bands[artist],
            "release": names,
            "duration": np.round(rng.normal(245, 80, songs).clip(30, 1500), 5),
            "year": pd.Series(1960 + release % 50, dtype="Int64").mask(number % 2 == 0),
            "song_hotttnesss": np.where(rng.random(songs) < UNKNOWN, np.nan, hot),
        }
    ).sort_values("track_id", ignore_index=True)


def _sizes(songs: int, rng: np.random.Generator) -> np.ndarray:
    """Songs by release, enough of them. The cap takes from the mean, so a little more is drawn."""
    sizes = np.minimum(rng.geometric(1 / (SONGS_PER_RELEASE * 1.06), songs), MOST_SONGS)
    return sizes[: int(np.searchsorted(sizes.cumsum(), songs)) + 1]


def _names(count: int, rng: np.random.Generator) -> list[str]:
    places = _PLACES.split("|")
    one, two, three = (rng.integers(0, n, count) for n in (len(_ADJECTIVES), len(_NOUNS), 3 * len(places)))
    return [
        f"{_ADJECTIVES[a]} {_NOUNS[b]}" + (f" {places[c]}" if c < len(places) else "")
        for a, b, c in zip(one, two, three, strict=True)
    ]


def _bands(count: int, rng: np.random.Generator) -> list[str]:
    """As many names, no two alike."""
    names = [f"{'The ' if n % 3 == 0 else ''}{name}" for n, name in enumerate(_names(count, rng))]
    return [f"{name} {chr(65 + n % 26)}{n // 26}" for n, name in enumerate(names)]

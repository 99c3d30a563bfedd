"""The sandbox's songs: some 400 tracks of artists that do not exist, with the oddities of the MSD.

Unknown years and places, `_` for commas, versions and guests in titles, several scripts, tracks that share
a song id, artists of two spellings, titles several artists have, a compilation. All follows from the lists
in `sandbox/invented.json`, the same on every machine; `writer` writes the files.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from music_assets.sandbox.invented import invented

T = TypeVar("T")

# The two-letter directories that have songs: neighbours, as in the real subset, so that a letter is a run.
LETTERS = ("AA", "AB", "AC", "AD", "AE", "BA", "BB", "BC", "BD", "BE")
SONGS = 400


class _Artist(NamedTuple):
    """One of `invented()["artists"]`."""

    name: str
    style: str
    location: str | None = None
    place: tuple[float, ...] | None = None  # degrees: latitude, longitude
    other_name: str | None = None  # a second spelling, on some tracks


_COMPILATION = "Night Ferry Sampler Volume 3"


@cache
def _artists() -> list[_Artist]:
    listed = [_Artist(**fields) for fields in invented()["artists"]]
    return [artist._replace(place=artist.place and tuple(artist.place)) for artist in listed]


def sample_songs(letters: Sequence[str] = LETTERS, songs: int = SONGS) -> list[dict[str, Any]]:
    """The songs, in the MSD's field names, by track id, with `terms`, `mbtags` and `similar_artists`.

    They are scattered over `letters`, directories: each has some where there are twice as many songs. None
    stands for what the MSD does not know; durations are seconds.
    """
    made = [_song(number, letters, songs) for number in range(songs)]
    return sorted(made, key=lambda song: str(song["track_id"]))


def _song(number: int, letters: Sequence[str], songs: int) -> dict[str, Any]:
    # The last tracks are earlier songs again: the same song id on another release.
    again = number >= songs - 6
    song = number - songs + 106 if again else number
    artist = _artists()[song % len(_artists())]
    year = _drawn(range(1962, 2011), "year", song)
    return {
        "track_id": _track_id(number, letters),
        "song_id": _id("SO", song),
        "title": _title(song, artist),
        "release": _release(number, artist, again),
        **_artist_fields(artist, song),
        "song_hotttnesss": _share("hot", song, unknown=0.45, zero=0.1),
        "year": None if _chance("no year", song) < 0.5 else year,
        **_analysis(number, song),
        "release_7digitalid": _drawn(range(100_000, 900_000), "release", artist.name),
        "track_7digitalid": _drawn(range(1_000_000, 9_000_000), "track", number),
    }


def _track_id(number: int, letters: Sequence[str]) -> str:
    place = letters[(number + number // len(_artists())) % len(letters)]  # an artist's songs are scattered
    others = "".join(_drawn("ABCDEFGH", "letter", number, i) for i in range(3))
    return f"TR{place}{others}{_hash('track', number)[:11].upper()}"


def _id(kind: str, what: object) -> str:
    return kind + _hash(kind, what)[:16].upper()


def _title(song: int, artist: _Artist) -> str:
    names = invented()
    turn = song // len(_artists())  # 0 for the artist's first song
    own = names["titles_in_other_languages"].get(artist.name, ())
    if turn < len(own):
        title: str = own[turn]
    elif turn == 5 and _chance("shared", song) < 0.5:
        title = _drawn(names["shared_titles"], "shared title", song)
    else:
        opening = _drawn(names["title_openings"], "opening", song)
        noun = _drawn(names["title_nouns"], "middle", song)
        title = f"{opening} {noun}" + _drawn(names["title_endings"], "ending", song)
    oddity = _chance("oddity", song)
    if oddity < 0.12:
        title += _drawn(names["versions"], "version", song)
    elif oddity < 0.17:
        guest = _drawn([other.name for other in _artists() if other is not artist], "guest", song)
        title += _drawn((" (feat. {})", " (Featuring {})", " ft. {}"), "credit", song).format(guest)
    elif oddity < 0.21:
        title = title.replace(" ", "_ ", 1)  # the MSD's comma
    return title


def _release(number: int, artist: _Artist, again: bool) -> str:
    if again:
        return "The Very Best Of " + artist.name
    if _chance("compilation", number) < 0.05:
        return _COMPILATION
    album = _drawn(range(2), "album", number)
    noun = _drawn(invented()["title_nouns"], "album", artist.name, album)
    return f"{noun} {_drawn(('Songs', 'Years', 'Hours'), 'a', album)}"


def _artist_fields(artist: _Artist, song: int) -> dict[str, Any]:
    """What the track's file says of its artist; the same on all its tracks but for the spelling."""
    name = artist.name
    if artist.other_name and _chance("spelling", song) < 0.3:
        name = artist.other_name
    latitude, longitude = artist.place or (None, None)
    unknown = _chance("mbid", artist.name) < 0.1
    return {
        "artist_id": _id("AR", artist.name),
        "artist_name": name,
        "artist_mbid": None if unknown else str(uuid.UUID(_hash("mbid", artist.name)[:32])),
        "artist_location": artist.location,
        "artist_latitude": latitude,
        "artist_longitude": longitude,
        "artist_familiarity": _share("familiar", artist.name),
        "artist_hotttnesss": _share("talked of", artist.name, zero=0.1),
        "artist_7digitalid": None if unknown else _drawn(range(500, 300_000), "7digital", artist.name),
        "artist_playmeid": None if unknown else _drawn(range(500, 90_000), "playme", artist.name),
        "terms": _terms(artist),
        "mbtags": [
            {"tag": term, "count": 1 + _drawn(range(4), "count", artist.name, term)}
            for term in invented()["style_terms"][artist.style][: _drawn(range(4), "mbtags", artist.name)]
        ],
        "similar_artists": [
            _id("AR", other.name)
            for other in _artists()
            if other is not artist and (other.style == artist.style or _chance(other, artist.name) < 0.2)
        ],
    }


def _terms(artist: _Artist) -> list[dict[str, Any]]:
    others = [term for term in invented()["common_terms"] if _chance("term", artist.name, term) < 0.7]
    found = [*invented()["style_terms"][artist.style], *others]
    shares = [(term, place / len(found)) for place, term in enumerate(found)]
    return [
        {"term": term, "frequency": round(1 - 0.7 * share, 6), "weight": round(1 - 0.6 * share, 6)}
        for term, share in shares
    ]


def _analysis(number: int, song: int) -> dict[str, Any]:
    duration = round(80 + 300 * _chance("duration", song) ** 1.5 + 3 * _chance("cut", number), 5)
    return {
        "duration": duration,
        "tempo": round(60 + 140 * _chance("tempo", song), 3),
        "loudness": round(-4 - 20 * _chance("loudness", song), 3),
        "key": _drawn(range(12), "key", song),
        "key_confidence": round(_chance("key?", song), 3),
        "mode": _drawn((0, 1, 1), "mode", song),
        "mode_confidence": round(_chance("mode?", song), 3),
        "time_signature": _drawn((1, 3, 4, 4, 4, 4, 5), "time", song),
        "time_signature_confidence": round(_chance("time?", song), 3),
        "end_of_fade_in": round(2 * _chance("fade in", song), 3) if _chance("fades", song) < 0.6 else 0.0,
        "start_of_fade_out": round(duration * (0.9 + 0.1 * _chance("fade out", song)), 3),
    }


def _share(*what: object, unknown: float = 0.0, zero: float = 0.0) -> float | None:
    """A number between 0 and 1; None or 0.0 with these shares."""
    chance = _chance("share", *what)
    if chance < unknown:
        return None
    return 0.0 if chance < unknown + zero else round(0.2 + 0.7 * _chance(*what), 9)


def _hash(*what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()


def _chance(*what: object) -> float:
    """A number in [0, 1) that looks drawn and is a function of `what`."""
    return int(_hash(*what)[:12], 16) / 16**12


def _drawn(values: Sequence[T], *what: object) -> T:
    return values[int(_chance("drawn", *what) * len(values))]

"""The sandbox's songs: some 400 tracks of artists that do not exist, with the oddities of the MSD.

Here is what the songs are; `writer` writes them as files, and the sandbox's Spotify answers about them.
All is a function of the lists below: the same songs on every machine and in every run.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

# The two-letter directories that have songs: neighbours, as in the real subset, so that a letter is a run.
LETTERS = ("AA", "AB", "AC", "AD", "AE", "BA", "BB", "BC", "BD", "BE")
SONGS = 400


class _Artist(NamedTuple):
    name: str
    style: str
    location: str | None = None
    place: tuple[float, float] | None = None  # degrees: latitude, longitude
    other_name: str | None = None  # a second spelling, on some tracks


_ARTISTS = (
    _Artist("The Tallow Kites", "rock", "Brindlemere", (52.41, -1.78), "Tallow Kites"),
    _Artist("Ottervale & Daughters", "folk", "Port Quillow, NS", (44.71, -63.52)),
    _Artist("Sunniva Drexholm", "electronic", "Vestrevik"),
    _Artist("Los Carameleros Del Humo", "latin", "San Tilbo", (-33.12, -70.88)),
    _Artist("Brass Parsnip", "jazz", "Grellin OH", (40.37, -82.66)),
    _Artist("DJ Plinthwork", "electronic"),
    _Artist("Ensemble Nervaluce", "classical", "Torre Alvesina"),
    _Artist("Múm Skógarljós", "ambient", "Hvalsnesbær", (64.03, -22.71)),
    _Artist("Lady Orrery", "soul", "Cinder Hook, TN", (35.87, -86.11)),
    _Artist("Kapitän Zwölfuhr", "punk", "Unterhagelstedt", None, "Kapitan Zwolfuhr"),
    _Artist("Wren Halloway Quartet", "jazz", "Brindlemere", (52.41, -1.78)),
    _Artist("The Improbable Ferrymen", "rock"),
    _Artist("Aoife Brackenthorne", "folk", "Inishgall"),
    _Artist("Gullible Saints", "punk", "Tarpaulin City", (39.05, -94.31)),
    _Artist("Mister Fathomless", "hip hop", "Cinder Hook_ TN", None, "Mr. Fathomless"),
    _Artist("Zephyrine Oublié", "chanson", "Sainte-Lune-du-Pré", (47.28, 2.93)),
    _Artist("Cobalt Marmalade", "pop"),
    _Artist("Nine Tin Horses", "country", "Dry Fennel, TX", (31.66, -99.42)),
    _Artist("Vinterklokka", "metal", "Nordre Tussvik", (61.12, 9.94)),
    _Artist("Пепельный Трамвай", "rock", "Верхнеозёрово"),
    _Artist("銀紙オーケストラ", "pop", "星ヶ沢"),
    _Artist("Plastic Almanac", "new wave"),
    _Artist("Bartholomew Quince", "blues", "Muddlewater, MS", (33.21, -90.73)),
    _Artist("The Hollow Tangerine", "rock", None, None, "Hollow Tangerine"),
    _Artist("Ixchel Domarán", "latin", "Villa Caudal"),
    _Artist("Static Orchard", "electronic", "Grellin OH", (40.37, -82.66)),
    _Artist("Brother Ambergris", "reggae", "Port Salvo"),
    _Artist("Thimble Riot", "punk"),
    _Artist("Odalys Perrinchief", "soul", "Tarpaulin City", (39.05, -94.31)),
    _Artist("Lumen Et Lupus", "metal"),
    _Artist("Sergeant Cumulus", "pop", "Brindlemere", (52.41, -1.78)),
    _Artist("Fjordlight Committee", "ambient", "Vestrevik"),
    _Artist("Pepperwhistle", "country", "Dry Fennel, TX", (31.66, -99.42)),
    _Artist("Quarrel_ Moss & Vane", "folk", "Port Quillow_ NS"),  # the MSD has _ for a comma
    _Artist("Ravensbeard_ Ilk", "metal", "Unterhagelstedt"),
    _Artist("MC Gazetteer", "hip hop", "Tarpaulin City", (39.05, -94.31)),
    _Artist("Trio Calavernas", "latin", "San Tilbo", (-33.12, -70.88)),
    _Artist("The Paper Zeppelins Of Nod", "rock"),
    _Artist("Isolde Farthingwood", "classical"),
    _Artist("Velour Quarry", "new wave", "Cinder Hook, TN", (35.87, -86.11)),
)

_STYLE_TERMS = {
    "rock": ("rock", "alternative rock", "indie rock", "guitar", "psychedelic rock"),
    "folk": ("folk", "singer-songwriter", "acoustic", "traditional", "celtic"),
    "electronic": ("electronic", "techno", "house", "downtempo", "synthesizer"),
    "latin": ("latin", "bolero", "cumbia", "spanish", "ranchera"),
    "jazz": ("jazz", "hard bop", "swing", "trumpet", "instrumental"),
    "classical": ("classical", "chamber music", "opera", "piano", "baroque"),
    "ambient": ("ambient", "drone", "post rock", "soundscape", "instrumental"),
    "soul": ("soul", "r&b", "funk", "motown", "female vocalist"),
    "punk": ("punk", "hardcore punk", "garage rock", "ska punk", "diy"),
    "hip hop": ("hip hop", "rap", "turntablism", "underground hip hop", "beats"),
    "chanson": ("chanson", "french", "cabaret", "accordion", "vocal"),
    "pop": ("pop", "power pop", "dance pop", "ballad", "piano"),
    "country": ("country", "honky tonk", "bluegrass", "americana", "fiddle"),
    "metal": ("heavy metal", "black metal", "doom metal", "progressive metal", "double bass"),
    "new wave": ("new wave", "synthpop", "post-punk", "80s", "dance"),
    "blues": ("blues", "delta blues", "slide guitar", "harmonica", "electric blues"),
    "reggae": ("reggae", "dub", "roots reggae", "ska", "dancehall"),
}
_COMMON_TERMS = tuple(
    "united states|male|german|european|90s|00s|00s british|cover|live|soundtrack|oldies|beautiful|mellow|"
    "sad|party|summer|melodic|lyrics|political|romantic|dark|energetic|epic|fusion|lo-fi|world|compilation|"
    "experimental|emotional|chill-out|radio|driving|quiet|dance|happy|orchestra|noise".split("|")
)

_OPENINGS = tuple(
    "Borrowed Copper Seventeen Paper Midnight Crooked Marble Faraway Tangled Silver Reluctant Winter "
    "Harvest Glass Velvet Broken Northbound Sleeping Electric Wandering".split()
)
_MIDDLES = tuple(
    "Lighthouse Umbrellas Ladder Weather Harbour Sparrows Engine Orchard Telephone Cathedral Bicycles "
    "Avalanche Carousel Snowfall Machinery Letters Bridges Lullaby Thunder Museum".split()
)
_ENDINGS = ("", "", "", "", " Blues", " For Two", " Of Tomorrow", " And Rain", " At Noon", " No. 2")
_OTHER_TONGUES = {
    "Пепельный Трамвай": ("Медный снегопад", "Вокзал без часов", "Письмо соседу сверху", "Ёлка в июле"),
    "銀紙オーケストラ": ("紙の鯨と眠る", "六月の自動販売機", "銀紙の行進", "さよなら定規"),
    "Zephyrine Oublié": ("L'Été Des Parapluies", "Où Dort Le Funambule", "Déjà La Grêle", "Cœur De Craie"),
    "Kapitän Zwölfuhr": ("Übermorgen Ist Auch Ein Tag", "Käsebrot & Größenwahn", "Fünf Vor Zwölf"),
    "Ixchel Domarán": ("Corazón De Hojalata", "La Última Señal", "Mañana Llueve", "Niño Cometa"),
    "Múm Skógarljós": ("Þokuljós", "Sjö Litlir Steinar", "Hvíti Ásinn"),
}
# Titles several artists have, as they do in life.
_SHARED_TITLES = ("Home Again Tomorrow", "Intro", "Slow Ferry", "All The Same To Me", "Untitled")
_VERSIONS = (
    " (Album Version)",
    " (Live)",
    " (Live At Tilbo Hall)",
    " (Radio Edit)",
    " [Remastered]",
    " (Demo)",
)
_COMPILATION = "Night Ferry Sampler Volume 3"


def sample_songs(letters: Sequence[str] = LETTERS, songs: int = SONGS) -> list[dict[str, Any]]:
    """The songs, in the MSD's field names, by track id, with `terms`, `mbtags` and `similar_artists`.

    They are scattered over `letters`, directories: each has some where there are twice as many songs.
    None stands for what the MSD does not know; durations are seconds. Among them are unknown years
    and places, `_` for commas, versions and guests in titles, several scripts, tracks that share a
    song id, artists of two spellings, titles several artists have, and a compilation.
    """
    made = [_song(number, letters, songs) for number in range(songs)]
    return sorted(made, key=lambda song: str(song["track_id"]))


def _song(number: int, letters: Sequence[str], songs: int) -> dict[str, Any]:
    # The last tracks are earlier songs again: the same song id on another release.
    again = number >= songs - 6
    song = number - songs + 106 if again else number
    artist = _ARTISTS[song % len(_ARTISTS)]
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
    place = letters[(number + number // len(_ARTISTS)) % len(letters)]  # an artist's songs are scattered
    others = "".join(_drawn("ABCDEFGH", "letter", number, i) for i in range(3))
    return f"TR{place}{others}{_hash('track', number)[:11].upper()}"


def _id(kind: str, what: object) -> str:
    return kind + _hash(kind, what)[:16].upper()


def _title(song: int, artist: _Artist) -> str:
    turn = song // len(_ARTISTS)  # the artist's how many-th song it is
    tongue = _OTHER_TONGUES.get(artist.name, ())
    if turn < len(tongue):
        title = tongue[turn]
    elif turn == 5 and _chance("shared", song) < 0.5:
        title = _drawn(_SHARED_TITLES, "shared title", song)
    else:
        title = f"{_drawn(_OPENINGS, 'opening', song)} {_drawn(_MIDDLES, 'middle', song)}"
        title += _drawn(_ENDINGS, "ending", song)
    oddity = _chance("oddity", song)
    if oddity < 0.12:
        title += _drawn(_VERSIONS, "version", song)
    elif oddity < 0.17:
        guest = _drawn([other.name for other in _ARTISTS if other is not artist], "guest", song)
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
    return (
        f"{_drawn(_MIDDLES, 'album', artist.name, album)} {_drawn(('Songs', 'Years', 'Hours'), 'a', album)}"
    )


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
            for term in _STYLE_TERMS[artist.style][: _drawn(range(4), "mbtags", artist.name)]
        ],
        "similar_artists": [
            _id("AR", other.name)
            for other in _ARTISTS
            if other is not artist and (other.style == artist.style or _chance(other, artist.name) < 0.2)
        ],
    }


def _terms(artist: _Artist) -> list[dict[str, Any]]:
    own = _STYLE_TERMS[artist.style]
    others = [term for term in _COMMON_TERMS if _chance("term", artist.name, term) < 0.7]
    found = [*own, *others]
    return [
        {
            "term": term,
            "frequency": round(1 - 0.7 * place / len(found), 6),
            "weight": round(1 - 0.6 * place / len(found), 6),
        }
        for place, term in enumerate(found)
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

"""The queries a song is searched with: at most three variants, the cheapest answer first.

The first is plain words, which find whatever Spotify's field filters find: where they have no hit, no other
variant has. The second has the filters, the third words beside a filter: they are tried only where the hits
so far were all other songs.
What Spotify understands changed in 2026: values in single quotes work, in double quotes they match nothing,
and apostrophes or punctuation inside a filter often find nothing where plain words do; so queries hold none.
Which hit is the song is for `matching` to say.
"""

from __future__ import annotations

import re

WITHOUT_HITS = 1  # variants that are tried where none has a hit: others would find less
MAX_QUERY = 250  # characters; Spotify refuses longer ones with 400
_MAX_VALUE = 100

_APOSTROPHES = re.compile(r"['’‘`´]")
_PUNCTUATION = re.compile(r"[^\w\s]|_")
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
# A guest is named after this word, which may be part of a name: "Little Feat", "10 Ft. Ganja Plant". A comma,
# and the MSD's `_` for one, is as often part of a name: "Tyler, The Creator", "Earth_ Wind & Fire".
_GUEST = r"(?<!\d )\b(?:feat\b\.?|ft\.|featuring\b)(?!\s+of\b)\s*(?=\w)"
_CREDIT = re.compile(rf"\s*(?<!^)[\(\[]?{_GUEST}.*$", re.IGNORECASE)
_JOINT = re.compile(rf"\s+/\s+|\s*;\s*|\s+(?:{_GUEST}|vs\b\.?\s*(?=\w))", re.IGNORECASE)
# A sign that stands for a letter, as in `P!nk` or `Sh*t`: no one knows what the service has in its place.
_VEILED = re.compile(r"\S*[^\W_][!*$@#%]+[^\W_]\S*")
# What an edition is called without being another recording. Spotify words it differently or not at all.
_NEUTRAL = re.compile(
    r"\b(?:(?:album|lp|single|explicit|amended|edited|clean|original|ep)\s+version|album|explicit|clean|edited|"
    r"(?:re)?master(?:ed)?|digital(?:ly)?|bonus|mono|stereo|world|skit)\b",
    re.IGNORECASE,
)
_LIVE = re.compile(r"\blive\b", re.IGNORECASE)


def queries_for(title: str, artist_name: str) -> list[str]:
    """The query variants for a song, in order: plain words, with field filters, words beside a filter.

    An artist's name with a sign for a letter (`P!nk`) may find nothing: then the title's filter comes first.
    None comes twice; each has at most 250 characters. Empty where neither title nor artist has a letter or
    digit.
    """
    song, bare = _words(_title(title)), _BRACKETS.sub(" ", _CREDIT.sub("", title))
    base = _words(bare) or _words(title) or _words(bare, veiled=True)
    artist = _words(main := main_artist(artist_name))
    veiled = "" if artist else _words(main, veiled=True) or _words(artist_name)
    filters = [f"track:'{song}'" if song else "", f"artist:'{artist}'" if artist else ""]
    filtered, plain = " ".join(filter(None, filters)), f"{base} {artist or veiled}"
    variants = (
        *((filtered, plain) if veiled else (plain, filtered)),
        f"{base} artist:'{artist}'" if artist else "",
    )
    queries = (_cut(variant.strip(), MAX_QUERY) for variant in variants)
    return list(dict.fromkeys(query for query in queries if query))


def release_query(artist_name: str, release: str) -> str:
    """The query that finds the tracks of a release."""
    artist, album = _words(main_artist(artist_name)), _words(_title(release)) or _words(release)
    filters = [f"album:'{album}'" if album else "", f"artist:'{artist}'" if artist else ""]
    return _cut(" ".join(filter(None, filters)), MAX_QUERY)


def _title(title: str) -> str:
    """The title without credits and edition names; brackets that tell recordings apart keep their words."""

    def inside(match: re.Match[str]) -> str:
        words = match.group(1) or match.group(2) or ""
        if _LIVE.search(words):  # "Live at …" is "Live", "Live in …" or a date elsewhere
            return " live "
        return " " if _NEUTRAL.search(words) else f" {words} "

    return _BRACKETS.sub(inside, _CREDIT.sub("", title))


def main_artist(artist_name: str) -> str:
    """The first of several credited artists, `Weirdos_ The` turned round, a leading "The" dropped."""
    name = re.sub(r"[_,] the$", "", artist_name.strip(), flags=re.IGNORECASE)
    first = next((part for part in _JOINT.split(name) if _words(part, veiled=True)), name)
    return re.sub(r"^the\s+(?=\w)", "", first.strip(), flags=re.IGNORECASE)


def _words(text: str, *, veiled: bool = False) -> str:
    """The words alone: apostrophes closed up (`Didnt`), every other sign a space.

    Words with a sign for a letter are left out, or, if `veiled`, closed up (`Pnk`).
    """
    text = _VEILED.sub(
        lambda word: _PUNCTUATION.sub("", word[0]) if veiled else " ", _APOSTROPHES.sub("", text)
    )
    return _cut(" ".join(_PUNCTUATION.sub(" ", text).split()), _MAX_VALUE)


def _cut(text: str, length: int) -> str:
    """At most `length` characters, ending with a whole word where there is more than one."""
    if len(text) <= length:
        return text
    return text[: length + 1].rpartition(" ")[0] or text[:length]

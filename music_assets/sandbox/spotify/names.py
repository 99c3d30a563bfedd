"""Names: what their spellings share, what the MSD joined in them, and ids made from them.

These are the world's ways of writing titles and credits, for `generator` to play with; how a matcher reads
them is its own business.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [a + b for a in _BASE62 for b in _BASE62]

BRACKET = re.compile(r"\s*[\(\[]\s*([^()\[\]]*?)\s*[\)\]]")
_EDITION = re.compile(
    r"\b((album|lp|single|ep|explicit|amended|edited|clean)\b.*\bversion|album|explicit|"
    r"(digital(ly)? )?remaster(ed)?)\b",
    re.IGNORECASE,
)
VERSION = re.compile(
    r"\b(live|en vivo|unplugged|remix|mix|acoustic|demo|instrumental|karaoke|edit)\b", re.IGNORECASE
)
_FEAT = re.compile(r"\s*[\(\[]?\b(?:feat\b\.?|ft\.|featuring\b)\s*([^()\[\]]+)[\)\]]?", re.IGNORECASE)
_JOINED = re.compile(r"\s+/\s+|\s*;\s*|,\s+(?!jr\b|sr\b|the$)", re.IGNORECASE)


def spotify_id(*parts: str) -> str:
    """A 22-character base-62 id, like Spotify's, that follows from `parts` alone."""
    number = int.from_bytes(blake2b("\x1f".join(parts).encode(), digest_size=16).digest(), "big")
    digits = []
    for _ in range(11):
        number, pair = divmod(number, 3844)
        digits.append(_PAIRS[pair])
    return "".join(digits)


@lru_cache(65536)
def fold(text: str) -> str:
    """A name reduced to what two spellings of it share: no case, accents, signs or leading "the"."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    words = re.sub(r"[^\w\s]|_", "", "".join(c for c in plain if not unicodedata.combining(c))).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


def split_title(title: str) -> tuple[str, list[str]]:
    """The title without edition names and credits, and who is credited in it."""
    featured = [who for match in _FEAT.finditer(title) if match.start() for who in _names(match[1])]
    bare = _FEAT.sub(lambda m: "" if m.start() else m[0], title)
    bare = BRACKET.sub(lambda m: "" if _EDITION.search(m[1]) and not VERSION.search(m[1]) else m[0], bare)
    return " ".join(bare.split()) or title, featured


def split_artists(artist_name: str) -> list[str]:
    """The artists the MSD joined into one name, the main one first."""
    name = re.sub(r"^(.*), the$", r"The \1", signs(artist_name).strip(), flags=re.IGNORECASE)
    main, *featured = _FEAT.split(name, maxsplit=1)
    names = [part.strip() for part in _JOINED.split(main) if part.strip()] or [name]
    return [*names, *(who for part in featured for who in _names(part))]


def _names(joined: str) -> list[str]:
    return [part.strip() for part in re.split(r",|\s&\s|\sand\s", joined or "") if part.strip()]


def signs(text: str) -> str:
    """The MSD's `_` back to the sign it stands for: a comma before a space, else a slash."""
    return re.sub(r"_(?=\s|$)", ",", text).replace("_", "/")


@lru_cache(4096)
def without_accents(text: str) -> str:
    """The same letters without their accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def dice_of(*parts: str) -> int:
    """A number of 64 bits that follows from `parts` alone."""
    return int.from_bytes(blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "big")

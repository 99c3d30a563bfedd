"""An MSD song's names, spelt as ListenBrainz compares them with Spotify's.

It drops accents, case and signs itself and compares what is left letter by letter; `_` is a letter to it.
So what the MSD writes otherwise than Spotify has to go before: its `_`, an article put last, the names of
editions, all artists but the first.
"""

from __future__ import annotations

import re

_ARTICLE_LAST = re.compile(r"^(.+?)[_,]\s*(the|les|los|die)$", re.IGNORECASE)
_JOINED = re.compile(r"\s+/\s+|\s*;\s*")
_EDITION = re.compile(
    r"\s*[(\[](?:[^()\[\]]*\b(?:album|lp|ep|single|explicit|clean|amended|edited|original)\s+version|"
    r"explicit|clean|(?:digital(?:ly)?\s+)?(?:re)?master(?:ed)?(?:\s+\d{4})?|\d{4}\s+(?:digital\s+)?remaster(?:ed)?)"
    r"[^()\[\]]*[)\]]",
    re.IGNORECASE,
)


def spelt(title: str | None, artist_name: str | None, release: str | None) -> tuple[str, str, str] | None:
    """Artist, release and title to ask with; None where one of them has no letter or digit.

    Editions are taken off title and release alike. Missing texts may be None or NaN, as frames have them.
    """
    artist = _plain(_ARTICLE_LAST.sub(r"\2 \1", _JOINED.split(_text(artist_name).strip())[0]))
    names = (artist, _plain(_without_edition(_text(release))), _plain(_without_edition(_text(title))))
    return names if all(re.search(r"[^\W_]", name) for name in names) else None


def _without_edition(text: str) -> str:
    bare = _EDITION.sub("", text)
    return bare if bare.strip() else text


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

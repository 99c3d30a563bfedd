"""The words the matcher knows, as sets and tables. The words, and what each list means: `vocabulary.toml`.

Not here: the code that reads titles and artists by them (`titles`, `artists`, `normalise`, `markers`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

Phrase = tuple[str, ...]

_FILE: dict[str, Any] = tomllib.loads(files(__package__).joinpath("vocabulary.toml").read_text("utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_FILE[name].split())


def _phrases(listed: str) -> frozenset[Phrase]:
    """The phrases of a comma-separated list, each as its words."""
    return frozenset(tuple(phrase.split()) for phrase in listed.split(","))


def _table(name: str) -> Mapping[str, frozenset[Phrase]]:
    return {kind: _phrases(listed) for kind, listed in _FILE[name].items()}


def _pairs(name: str) -> Mapping[str, str]:
    pairs = (pair.partition("=") for pair in " ".join(_FILE[name].split()).split(", "))
    return {written: meant for written, _, meant in pairs}


def _numbered(words: str, start: int = 1) -> dict[str, int]:
    return {word: value for value, word in enumerate(words.split(), start)}


ARTICLES = _words("articles")
ROMAN = _numbered(_FILE["roman"])
NUMBER_WORDS: Mapping[str, int] = {
    **{word: value for numbers in _FILE["numbers"] for word, value in _numbered(numbers).items()},
    **dict.fromkeys(_words("ones"), 1),
}
TENS = _numbered(_FILE["tens"], start=2)
ORDINALS = _numbered(_FILE["ordinals"])
PART_WORDS = tuple(_FILE["part_words"].split())
COUNTED = _words("counted")
ABBREVIATIONS = _pairs("abbreviations")
RESPELLINGS = _pairs("respellings")
_ENGLISH = {word: str(value) for word, value in _numbered(_FILE["numbers"][0]).items()}
SOUNDS_LIKE = {**_ENGLISH, **_pairs("sounds_like")}

NEUTRAL = _phrases(_FILE["neutral"])
NEUTRAL_ALONE = _phrases(_FILE["neutral_alone"])
ORIGIN = _phrases(_FILE["origin"])
DISTINGUISHING = _table("distinguishing")
DISTINGUISHING_LAST = _pairs("distinguishing_last")
VERSION_PHRASES = frozenset().union(*DISTINGUISHING.values())
VERSION_WORDS = _words("version_words")
VERB_BEFORE_LIVE = _words("verb_before_live")
VERB_AFTER_LIVE = _phrases(_FILE["verb_after_live"])
LANGUAGES = _table("languages")
GENERIC_MARK_WORDS = _words("generic_mark_words")
NO_SONG = _words("no_song")
NO_GUEST_WORDS = tuple(_FILE["no_guest_words"].split())
COMPOSERS = _words("composers")

RELEASE_KINDS = _table("release_kinds")
RELEASE_KINDS_LAST = _pairs("release_kinds_last")
IMPLIED_BY_RELEASE = _words("implied_by_release")
COMPILATION = _phrases(_FILE["compilation"])

FEATURED = tuple(map(str.strip, _FILE["featured"].split(",")))
COPYISTS = _phrases(_FILE["copyists"])
ENSEMBLES = _words("ensembles")
ARTIST_ARTICLES = _words("artist_articles")
RENAMED = _pairs("renamed")

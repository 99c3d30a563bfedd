"""What a bracket's words, or an album's name, tell of the version, by the tables of `vocabulary`.

Not here: finding the brackets (`titles`) and what a difference is worth (`evidence`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from music_assets.matching import vocabulary
from music_assets.matching.normalise import CACHE_SIZE, clean, plain
from music_assets.matching.vocabulary import Phrase


@dataclass(frozen=True, slots=True)
class Marker:
    """A word that makes the recording another one: its kind ("live", "remix", ...), and whose or where."""

    kind: str
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SegmentMeaning:
    """What a bracket means: a version (with its markers), something neutral, or nothing the tables know."""

    kind: Literal["version", "neutral", "unknown"]
    markers: tuple[Marker, ...] = ()


_MEANINGS: dict[Phrase, str] = {
    **dict.fromkeys(vocabulary.NEUTRAL_ALONE, "neutral alone"),
    **dict.fromkeys(vocabulary.NEUTRAL, "neutral"),
    **{phrase: kind for kind, table in vocabulary.DISTINGUISHING.items() for phrase in table},
}
_RELEASE_MEANINGS = {phrase: kind for kind, table in vocabulary.RELEASE_KINDS.items() for phrase in table}
_LONGEST = max(map(len, _MEANINGS))
_LANGUAGE_OF = {word: name for name, words in vocabulary.LANGUAGES.items() for (word,) in words}
_LANGUAGE_WORDS = {"sung", "in", "en", "em", "auf", "po"} | _LANGUAGE_OF.keys()
_PLACE = re.compile(r"\blive (?:at|in|from|au) (.+)$")
_LONGEST_VERB = max(map(len, vocabulary.VERB_AFTER_LIVE))


@lru_cache(maxsize=CACHE_SIZE)
def classify(segment: str, release_words: frozenset[str] = frozenset()) -> SegmentMeaning:
    """Understand a bracket's words. A version named after the words of its release is the release's own."""
    words = plain(segment).split()
    if not words:
        return SegmentMeaning("unknown")
    if any(
        tuple(words[: len(phrase)]) == phrase and len(words) > len(phrase) for phrase in vocabulary.ORIGIN
    ):
        return SegmentMeaning("neutral")
    kinds, neutral, numbers, other = _read(words)
    if other and _LANGUAGE_WORDS.issuperset(other):
        # Nothing but a language: "In Spanish", "French Version", "Spanglish Radio Edit".
        kinds += [_LANGUAGE_OF[word] for word in other if word in _LANGUAGE_OF]
        other = []
    named = frozenset(other).union(numbers) - vocabulary.GENERIC_MARK_WORDS
    if kinds:
        return SegmentMeaning("version", tuple(Marker(kind, named) for kind in dict.fromkeys(kinds)))
    if neutral:
        return SegmentMeaning("neutral")
    is_version = not vocabulary.VERSION_WORDS.isdisjoint(words)
    if is_version and named and not (len(named) > 1 and named <= release_words):
        return SegmentMeaning("version", (Marker("version", named),))
    if is_version or not (other or _numbers_only(words)):
        return SegmentMeaning("neutral")
    return SegmentMeaning("unknown")


@lru_cache(maxsize=CACHE_SIZE)
def release_kinds(release: str | None) -> frozenset[str]:
    """What an album's name tells of everything on it: kinds such as "live", "karaoke", "remix", "demo"."""
    words = plain(clean(release)).split()
    last = vocabulary.RELEASE_KINDS_LAST
    kinds = (_phrase_at(words, start, _RELEASE_MEANINGS, last)[1] for start in range(len(words)))
    return frozenset(filter(None, kinds))


@lru_cache(maxsize=CACHE_SIZE)
def release_place(release: str | None) -> frozenset[str]:
    """Where and when a live album was recorded, by its name: the words after "live at", and years."""
    place = _PLACE.search(plain(clean(release)))
    return frozenset(place[1].split()) - vocabulary.GENERIC_MARK_WORDS if place else frozenset()


def _numbers_only(words: list[str]) -> bool:
    """Whether there is nothing but numbers, and they are no years: "1 - 800 - Harbour", not "(1972)"."""
    return all(word.isdigit() for word in words) and not all(1900 <= int(word) < 2100 for word in words)


def _read(words: list[str]) -> tuple[list[str], bool, list[str], list[str]]:
    """The kinds in the words, whether one is neutral, the numbers, and the words in no table."""
    kinds: list[str] = []
    numbers: list[str] = []
    other: list[str] = []
    neutral = False
    index = 0
    while index < len(words):
        length, meaning = _phrase_at(words, index, _MEANINGS, vocabulary.DISTINGUISHING_LAST)
        if meaning == "edit" and words[index : index + length] == ["radio"] and "live" in kinds:
            meaning = ""  # a place: "Live at Radio City"
        if not meaning:
            other.append(words[index])
        elif meaning == "neutral":
            neutral = True
        else:
            if meaning != "neutral alone":
                kinds.append(meaning)
            # "Take 2" is not "Take 3", and "1999 Live" is not "Live 2004".
            numbers.extend(word for word in words[index : index + length] if word.isdigit())
        index += length
    return kinds, neutral, numbers, other


def _phrase_at(
    words: list[str], index: int, table: Mapping[Phrase, str], last: Mapping[str, str]
) -> tuple[int, str]:
    """The longest phrase of a table at this word: how many words, and its meaning ("" for none). `last` holds
    words that mean something at the end only."""
    if words[index] == "live" and _is_verb(words, index):
        return 1, ""
    for length in range(min(_LONGEST, len(words) - index), 0, -1):
        found = tuple(words[index : index + length])
        meaning = table.get(found) or table.get(tuple("#" if word.isdigit() else word for word in found))
        if meaning:
            return length, meaning
    return 1, last.get(words[index], "") if index == len(words) - 1 else ""


def _is_verb(words: list[str], index: int) -> bool:
    """Whether "live" at this place is the verb, as in "Live and Let Die" or "The Way We Live"."""
    if index and words[index - 1] in vocabulary.VERB_BEFORE_LIVE:
        return True
    after = words[index + 1 : index + 1 + _LONGEST_VERB]
    return any(tuple(after[:length]) in vocabulary.VERB_AFTER_LIVE for length in range(1, len(after) + 1))

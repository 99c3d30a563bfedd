"""Taking a title apart: what the song is called, and what is said of the version.

Belongs here: `parse_title`. Not here: how a bracket's words are understood (`markers`), the words themselves
(`vocabulary`), spelling (`normalise`), and whether two titles agree (`evidence`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from music_assets.matching import vocabulary
from music_assets.matching.markers import Marker, classify
from music_assets.matching.normalise import CACHE_SIZE, clean, normalise, number, plain

_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">", "（": "）", "【": "】", "「": "」"}
_IN_WORD = re.compile(r"(?<=[^\W\d_])[(\[]([^\W\d_]{1,3})[)\]](?=[^\W\d_])")
_DASH = re.compile(r"\s+[-–—~]+\s*(?=\S)|\s*[-–—]\s+(?=[(\[])")
_NUMBER = rf"(?:\d{{1,3}}|[ivx]{{1,5}}|{'|'.join(sorted(vocabulary.NUMBER_WORDS, key=len, reverse=True))})"
_PART = re.compile(
    rf"(?:^|(?<=[\s,:;_(\-–/]))(?:{'|'.join(vocabulary.PART_WORDS)})(?:\.\s*|\s+|(?=\d))#?"
    rf"({_NUMBER}(?:(?:\s*[,_&+/-]\s*|\s+and\s+){_NUMBER})*)(?=\s*(?:$|[.,:;_()\[\]\-–/&\"']|\d))",
    re.IGNORECASE,
)
_SPACED_ROMAN = re.compile(r"(?<=\b[iI]) (?=[iI]\b)")
_GUEST = re.compile(r"[\s_,]+(?:(?:featuring|feat|ft)\s+|(?:feat|ft)\.\s*)(\S.*)$", re.IGNORECASE)
_GUEST_SEGMENT = re.compile(rf"^(?:{'|'.join(vocabulary.FEATURED)})(?:[.:/]\s*|\s+)(\S.*)$", re.IGNORECASE)
_VERSION_AT_END = re.compile(
    r"^(.*\S)\s+(live (?:at|from|@) \S.*|remix|rmx"
    r"|(?:(?:explicit|remastered|live|extended|acoustic|album|lp|radio|single|demo|instrumental) )+"
    r"(?:version|edit|remix|mix))$",
    re.IGNORECASE,
)
_LEADING_BRACKET = re.compile(r"^\s*[(\[][^)\]]*[)\]]\s*(?=\S)")


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart.

    `text` is the title as it came. `base` is the name of the song, normalised, without what follows in
    brackets; `subtitles` are the brackets that say nothing of the version, and `full` is both; `short` is
    the base without a bracket in front. `markers` make it another recording; `dropped` are neutral words
    as they stood ("Album Version"); `featured` the other artists it names; `parts` its part numbers.
    """

    text: str
    base: str
    full: str
    short: str
    subtitles: tuple[str, ...] = ()
    markers: tuple[Marker, ...] = ()
    dropped: tuple[str, ...] = ()
    featured: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its markers."""
        return frozenset(marker.kind for marker in self.markers)

    def without_subtitles(self, known: frozenset[str]) -> Title:
        """The title less the subtitles that hold only known words, as in "Skit (Artist/Album)"."""
        kept = tuple(subtitle for subtitle in self.subtitles if not known.issuperset(subtitle.split()))
        if kept == self.subtitles:
            return self
        gone = tuple(subtitle for subtitle in self.subtitles if subtitle not in kept)
        return replace(self, subtitles=kept, full=" ".join((self.base, *kept)), dropped=self.dropped + gone)


@dataclass(slots=True)
class _Heard:
    """What the segments of a title have said so far."""

    subtitles: list[str] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    featured: list[str] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)


@lru_cache(maxsize=CACHE_SIZE)
def parse_title(title: str | None, release: str | None = None) -> Title:
    """Take a title apart; never raises, and a title that is all version words keeps them as its name.

    `release` is the album it stands on: "(Fear Itself Version)" on "Fear Itself" is only the album's version.
    """
    text = clean(title)
    own = frozenset(plain(clean(release)).split())
    heard = _Heard()
    name, segments = _split(_IN_WORD.sub(lambda match: match[1], text))
    for segment in segments:
        _hear(segment, heard, own)
    name = _hear_end(name, heard, own)
    if not normalise(name):
        # Nothing else to call it: the whole title is a bracket.
        whole = normalise(text)
        return Title(text, whole, whole, whole)
    name = _take_parts(name, heard)
    base = normalise(name)
    subtitles = tuple(filter(None, map(normalise, heard.subtitles)))
    return Title(
        text=text,
        base=base,
        full=" ".join((base, *subtitles)),
        short=normalise(_LEADING_BRACKET.sub("", name)) or base,
        subtitles=subtitles,
        markers=tuple(dict.fromkeys(heard.markers)),
        dropped=tuple(heard.dropped),
        featured=tuple(heard.featured),
        parts=tuple(sorted(set(heard.parts))),
    )


def _split(text: str) -> tuple[str, list[str]]:
    """The name, and the segments beside it: brackets that follow it, and what stands after " - ".

    A bracket in front belongs to the name, and so does what follows a dash without speaking of a version. An
    unclosed bracket ends with the title.
    """
    kept: list[str] = []
    segments: list[str] = []
    closers: list[str] = []
    start = 0
    for index, character in enumerate(text):
        if closers and character == closers[-1]:
            closers.pop()
            if not closers:
                segments.append(text[start:index])
        elif character in _BRACKETS and (closers or "".join(kept).strip(" \"'")):
            if not closers:
                start = index + 1
                kept.append(" ")
            closers.append(_BRACKETS[character])
        elif not closers:
            kept.append(character)
    if closers:
        segments.append(text[start:])
    name, *rest = _DASH.split("".join(kept).strip())
    speaking: list[str] = []
    for piece in rest:
        if _speaks(piece):
            speaking.append(piece)
        elif speaking:
            # What follows a version still speaks of it: "Salt - Live - The Harbour Tapes".
            speaking[-1] = f"{speaking[-1]} - {piece}"
        else:
            name = f"{name} - {piece}"
    segments.extend(speaking)
    return name, [piece for segment in segments for piece in _flatten(segment)]


def _speaks(piece: str) -> bool:
    """Whether what follows a dash speaks of guests, a part or the version, and is no part of the name."""
    if not plain(piece):
        return False
    return bool(_GUEST_SEGMENT.match(piece) or _PART.match(piece)) or classify(piece).kind != "unknown"


def _flatten(segment: str) -> list[str]:
    """A segment and the segments inside it, "feat." apart."""
    inner_at = min((segment.find(opener) for opener in _BRACKETS if opener in segment), default=-1)
    if inner_at >= 0:
        return [*_flatten(segment[:inner_at]), *_flatten(segment[inner_at + 1 :].rstrip(")]}> "))]
    guest = _GUEST.search(segment)
    if guest and guest.start() > 0:
        return [segment[: guest.start()], f"feat. {guest[1]}"]
    return [segment] if segment.strip() else []


def _hear(segment: str, heard: _Heard, own: frozenset[str]) -> None:
    """Put one segment where it belongs."""
    segment = segment.strip()
    said = classify(segment, own)
    guest = _GUEST_SEGMENT.match(segment)
    if guest and (said.kind == "unknown" or _GUEST.match(f" {segment}")):
        heard.featured.append(guest[1])
    elif said.kind == "version":
        heard.markers.extend(said.markers)
    elif said.kind == "neutral":
        heard.dropped.append(segment)
    else:
        rest = _take_parts(segment, heard, whole=True)
        if rest:
            heard.subtitles.append(rest)


def _hear_end(name: str, heard: _Heard, own: frozenset[str]) -> str:
    """Take what stands at the end of the name without a bracket: "feat. X", "Live Version", "Live at X"."""
    guest = _GUEST.search(name)
    if guest and guest.start() > 0:
        heard.featured.append(guest[1])
        name = name[: guest.start()]
    at_end = _VERSION_AT_END.match(name)
    if at_end and classify(at_end[2], own).kind != "unknown":
        _hear(at_end[2], heard, own)
        name = at_end[1]
    return name.strip()


def _take_parts(text: str, heard: _Heard, whole: bool = False) -> str:
    """Take the part numbers out of a text; a name of nothing else stays as it is, a `whole` bracket goes."""
    text = _SPACED_ROMAN.sub("", text)
    for match in _PART.finditer(text):
        numbers = (number(word) for word in re.findall(_NUMBER, match[1], re.IGNORECASE))
        heard.parts.extend(value for value in numbers if value is not None)
    rest = _PART.sub(" ", text)
    return rest.strip() if plain(rest) or whole else text

"""Taking a title apart: what the song is called, and what it tells of the version.

Not here: how a bracket's words are understood (`markers`), spelling (`normalise`), agreement (`evidence`).
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
_LEADING_BRACKET = re.compile(r"^\s*[(\[]([^)\]]*)[)\]][\s:\-–]*(?=\S)")
_NO_GUEST = re.compile(rf"^with\s+(?:\S+\s+)*?(?:{'|'.join(vocabulary.NO_GUEST_WORDS)})\b", re.IGNORECASE)
"""A bracket that goes on "With ..." and names nobody: "(With Flowers In My Hair)"."""
_CATALOGUE = re.compile(
    r"[\s,(_]+((?:BWV|BuxWV|HWV|RV|KV|WoO|TWV|SWV|Hob|Wq|Op|Opus|K(?=\.)|D(?=\.)|S(?=\.))\.?"
    r"\s*(?:[IVX]+:)?\d+[a-z]?(?:/\d+|\s*[,_]?\s*(?:no|nr|#)\.?\s*\d+)?)(?![^\W_])",
    re.IGNORECASE,
)
_COMPOSER = re.compile(r"^([^:\d]{3,40}?)\s*:\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart.

    `text` is the title as it came, `name` what is left of it beside its segments. `base` is the name of the
    song, normalised, without what follows in brackets; `subtitles` are the brackets that tell nothing of the
    version, and `full` is both; `short` is the base without a bracket in front. `markers` make it another
    recording; `dropped` are neutral words as they stood ("Album Version"); `featured` the other artists it
    names; `parts` its part numbers; `catalogue` its numbers in a composer's
    catalogue (570 of "BWV 570"); `composer` what stands before a colon in front, normalised, as a
    composer might; `names_no_song` tells whether many songs are called so ("Intro", "Skit 3").
    """

    text: str
    name: str
    base: str
    full: str
    short: str
    subtitles: tuple[str, ...] = ()
    markers: tuple[Marker, ...] = ()
    dropped: tuple[str, ...] = ()
    featured: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()
    catalogue: frozenset[str] = frozenset()
    composer: str = ""
    names_no_song: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its markers."""
        return frozenset(marker.kind for marker in self.markers)

    @property
    def numbered(self) -> bool:
        """Whether it has a part or a catalogue number."""
        return bool(self.parts or self.catalogue)

    def without_composer(self) -> Title:
        """The title without the name in front of its colon."""
        cut = len(self.composer) + 1
        return replace(self, base=self.base[cut:], full=self.full[cut:], short=self.base[cut:])


@dataclass(slots=True)
class _ParsedSegments:
    """What the segments of a title have added so far."""

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
    parsed = _ParsedSegments()
    name, segments = _split(_IN_WORD.sub(lambda match: match[1], text))
    album = plain(clean(release))
    # A single named after a version of its song, "Salt (Piano Version)", makes nothing its own.
    release_words = frozenset(() if album.startswith(f"{plain(name)} ") else album.split())
    leading = _LEADING_BRACKET.match(name)
    if leading and classify(leading[1]).kind == "version":
        # "[Commentary] Salt" and "(Live) Salt"; "(Don't You) Wander" is a name.
        name = name[leading.end() :]
        segments.append(leading[1])
    for segment in segments:
        _parse_segment(segment, parsed, release_words)
    name = _parse_end(name, parsed, release_words)
    if not normalise(name):
        # Nothing else to call it: the whole title is a bracket.
        whole = normalise(text)
        return Title(text, text, whole, whole, whole, names_no_song=_names_no_song(whole))
    name = _take_parts(name, parsed)
    catalogue = _CATALOGUE.findall(name)
    name = _CATALOGUE.sub("", name) if catalogue else name
    composer = _COMPOSER.match(name)
    base = normalise(name)
    in_front = normalise(composer[1]) if composer else ""
    subtitles = tuple(filter(None, map(normalise, parsed.subtitles)))
    full = " ".join((base, *subtitles))
    return Title(
        text=text,
        name=name,
        base=base,
        full=full,
        short=normalise(_LEADING_BRACKET.sub("", name)) or base,
        subtitles=subtitles,
        markers=tuple(dict.fromkeys(parsed.markers)),
        dropped=tuple(parsed.dropped),
        featured=tuple(parsed.featured),
        parts=tuple(sorted(set(parsed.parts))),
        catalogue=frozenset(re.findall(r"\d+", " ".join(catalogue))),
        composer=in_front if base.startswith(f"{in_front} ") else "",
        names_no_song=_names_no_song(full),
    )


def _names_no_song(full: str) -> bool:
    words = {word for word in full.split(" ") if not word.isdigit()} - {"no", "track"}
    return bool(words) and words <= vocabulary.NO_SONG


def _split(text: str) -> tuple[str, list[str]]:
    """The name, and the segments beside it: brackets that follow it, and what stands after " - ".

    A bracket in front belongs to the name, and so does what follows a dash without telling of a version. An
    unclosed bracket ends with the title.
    """
    outside: list[str] = []
    segments: list[str] = []
    closers: list[str] = []
    start = 0
    for index, character in enumerate(text):
        if closers and character == closers[-1]:
            closers.pop()
            if not closers:
                segments.append(text[start:index])
        elif character in _BRACKETS and (closers or "".join(outside).strip(" \"'")):
            if not closers:
                start = index + 1
                outside.append(" ")
            closers.append(_BRACKETS[character])
        elif not closers:
            outside.append(character)
    if closers:
        segments.append(text[start:])
    name, *rest = _DASH.split("".join(outside).strip())
    annotations: list[str] = []
    for piece in rest:
        if _is_annotation(piece):
            annotations.append(piece)
        elif annotations:
            # What follows a version still tells of it: "Salt - Live - The Harbour Tapes".
            annotations[-1] = f"{annotations[-1]} - {piece}"
        else:
            name = f"{name} - {piece}"
    segments.extend(annotations)
    return name, [piece for segment in segments for piece in _flatten(segment)]


def _is_annotation(piece: str) -> bool:
    """Whether what follows a dash tells of guests, a part or the version, and is not part of the name."""
    if not plain(piece):
        return False
    if _GUEST_SEGMENT.match(piece) or _PART.match(piece) or classify(piece).kind != "unknown":
        return True
    return "/" in piece and all(map(_is_annotation, piece.split("/")))


def _flatten(segment: str) -> list[str]:
    """A segment and the segments inside it, "feat." apart, and "Pt. 1 / Remastered 2002" as the two it is."""
    inner_at = min((segment.find(opener) for opener in _BRACKETS if opener in segment), default=-1)
    if inner_at >= 0:
        return [*_flatten(segment[:inner_at]), *_flatten(segment[inner_at + 1 :].rstrip(")]}> "))]
    guest = _GUEST.search(segment)
    if guest and guest.start() > 0:
        return [*_flatten(segment[: guest.start()]), f"feat. {guest[1]}"]
    pieces = [piece.strip() for piece in segment.split("/")]
    if len(pieces) > 1 and all(_is_annotation(piece) and not piece.isdigit() for piece in pieces):
        return pieces
    return [segment] if segment.strip() else []


def _parse_segment(segment: str, parsed: _ParsedSegments, release_words: frozenset[str]) -> None:
    """Put one segment where it belongs."""
    segment = segment.strip()
    meaning = classify(segment, release_words)
    guest = None if _NO_GUEST.match(segment) else _GUEST_SEGMENT.match(segment)
    if guest and (meaning.kind == "unknown" or _GUEST.match(f" {segment}")):
        parsed.featured.append(guest[1])
    elif meaning.kind == "version":
        parsed.markers.extend(meaning.markers)
    elif meaning.kind == "neutral" and not segment.isdigit():
        parsed.dropped.append(segment)
    else:
        rest = _take_parts(segment, parsed, whole=True)
        if rest:
            parsed.subtitles.append(rest)


def _parse_end(name: str, parsed: _ParsedSegments, release_words: frozenset[str]) -> str:
    """Take what stands at the end of the name without a bracket: "feat. X", "Live Version", "Live at X"."""
    guest = _GUEST.search(name)
    if guest and guest.start() > 0:
        parsed.featured.append(guest[1])
        name = name[: guest.start()]
    at_end = _VERSION_AT_END.match(name)
    if at_end and classify(at_end[2], release_words).kind != "unknown":
        _parse_segment(at_end[2], parsed, release_words)
        name = at_end[1]
    return name.strip()


def _take_parts(text: str, parsed: _ParsedSegments, whole: bool = False) -> str:
    """Take the part numbers out of a text; a name of nothing else stays as it is, a `whole` bracket goes."""
    text = _SPACED_ROMAN.sub("", text)
    for match in _PART.finditer(text):
        numbers = (number(word) for word in re.findall(_NUMBER, match[1], re.IGNORECASE))
        parsed.parts.extend(value for value in numbers if value is not None)
    rest = _PART.sub(" ", text)
    return rest.strip() if plain(rest) or whole else text

"""Taking a title apart: what the song is called, and what is said of the version.

Belongs here: `parse_title`, and `release_marks`, which hears the same words in an album's name. Not here: the
words themselves (`vocabulary`), spelling (`normalise`), and whether two titles agree (`evidence`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from music_assets.matching import vocabulary
from music_assets.matching.normalise import CACHE_SIZE, as_text, normalise, number, plain

_BRACKETS = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "「": "」"}
_IN_WORD = re.compile(r"(?<=[^\W\d_])[(\[]([^\W\d_]{1,3})[)\]](?=[^\W\d_])")
_DASH = re.compile(r"\s+[-–—~]+\s*(?=\S)|\s*[-–—]\s+(?=[(\[])")
_NUMBER = (
    r"(?:\d{1,3}|[ivxIVX]{1,5}|" + "|".join(sorted(vocabulary.NUMBER_WORDS, key=len, reverse=True)) + r")"
)
_PART = re.compile(
    rf"(?:^|(?<=[\s,:;_(\-–/]))(?:{'|'.join(vocabulary.PART_WORDS)})(?:\.\s*|\s+|(?=\d))#?"
    rf"({_NUMBER}(?:(?:\s*[,_&+/-]\s*|\s+and\s+){_NUMBER})*)(?=\s*(?:$|[.,:;_()\[\]\-–/&\"']|\d))",
    re.IGNORECASE,
)
_SPACED_ROMAN = re.compile(r"(?<=[iI]) (?=[iI]\b)")
_FEATURED_INLINE = re.compile(r"[\s_,]+(?:featuring|feat\.?|ft\.?)\s+(\S.*)$", re.IGNORECASE)
_FEATURED_SEGMENT = re.compile(
    rf"^(?:{vocabulary.FEATURED})(?:[.:]\s*|/\s*|\s+)(\S.*)$", re.IGNORECASE | re.DOTALL
)
_INLINE_VERSION = re.compile(
    r"^(.*\S)\s+((?:(?:explicit |remastered |live |extended |single |radio )*(?:album|lp|live|radio|single|extended) (?:version"
    r"|edit|remix|mix))|live (?:at|from|@) \S.*)$",
    re.IGNORECASE,
)
_LIVE_VERB = re.compile(
    r"\b(?:to|i|we|you|they|who|he|she|it|people|dont|cant|will|ill|well|must|can|could|would|let|just|only|long|where"
    r"|how|and|ever|gotta|wanna|gonna|dream|never|not) live\b(?! (?:at|from|in [a-z]+ \d|version))"
    r"|\blive (?:and let|and learn|and die|for|forever|together|alone|free|fast|your|my|our|without|again|life|now"
    r"|love|to|it|up|through|by|like|wire|this|that|with|as|another|long|well|before|a|so|or|off|wild|inside"
    r"|tomorrow|today|while|until|every|each|then|laugh|more|one|me|is|on my|in (?:my|your|me|the moment|a|an|peace|love|sin"
    r"|harmony|dreams?|fear|hope))\b(?! (?:live|tour))"
)
_YEARS_AND_FILLERS = re.compile(
    r"\b(?:\d{1,4}|the|of|a|and|version|in|on|by|for|from|s|th|mix|track|album)\b"
)


def _any(patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{patterns})(?!\w)")


_NEUTRAL = {name: _any(pattern) for name, pattern in vocabulary.NEUTRAL.items()}
_NEUTRAL_WHOLE = re.compile(
    r"(?:(?:\d{1,4}|the|and|version|s|in|with)\b|" + "|".join(vocabulary.NEUTRAL.values()) + r"|\s)+"
)
_NEUTRAL_END = _any(
    rf"(?:{vocabulary.NEUTRAL['album']}|{vocabulary.NEUTRAL['single']}|{vocabulary.NEUTRAL['bonus']}"
    rf"|{vocabulary.NEUTRAL['remaster']})$"
)
_NEUTRAL_ANYWHERE = _any(
    rf"{vocabulary.NEUTRAL['remaster']}|album version|lp version|single version|bonus track|original (?:mix|version)"
)
_MARKS = {name: _any(pattern) for name, pattern in vocabulary.DISTINGUISHING.items()}
_ORIGINAL_MIX = _any(r"(?:the )?original (?:mix|version)|(?:mono|stereo|album|main|lp) mix")
_LANGUAGES = {name: _any(pattern) for name, pattern in vocabulary.LANGUAGES.items()}
_VERSION = _any(vocabulary.VERSION_WORDS)
_IN_LANGUAGE = re.compile(r"\b(?:in|en|em|auf|sung in)\b")


@dataclass(frozen=True, slots=True)
class Marker:
    """A word that makes the recording another one: its kind ("live", "remix", ...) and the words beside it."""

    kind: str
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart.

    `base` is the name of the song, normalised, without subtitles; `full` is the same with them. `markers` make
    it another recording; `dropped` are the neutral words as they stood ("Album Version"); `featured` the
    other artists named in it; `parts` its part numbers.
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


@dataclass(slots=True)
class _Draft:
    """What has been heard while a title is read from its end."""

    leading: list[str] = field(default_factory=list)
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
    text = _IN_WORD.sub(r"\1", as_text(title).strip())
    draft = _Draft()
    own = frozenset(plain(as_text(release)).split())
    body, segments = _split(text)
    for segment in segments:
        _hear(segment, draft, own)
    body = _hear_inline(body, draft, own)
    if not plain(body):
        # Nothing else to call it: "(Live)", "Part 1", "Intro".
        return Title(text, normalise(text), normalise(text), normalise(text), markers=tuple(draft.markers))
    without_parts = _take_parts(body, draft)
    base = normalise(without_parts)
    short = normalise(re.sub(r"^\s*[(\[][^)\]]*[)\]]\s*", "", without_parts)) or base
    subtitles = tuple(filter(None, map(normalise, draft.subtitles)))
    return Title(
        text=text,
        base=base,
        full=" ".join((base, *subtitles)),
        short=short,
        subtitles=subtitles,
        markers=tuple(dict.fromkeys(draft.markers)),
        dropped=tuple(draft.dropped),
        featured=tuple(draft.featured),
        parts=tuple(sorted(set(draft.parts))),
    )


@lru_cache(maxsize=CACHE_SIZE)
def release_marks(release: str | None) -> frozenset[str]:
    """What an album's name says of everything on it: "live", "karaoke", "remix", "acoustic", "demo", ..."""
    words = plain(as_text(release))
    return frozenset(
        kind for kind, pattern in _RELEASE.items() if pattern.search(words) and _is_said(kind, words)
    )


_RELEASE = {
    "live": _any(
        r"live(?!ly)|livetime|en (?:vivo|directo|concert|concierto)|ao vivo|dal vivo|in concert|im konzert|concert"
        r"|(?:bbc|peel|aol|radio|live lounge) sessions?|sessions? ?aol|directo|unplugged|live lounge|bootleg|top gear"
    ),
    "unplugged": _any(r"unplugged"),
    "karaoke": _any(r"karaoke|sing ?along|in the style of|made famous by|performance tracks?"),
    "cover": _any(r"lullaby (?:renditions?|versions?)|instrumental renditions?|ringtones?|music box"),
    "remix": _any(r"re ?mix(?:es|ed|e)?|rmx|(?:dance|club|urban|house|dub) mixes|mixes"),
    "acoustic": _any(r"acoustic|acustico|acoustique|akustik|unplugged"),
    "demo": _any(r"demos?|out ?takes"),
    "instrumental": _any(r"instrumentals?(?: version)?$|instrumental album"),
}


def _is_said(kind: str, words: str) -> bool:
    """Whether a word that is also a verb or a name is meant as a version here."""
    if kind == "live":
        return _live_is_meant(words)
    if kind == "acoustic":
        return not words.startswith("drop it")
    return True


def _live_is_meant(words: str) -> bool:
    """Whether "live" in these words is the performance, not the verb: "Live in Paris", not "Live and Let Die"."""
    return (
        "live" not in words.split() or re.sub(_LIVE_VERB, " ", words) != "" and not _LIVE_VERB.search(words)
    )


def _split(text: str) -> tuple[str, list[str]]:
    """The name and its segments: brackets that follow it, and what stands after " - "."""
    segments: list[str] = []
    kept: list[str] = []
    depth_close: list[str] = []
    start = 0
    for index, character in enumerate(text):
        if depth_close and character == depth_close[-1]:
            depth_close.pop()
            if not depth_close:
                segments.append(text[start:index])
        elif character in _BRACKETS and (depth_close or "".join(kept).strip(" \"'")):
            if not depth_close:
                start = index + 1
            depth_close.append(_BRACKETS[character])
        elif not depth_close:
            kept.append(character)
    if depth_close:
        segments.append(text[start:])
    pieces = _DASH.split("".join(kept).strip())
    name = [pieces[0]]
    for piece in pieces[1:]:
        if plain(piece) and _classify(piece, frozenset())[0] != "subtitle":
            segments.append(piece)
        else:
            name.append(piece)
    return " - ".join(name), [part for segment in segments for part in _flatten(segment)]


def _flatten(segment: str) -> list[str]:
    """A segment and the segments inside it."""
    inner_at = min((segment.find(opener) for opener in _BRACKETS if opener in segment), default=-1)
    if inner_at < 0:
        return [segment]
    outer, inner = segment[:inner_at], segment[inner_at + 1 :]
    return [part for part in (outer, *_flatten(inner.rstrip(")]} "))) if plain(part)]


def _hear(segment: str, draft: _Draft, own: frozenset[str]) -> None:
    """Put one segment where it belongs."""
    kind, markers = _classify(segment, own)
    if kind == "featured":
        match = _FEATURED_SEGMENT.match(segment.strip())
        draft.featured.append(match[1] if match else segment)
    elif kind == "part":
        _take_parts(segment, draft)
    elif kind == "marker":
        inline = _FEATURED_INLINE.search(segment)
        if inline:
            draft.featured.append(inline[1])
        draft.markers.extend(markers)
    elif kind == "neutral":
        draft.dropped.append(segment.strip())
    elif plain(segment) or normalise(segment):
        draft.subtitles.append(segment)


@lru_cache(maxsize=CACHE_SIZE)
def _classify(segment: str, own: frozenset[str]) -> tuple[str, tuple[Marker, ...]]:
    """What a segment is: featured, part, marker, neutral or subtitle; with the markers it holds."""
    stripped = segment.strip()
    if _FEATURED_SEGMENT.match(stripped):
        return "featured", ()
    words = plain(stripped)
    if not words:
        return "subtitle", ()
    if _PART.fullmatch(stripped) or (_PART.match(stripped) and not _marks(words)):
        return "part", ()
    if _NEUTRAL_WHOLE.fullmatch(words):
        return "neutral", ()
    markers = _marks(words)
    if markers:
        return "marker", markers
    if _NEUTRAL_END.search(words) or _NEUTRAL_ANYWHERE.search(words):
        return "neutral", ()
    version = _VERSION.search(words)
    if version:
        named = frozenset(_VERSION.sub(" ", words).split()) - vocabulary.GENERIC_MARK_WORDS
        if named <= own:
            return "neutral", ()
        return "marker", (Marker("version", named),)
    return "subtitle", ()


def _marks(words: str) -> tuple[Marker, ...]:
    """The distinguishing markers in a segment's plain words, each with the words that are not its own."""
    rest = _ORIGINAL_MIX.sub(" ", words)
    found: list[str] = []
    for kind, pattern in _MARKS.items():
        if kind == "live" and not _live_is_meant(rest):
            continue
        if kind == "cover" and words.startswith("cover ") and "version" not in words:
            continue
        taken = pattern.sub(" ", rest)
        if taken != rest:
            found.append(kind)
            rest = taken
    languages = [name for name, pattern in _LANGUAGES.items() if pattern.search(rest)]
    if languages and (
        _VERSION.search(rest) or _IN_LANGUAGE.search(rest) or len(rest.split()) == len(languages) or found
    ):
        found.extend(languages)
    named = frozenset(_NEUTRAL["remaster"].sub(" ", rest).split()) - vocabulary.GENERIC_MARK_WORDS
    return tuple(Marker(kind, named) for kind in found)


def _hear_inline(body: str, draft: _Draft, own: frozenset[str]) -> str:
    """Take what stands at the end of the name without a bracket: "feat. X", "Live Version", "Live at X"."""
    credit = _FEATURED_INLINE.search(body)
    if credit and credit.start() > 0:
        draft.featured.append(credit[1])
        body = body[: credit.start()]
    inline = _INLINE_VERSION.match(body)
    if inline and _live_is_meant(plain(inline[2])):
        _hear(inline[2], draft, own)
        body = inline[1]
    return body.strip()


def _take_parts(text: str, draft: _Draft) -> str:
    """Take the part numbers out of a text; where nothing else would be left, it stays as it is."""
    text = _SPACED_ROMAN.sub("", text) if _PART.search(text) is None or " I I" in text.upper() else text
    matches = list(_PART.finditer(text))
    rest = _PART.sub(" ", text)
    for match in matches:
        for word in re.findall(_NUMBER, match[1], re.IGNORECASE):
            value = number(word)
            if value is not None:
                draft.parts.append(value)
    return rest if plain(rest) else text

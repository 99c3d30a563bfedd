"""The rules that `benchmarks.matching` compares: the matcher's own and simpler ones, as others use them."""

from __future__ import annotations

import re

from anyascii import anyascii
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from music_assets.matching import Candidate, Song, compare, normalise
from music_assets_tests.support.labelled_pairs import Rule


def ours(song: Song, candidate: Candidate) -> bool:
    return compare(song, candidate).accepted


def exact(song: Song, candidate: Candidate) -> bool:
    """Title and artist equal once normalised."""
    return _key(song.title, song.artist_name) == _key(candidate.title, ", ".join(candidate.artist_names))


def _key(title: str | None, artist: str | None) -> tuple[str, str]:
    return normalise(title), normalise(artist)


def ratio(song: Song, candidate: Candidate) -> bool:
    """rapidfuzz's ratio of "artist title" at 92 or more."""
    return plain_ratio(song, candidate) >= 92


def plain_ratio(song: Song, candidate: Candidate) -> float:
    ours = f"{song.artist_name} {song.title}".lower()
    return fuzz.ratio(ours, f"{', '.join(candidate.artist_names)} {candidate.title}".lower())


def ratio_within_3_s(song: Song, candidate: Candidate) -> bool:
    """The same, where lengths are at most 3 s apart or missing."""
    gap = _gap(song, candidate)
    return ratio(song, candidate) and (gap is None or gap <= 3)


def _gap(song: Song, candidate: Candidate) -> float | None:
    both = song.duration and candidate.duration
    return abs((song.duration or 0) - (candidate.duration or 0)) if both else None


def beets(song: Song, candidate: Candidate) -> bool:
    """A distance in the manner of beets, "strong" at 0.04: title 3, artist 2, length 2; brackets weigh
    little."""
    parts = [
        (3.0, _string_distance(song.title or "", candidate.title or "")),
        (2.0, _string_distance(song.artist_name or "", ", ".join(candidate.artist_names))),
    ]
    gap = _gap(song, candidate)
    if gap is not None:
        parts.append((2.0, min(max(gap - 10, 0) / 30, 1.0)))
    return sum(weight * distance for weight, distance in parts) / sum(weight for weight, _ in parts) <= 0.04


# What beets lets weigh little where it makes the difference.
_LIGHT = [
    (r"^the ", 0.1),
    (r"[\[(]?(?:ep|single)[\])]?", 0.0),
    (r"[\[(]?(?:featuring|feat|ft)[. :].+", 0.1),
    (r"\(.*?\)", 0.3),
    (r"\[.*?\]", 0.3),
    (r"(?:, )?(?:pt\.|part) .+", 0.2),
]


def _string_distance(one: str, other: str) -> float:
    one, other = (anyascii(text).lower().strip().replace("&", "and") for text in (one, other))
    penalty, distance = 0.0, _normalised(one, other)
    for pattern, weight in _LIGHT:
        light_one, light_other = re.sub(pattern, "", one), re.sub(pattern, "", other)
        lighter = _normalised(light_one, light_other)
        if lighter < distance:
            penalty += weight * (distance - lighter)
            one, other, distance = light_one, light_other, lighter
    return distance + penalty


def _normalised(one: str, other: str) -> float:
    one, other = re.sub(r"[^a-z0-9]", "", one), re.sub(r"[^a-z0-9]", "", other)
    return Levenshtein.normalized_distance(one, other)


def picard(song: Song, candidate: Candidate) -> bool:
    """Picard's weights at 0.7: title 13, length 10 (nothing left at 30 s), album 5, artist 4, date 4."""
    parts = [
        (13, _similarity(song.title, candidate.title)),
        (4, _similarity(song.artist_name, ", ".join(candidate.artist_names))),
    ]
    gap = _gap(song, candidate)
    if gap is not None:
        parts.append((10, 1 - min(gap, 30) / 30))
    if song.release and candidate.album:
        parts.append((5, _similarity(song.release, candidate.album)))
    if song.year and candidate.release_year:
        parts.append((4, 1.0 if song.year == candidate.release_year else 0.65))
    return sum(weight * value for weight, value in parts) / sum(weight for weight, _ in parts) >= 0.7


def _similarity(one: str | None, other: str | None) -> float:
    return Levenshtein.normalized_similarity((one or "").lower(), (other or "").lower())


def spotify_to_tidal(song: Song, candidate: Candidate) -> bool:
    """spotify_to_tidal's rule: within 2 s, one title in the other, an artist shared, versions agree."""
    gap = _gap(song, candidate)
    one, other = (_simple(title or "") for title in (song.title, candidate.title))
    versions = (
        (word in (song.title or "").lower()) == (word in (candidate.title or "").lower())
        for word in ("instrumental", "acapella", "remix")
    )
    artists = {normalise(name) for name in re.split(r"[,&/;]| feat", song.artist_name or "")}
    theirs = {normalise(name) for text in candidate.artist_names for name in re.split(r"[,&/;]", text)}
    within = gap is None or gap < 2
    return within and (one in other or other in one) and not artists.isdisjoint(theirs) and all(versions)


def _simple(title: str) -> str:
    return normalise(re.split(r"\s-\s|\(|\[", title)[0])


RULES: dict[str, Rule] = {
    "ours": ours,
    "exact, normalised": exact,
    "rapidfuzz ratio >= 92": ratio,
    "the same within 3 s": ratio_within_3_s,
    "beets strong": beets,
    "Picard's weights >= 0.7": picard,
    "spotify_to_tidal": spotify_to_tidal,
}

"""Which MusicBrainz recording a song is, among the candidates of the dump, by names alone.

The matcher's comparisons of title, part, version, artist, guests and release are used, with their weights;
its floor is not, since the dump has no lengths. Candidates come from `music_assets.sources.musicbrainz`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from music_assets.matching import VETO, Candidate, Song, probability, read_credit, weigh
from music_assets.sources.musicbrainz import Recording, WantedSong

# Match weights in bits, set by judgement: an exact title within the artist's id, on another release, has the
# 0.87 that fits the 83 % in which others agree with the mapping of 2016. A link is taken from `FLOOR` on.
PRIOR = {"artist_mbid": 3.0, "name": 2.0, "mapping": 2.0}
MAPPED, MAPPED_OTHERWISE = 3.0, -1.5
FLOOR = 0.6
_ORDER = tuple(PRIOR)
_FOUND_BY = {
    "artist_mbid": "within the artist's MusicBrainz id",
    "name": "by the artist's name",
    "mapping": "named by a mapping of 2016",
}
_EVIDENCE = frozenset({"title", "part", "version", "artist", "guests", "release"})
_METHODS = ("exact", "without version words", "close")


@dataclass(frozen=True)
class Link:
    """The recording that a song is, how it was found, its match probability, what spoke for and against."""

    recording: Recording
    method: str
    score: float
    reasons: tuple[str, ...]


def wanted(song: Mapping[str, Any], recording_mbids: Sequence[str] = ()) -> WantedSong:
    """What is looked for, for a staged MSD song that others say is one of these recordings."""
    name = song["artist_name"]
    names = read_credit((name,)).names if name else ()
    return WantedSong(
        *(song["track_id"], song["song_id"], song["title"], song["artist_mbid"]),
        artist_names=(*names, *filter(None, [name])),
        recording_mbids=tuple(recording_mbids),
    )


def link(song: Mapping[str, Any], candidates: Iterable[Recording]) -> Link | None:
    """The recording of a staged MSD song, None where none is likely.

    One of the artist's id comes before one of its name; of each the likeliest, the exact title, and then the
    most canonical.
    """
    candidates = list(candidates)
    mapped = any(recording.mapped for recording in candidates)
    ours = Song(song["title"], song["artist_name"], song["release"])
    compared = (_compare(ours, recording, mapped) for recording in candidates)
    links = [found for found in compared if found is not None and found.score >= FLOOR]
    return min(links, key=_rank, default=None)


def _rank(found: Link) -> tuple[int, float, int, int, str]:
    kind = next(at for at, method in enumerate(_METHODS) if found.method.endswith(method))
    recording = found.recording
    by = _ORDER.index(recording.found_by)
    return by, -found.score, kind, recording.score, recording.recording_mbid


def _compare(song: Song, recording: Recording, mapped: bool) -> Link | None:
    """The link to one candidate; None where the matcher's evidence vetoes it."""
    other = Candidate("", recording.recording_name, [recording.artist_credit_name], recording.release_name)
    found = weigh(song, other, _EVIDENCE)
    if recording.found_by == "artist_mbid":  # the artist is among those credited, under whatever name
        weight, words = found["artist"]
        renamed = (-0.5, f"credited as '{recording.artist_credit_name}'")
        found["artist"] = renamed if weight <= VETO else (max(weight, -2.0), words)
    if any(weight <= VETO for weight, _ in found.values()):
        return None
    if "release" in found:  # a canonical recording is on other releases too: another one says little
        found["release"] = (max(found["release"][0], -0.3), found["release"][1])
    bits = PRIOR[recording.found_by] + sum(weight for weight, _ in found.values())
    reasons = [_FOUND_BY[recording.found_by], *(words for _, words in found.values())]
    if recording.mapped:
        bits += MAPPED
        reasons += ["a mapping of 2016 agrees"] if recording.found_by != "mapping" else []
    elif mapped:
        bits += MAPPED_OTHERWISE
        reasons.append("a mapping of 2016 names another recording")
    weight, words = found["title"]
    kind = "close" if weight < 0 else "without version words" if "dropping" in words else "exact"
    return Link(recording, f"{recording.found_by} {kind}", round(probability(bits), 4), tuple(reasons))

"""Pairs of an MSD song and a Spotify track that people have labelled: reading them, and counting answers.

Here: what both the tests and the benchmark of the matcher need. The data lies beside the repository.
"""

from __future__ import annotations

import csv
import math
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from music_assets.matching import Candidate, Song

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PAIRS = DATA / "matching_pairs_dev.csv"
CASES = DATA / "matching_cases.csv"
Z = 1.959964

Rule = Callable[[Song, Candidate], bool]


@dataclass(frozen=True)
class LabelledPair:
    """A song, a candidate, and the label: same_recording, other_version, cover or different."""

    song: Song
    candidate: Candidate
    label: str
    why: str

    @property
    def same(self) -> bool:
        return self.label == "same_recording"

    @property
    def has_lengths(self) -> bool:
        return bool(self.song.duration and self.candidate.duration)


@dataclass
class Tally:
    """Right and wrong answers of one rule."""

    accepted_right: int = 0
    accepted_wrong: int = 0
    refused_right: int = 0
    refused_wrong: int = 0

    def add(self, accepted: bool, same: bool) -> None:
        if accepted:
            self.accepted_right += same
            self.accepted_wrong += not same
        else:
            self.refused_right += not same
            self.refused_wrong += same

    @property
    def precision(self) -> tuple[int, int]:
        return self.accepted_right, self.accepted_right + self.accepted_wrong

    @property
    def recall(self) -> tuple[int, int]:
        return self.accepted_right, self.accepted_right + self.refused_wrong


def read_pairs(path: Path) -> list[LabelledPair]:
    """The labelled pairs of a CSV, without the unsure ones. Several Spotify artists are joined by ";"."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] != "unsure"]
    return [
        LabelledPair(
            _song(row),
            Candidate(
                row.get("spotify_id") or row["spotify_uri"],
                row["spotify_title"],
                tuple(name.strip() for name in row["spotify_artist"].split(";")),
                row.get("spotify_album") or None,
                _number(row.get("spotify_duration_s")),
                int(_number(row.get("spotify_year")) or 0) or None,
                row.get("spotify_isrc") or None,
            ),
            row["label"],
            row["why"],
        )
        for row in rows
    ]


def read_cases(path: Path) -> list[tuple[str, Song, Candidate, bool]]:
    """The cases of a CSV: kind, song, candidate, and whether it is to be accepted."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            (
                row["kind"],
                _song(row),
                Candidate(
                    "case",
                    row["spotify_title"],
                    tuple(row["spotify_artists"].split("|")),
                    row["spotify_album"] or None,
                    _number(row["spotify_duration_s"]),
                    int(_number(row["spotify_year"]) or 0) or None,
                ),
                row["expect"] == "accept",
            )
            for row in csv.DictReader(file)
        ]


def without_lengths(pairs: Iterable[LabelledPair]) -> list[LabelledPair]:
    """The same pairs with the lengths withheld."""
    return [
        replace(
            pair,
            song=replace(pair.song, duration=None),
            candidate=replace(pair.candidate, duration=None),
        )
        for pair in pairs
    ]


def tally(rule: Rule, pairs: Iterable[LabelledPair]) -> Tally:
    """What a rule makes of the pairs."""
    counted = Tally()
    for pair in pairs:
        counted.add(rule(pair.song, pair.candidate), pair.same)
    return counted


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    share = right / total
    middle = share + Z * Z / (2 * total)
    half = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    low, high = ((middle + side) / (1 + Z * Z / total) for side in (-half, half))
    return max(low, 0.0), high


def fold_of(pair: LabelledPair, folds: int) -> int:
    """The fold of a pair: all pairs of an artist are in one."""
    words = re.sub(r"[^a-z0-9]", "", (pair.song.artist_name or "").lower())
    return zlib.crc32(words.encode()) % folds


def _song(row: dict[str, str]) -> Song:
    return Song(
        row["msd_title"],
        row["msd_artist"],
        row["msd_release"] or None,
        _number(row.get("msd_duration_s")),
        int(_number(row.get("msd_year")) or 0),
    )


def _number(text: str | None) -> float | None:
    return float(text) if text else None

"""How right and how fast the matcher is, beside simpler rules, on labelled pairs.

    python -m benchmarks.matching --pairs pairs.csv [--json result.json]

The CSV has a row a pair: `msd_artist, msd_title, msd_release, msd_duration_s, msd_year, spotify_uri,
spotify_artist, spotify_title, label, why`, and may have `spotify_duration_s`, `spotify_album`,
`spotify_year`, `spotify_isrc`. `same_recording` is right to accept; `other_version`, `cover` and
`different` are wrong to accept; `unsure` is left out. `why` may begin with where the evidence lies in
brackets, such as "[duration]": pairs whose evidence is only to be heard are reported apart from those it
can be read of.

All rules see the same pairs in the same run. Intervals are Wilson's, 95 %. Speed is the median of several
passes over all pairs, after a first pass that fills the caches, on one core; the first pass is told as well,
as a run over songs never seen before goes at that speed.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from anyascii import anyascii
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from music_assets.matching import Candidate, Song, compare, matcher_version, normalise

Z = 1.959964
NOT_TO_BE_READ = ("duration", "audio")
PASSES = 7


@dataclass(frozen=True)
class LabelledPair:
    """A song, a candidate, whether they are the same recording, and where the evidence for that lies."""

    song: Song
    candidate: Candidate
    same: bool
    label: str
    where: str
    why: str

    @property
    def readable(self) -> bool:
        """Whether title, artist or release tell, as against the sound or the length alone."""
        return self.where not in NOT_TO_BE_READ


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

    @property
    def f1(self) -> float:
        return (
            2
            * self.accepted_right
            / max(2 * self.accepted_right + self.accepted_wrong + self.refused_wrong, 1)
        )

    @property
    def total(self) -> int:
        return self.accepted_right + self.accepted_wrong + self.refused_right + self.refused_wrong


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    share = right / total
    middle = share + Z * Z / (2 * total)
    half = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    return (middle - half) / (1 + Z * Z / total), (middle + half) / (1 + Z * Z / total)


# --- the rules compared -------------------------------------------------------------------------------------


def every_hit(song: Song, candidate: Candidate) -> bool:
    """Take whatever the search returned."""
    return True


def exact(song: Song, candidate: Candidate) -> bool:
    """Title and artist equal once normalised."""
    return _key(song.title, song.artist_name) == _key(candidate.title, ", ".join(candidate.artist_names))


def exact_without_brackets(song: Song, candidate: Candidate) -> bool:
    """Title and artist equal once normalised, whatever the title has in brackets or after " - "."""
    one, other = (
        re.sub(r"\(.*?\)|\[.*?\]| - .*$", "", title or "") for title in (song.title, candidate.title)
    )
    return _key(one, song.artist_name) == _key(other, ", ".join(candidate.artist_names))


def _key(title: str | None, artist: str | None) -> tuple[str, str]:
    return normalise(title), normalise(artist)


def ratio(song: Song, candidate: Candidate) -> bool:
    """rapidfuzz's ratio of "artist title" at 92 or more."""
    return plain_ratio(song, candidate) >= 92


def plain_ratio(song: Song, candidate: Candidate) -> float:
    ours = f"{song.artist_name} {song.title}".lower()
    return fuzz.ratio(ours, f"{', '.join(candidate.artist_names)} {candidate.title}".lower())


def beets_like(song: Song, candidate: Candidate) -> bool:
    """A distance in the manner of beets at 0.1 or less: title 3, artist 2, length 2; brackets weigh
    little."""
    parts = [
        (3.0, _string_distance(song.title or "", candidate.title or "")),
        (2.0, _string_distance(song.artist_name or "", ", ".join(candidate.artist_names))),
    ]
    if song.duration and candidate.duration:
        apart = max(abs(song.duration - candidate.duration) - 10, 0) / 30
        parts.append((2.0, min(apart, 1.0)))
    return sum(weight * distance for weight, distance in parts) / sum(weight for weight, _ in parts) <= 0.1


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


def ours(song: Song, candidate: Candidate) -> bool:
    return compare(song, candidate).accepted


RULES: dict[str, Callable[[Song, Candidate], bool]] = {
    "ours": ours,
    "every hit": every_hit,
    "exact, normalised": exact,
    "exact, no brackets": exact_without_brackets,
    "rapidfuzz ratio >= 92": ratio,
    "beets-like <= 0.1": beets_like,
}


# --- reading and measuring
# -----------------------------------------------------------------------------------


def read_pairs(path: Path) -> list[LabelledPair]:
    """The labelled pairs of a CSV, without the unsure ones."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] != "unsure"]
    return [
        LabelledPair(
            song=Song(
                row["msd_title"],
                row["msd_artist"],
                row["msd_release"],
                _number(row.get("msd_duration_s")),
                int(_number(row.get("msd_year")) or 0),
            ),
            candidate=Candidate(
                row["spotify_uri"],
                row["spotify_title"],
                (row["spotify_artist"],),
                row.get("spotify_album") or None,
                _number(row.get("spotify_duration_s")),
                int(_number(row.get("spotify_year")) or 0) or None,
                row.get("spotify_isrc") or None,
            ),
            same=row["label"] == "same_recording",
            label=row["label"],
            where=where(row["why"]),
            why=row["why"],
        )
        for row in rows
    ]


def where(why: str) -> str:
    """Where the evidence lies: what `why` begins with in brackets, else "text"."""
    match = re.match(r"\[([^\]]+)\]", why)
    return match[1] if match else "text"


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def tally(rule: Callable[[Song, Candidate], bool], pairs: Iterable[LabelledPair]) -> Tally:
    counted = Tally()
    for pair in pairs:
        counted.add(rule(pair.song, pair.candidate), pair.same)
    return counted


def pairs_a_second(
    rule: Callable[[Song, Candidate], object], pairs: list[LabelledPair]
) -> tuple[float, float, float]:
    """Minimum, median and maximum over several passes; each pass goes over the pairs for about a fifth of
    a second."""
    sides = [(pair.song, pair.candidate) for pair in pairs]
    rounds = 1
    speeds: list[float] = []
    while len(speeds) < PASSES:
        start = time.perf_counter()
        for _ in range(rounds):
            for song, candidate in sides:
                rule(song, candidate)
        seconds = time.perf_counter() - start
        if seconds < 0.2:
            rounds *= 2
            continue
        speeds.append(rounds * len(sides) / seconds)
    return min(speeds), statistics.median(speeds), max(speeds)


def reliability(pairs: list[LabelledPair], edges: tuple[float, ...]) -> list[dict[str, float]]:
    """For each bin of scores: how many pairs fall there, and which share of them is the same recording."""
    scored = [(compare(pair.song, pair.candidate).score, pair.same) for pair in pairs]
    bins = []
    for low, high in pairwise(edges):
        inside = [same for score, same in scored if low <= score < high]
        if inside:
            bins.append(
                {"from": low, "to": min(high, 1.0), "pairs": len(inside), "right": sum(inside) / len(inside)}
            )
    return bins


# --- telling
# -------------------------------------------------------------------------------------------------


def share(right: int, total: int) -> str:
    low, high = wilson(right, total)
    return f"{right / total:.3f} [{low:.3f}, {high:.3f}]" if total else "–"


def tell(title: str, pairs: list[LabelledPair]) -> None:
    positives = sum(pair.same for pair in pairs)
    print(f"\n{title}: {len(pairs)} pairs, {positives} the same recording")
    print(f"  {'rule':24}{'precision':24}{'recall':24}F1")
    for name, rule in RULES.items():
        counted = tally(rule, pairs)
        print(f"  {name:24}{share(*counted.precision):24}{share(*counted.recall):24}{counted.f1:.3f}")


def tell_by_kind(pairs: list[LabelledPair]) -> None:
    kinds: dict[tuple[str, str], list[LabelledPair]] = {}
    for pair in pairs:
        kinds.setdefault((pair.where, pair.label), []).append(pair)
    print(f"\nours, by where the evidence lies\n  {'evidence':20}{'label':18}{'pairs':>6}  right")
    for (place, label), members in sorted(kinds.items()):
        counted = tally(ours, members)
        right = counted.accepted_right + counted.refused_right
        print(f"  {place:20}{label:18}{counted.total:>6}  {share(right, counted.total)}")


def tell_errors(pairs: list[LabelledPair]) -> None:
    wrong = [pair for pair in pairs if ours(pair.song, pair.candidate) != pair.same]
    print(f"\nremaining errors: {len(wrong)}")
    for pair in wrong:
        comparison = compare(pair.song, pair.candidate)
        song, candidate = pair.song, pair.candidate
        print(f"  {'missed' if pair.same else 'wrongly accepted'} at {comparison.score}")
        print(f"    MSD      {song.artist_name} | {song.title} | {song.release} | {song.duration} s")
        print(
            f"    Spotify  {', '.join(candidate.artist_names)} | {candidate.title} | {candidate.album or ''}"
        )
        print(f"    reasons  {'; '.join(comparison.reasons)}")
        print(f"    label    {pair.label}: {pair.why}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--pairs", type=Path, required=True, help="CSV of labelled pairs (columns: see this file)"
    )
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    pairs = read_pairs(options.pairs)
    if not pairs:
        print(f"{options.pairs}: no labelled pairs in it", file=sys.stderr)
        return 1
    readable = [pair for pair in pairs if pair.readable]
    began = time.perf_counter()
    for pair in pairs:
        compare(pair.song, pair.candidate)
    first_pass = len(pairs) / (time.perf_counter() - began)
    print(f"matcher {matcher_version()}, Python {sys.version.split()[0]}, {options.pairs.name}")
    tell("evidence that title, artist or release show", readable)
    tell("all pairs", pairs)
    tell_by_kind(pairs)
    bins = reliability(pairs, (0.0, 0.3, 0.5, 0.7, 0.8, 0.87, 0.9, 0.93, 0.96, 0.99, 1.01))
    print("\nreliability: of the pairs with such a score, the share that is the same recording")
    for entry in bins:
        print(f"  {entry['from']:.2f} to {entry['to']:.2f}  {entry['pairs']:>4} pairs  {entry['right']:.3f}")
    tell_errors(pairs)
    print(f"\npairs a second, one core: median [min, max] of {PASSES} passes")
    speeds = {
        "ours": pairs_a_second(compare, pairs),
        "plain rapidfuzz ratio": pairs_a_second(plain_ratio, pairs),
    }
    for name, (low, median, high) in speeds.items():
        print(f"  {name:24}{median:>10,.0f} [{low:,.0f}, {high:,.0f}]")
    print(f"  {'ours, first pass':24}{first_pass:>10,.0f}")
    if options.json:
        figures = {
            "matcher": matcher_version(),
            "rules": {
                subset: {name: vars(tally(rule, members)) for name, rule in RULES.items()}
                for subset, members in (("readable", readable), ("all", pairs))
            },
            "reliability": bins,
            "pairs_a_second": {
                **{name: speed[1] for name, speed in speeds.items()},
                "ours, first pass": first_pass,
            },
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

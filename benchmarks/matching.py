"""How right and how fast the matcher is, beside simpler rules, on labelled pairs.

    python -m benchmarks.matching [--pairs pairs.csv] [--errors] [--json result.json]

The CSV has one row per pair: `msd_artist, msd_title, msd_release, msd_duration_s, msd_year, spotify_artist,
spotify_title, label, why`, and may have `spotify_duration_s, spotify_album, spotify_year, spotify_isrc`.
`same_recording` is right to accept; `other_version`, `cover` and `different` are wrong; `unsure` is left out.

Three views: pairs with lengths, the same with lengths withheld, and pairs for which the source gives none.
All rules see the same pairs in the same run. Intervals are Wilson's, 95 %. Cross-validation is over artists:
floors, and what would recalibrate the score, are chosen on four fifths and judged on the fifth. Speed is the
median of several passes over all pairs, after a first pass that fills the caches, on one core.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.matching_rules import RULES, ours, plain_ratio
from music_assets.matching import Candidate, Song, compare, explain, matcher_version
from music_assets_tests.support.labelled_pairs import (
    PAIRS,
    LabelledPair,
    fold_of,
    read_pairs,
    tally,
    wilson,
    without_lengths,
)

PASSES = 7
FOLDS = 5
EDGES = (0.0, 0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.93, 0.96, 0.98, 1.01)
FLOORS = tuple(step / 100 for step in range(50, 98, 2))
PULL = 4.0  # how strongly slope and intercept are held at 1 and 0: worth some four pairs
PRECISION_WANTED = 0.985


# --- measuring ----------------------------------------------------------------------------------------------


def kind_of(pair: LabelledPair) -> str:
    """What speaks against a pair most: the evidence of the lowest match weight, "nothing" where none does."""
    rows = explain(pair.song, pair.candidate)
    worst = min((row for row in rows if row.level), key=lambda row: row.points)
    return worst.evidence if worst.points < 0 else "nothing"


def chosen_floor(scored: Sequence[tuple[float, bool]]) -> float:
    """The lowest floor whose precision is the one wanted, the highest where none is."""
    for floor in FLOORS:
        right = [same for score, same in scored if score >= floor]
        if right and sum(right) / len(right) >= PRECISION_WANTED:
            return floor
    return FLOORS[-1]


def recalibration(scored: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Slope and intercept that a logistic regression of the labels on the score's log-odds finds; 1 and 0
    for a score that means what it says."""
    slope, intercept = 1.0, 0.0
    points = [(_logit(score), same) for score, same in scored]
    for _ in range(25):
        # One Newton step, with a weak pull towards 1 and 0 for what the pairs do not determine.
        gradient = [PULL * (slope - 1.0), PULL * intercept]
        hessian = [PULL, 0.0, PULL]
        for x, same in points:
            p = _expit(slope * x + intercept)
            gradient[0] += (p - same) * x
            gradient[1] += p - same
            spread = p * (1 - p)
            hessian = [hessian[0] + spread * x * x, hessian[1] + spread * x, hessian[2] + spread]
        determinant = hessian[0] * hessian[2] - hessian[1] ** 2
        steps = (
            (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant,
            (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant,
        )
        slope, intercept = (
            value - max(-0.5, min(step, 0.5)) for value, step in zip((slope, intercept), steps, strict=True)
        )
    return slope, intercept


def _expit(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(log_odds, 50.0))))


def _logit(score: float) -> float:
    score = min(max(score, 1e-4), 1 - 1e-4)
    return math.log(score / (1 - score))


def brier(scored: Sequence[tuple[float, bool]]) -> float:
    return sum((score - same) ** 2 for score, same in scored) / max(len(scored), 1)


def cross_validated(pairs: list[LabelledPair]) -> dict[str, Any]:
    """Floors and recalibration from four fifths of the artists, judged on the fifth."""
    scored = [(fold_of(pair, FOLDS), compare(pair.song, pair.candidate), pair.same) for pair in pairs]
    right = accepted = same_total = 0
    floors, slopes, before, after = [], [], 0.0, 0.0
    for fold in range(FOLDS):
        vetoless = [(c.score if c.score > 0.1 else 0.0, same) for f, c, same in scored if f != fold]
        floor = chosen_floor(vetoless)
        floors.append(floor)
        slope, intercept = recalibration([(c.score, same) for f, c, same in scored if f != fold])
        slopes.append((round(slope, 2), round(intercept, 2)))
        held_out = [(c.score, same) for f, c, same in scored if f == fold]
        accepted += sum(score >= floor for score, _ in held_out)
        right += sum(same for score, same in held_out if score >= floor)
        same_total += sum(same for _, same in held_out)
        again = [(_expit(slope * _logit(score) + intercept), same) for score, same in held_out]
        before += brier(held_out) * len(held_out)
        after += brier(again) * len(held_out)
    return {
        "floors": floors,
        "precision": (right, accepted),
        "recall": (right, same_total),
        "slope and intercept": slopes,
        "Brier score": before / len(pairs),
        "Brier score, recalibrated": after / len(pairs),
    }


def reliability(pairs: list[LabelledPair], edges: tuple[float, ...]) -> list[dict[str, float]]:
    """For each bin of scores: how many pairs fall there, their mean score, and which share of them is the
    same recording."""
    scored = [(compare(pair.song, pair.candidate).score, pair.same) for pair in pairs]
    bins = []
    for low, high in pairwise(edges):
        inside = [(score, same) for score, same in scored if low <= score < high]
        if inside:
            score, right = (sum(values) / len(inside) for values in zip(*inside, strict=True))
            bins.append(
                {"from": low, "to": min(high, 1.0), "pairs": len(inside), "score": score, "right": right}
            )
    return bins


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


# --- printing -----------------------------------------------------------------------------------------------


def share(right: int, total: int) -> str:
    low, high = wilson(right, total)
    return f"{right / total:.3f} [{low:.3f}, {high:.3f}]" if total else "–"


def print_rules(title: str, pairs: list[LabelledPair]) -> None:
    positives = sum(pair.same for pair in pairs)
    print(f"\n{title}: {len(pairs):,} pairs, {positives:,} the same recording")
    print(f"  {'rule':26}{'precision':24}{'recall':24}different accepted")
    for name, rule in RULES.items():
        counted = tally(rule, pairs)
        different = sum(rule(pair.song, pair.candidate) for pair in pairs if pair.label == "different")
        print(f"  {name:26}{share(*counted.precision):24}{share(*counted.recall):24}{different:>6}")


def print_kinds(pairs: list[LabelledPair]) -> None:
    kinds: dict[str, list[LabelledPair]] = {}
    for pair in pairs:
        kinds.setdefault(kind_of(pair), []).append(pair)
    print(
        f"\n  ours, by what speaks against a pair most\n  {'evidence':26}{'precision':24}{'recall':24} pairs"
    )
    for kind, members in sorted(kinds.items()):
        counted = tally(ours, members)
        print(f"  {kind:26}{share(*counted.precision):24}{share(*counted.recall):24}{len(members):>6}")


def print_calibration(pairs: list[LabelledPair]) -> None:
    print("\n  reliability: of the pairs with such a score, the share that is the same recording")
    for entry in reliability(pairs, EDGES):
        bar = "#" * round(40 * entry["right"])
        print(
            f"  {entry['from']:.2f} to {entry['to']:.2f} {entry['pairs']:>6,} pairs"
            f"   score {entry['score']:.3f}   right {entry['right']:.3f} {bar}"
        )
    found = cross_validated(pairs)
    print(f"  cross-validated over artists, floors {found['floors']}:")
    print(f"    precision {share(*found['precision'])}, recall {share(*found['recall'])}")
    print(f"    slope and intercept that would recalibrate: {found['slope and intercept']}")
    print(
        f"    Brier score {found['Brier score']:.4f}, recalibrated {found['Brier score, recalibrated']:.4f}"
    )


def print_errors(pairs: list[LabelledPair]) -> None:
    wrong = [pair for pair in pairs if ours(pair.song, pair.candidate) != pair.same]
    print(f"\n  errors: {len(wrong)}")
    for pair in wrong:
        comparison = compare(pair.song, pair.candidate)
        song, candidate = pair.song, pair.candidate
        names = ", ".join(candidate.artist_names)
        print(f"  {'missed' if pair.same else 'wrongly accepted'} at {comparison.score}")
        print(f"    MSD      {song.artist_name} | {song.title} | {song.release or ''} | {song.duration} s")
        print(f"    Spotify  {names} | {candidate.title} | {candidate.album or ''} | {candidate.duration} s")
        print(f"    reasons  {'; '.join(comparison.reasons)}")
        print(f"    label    {pair.label}: {pair.why}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--pairs", type=Path, default=PAIRS, help="CSV of labelled pairs (columns: see this file)"
    )
    parser.add_argument("--errors", action="store_true", help="write out the pairs that are answered wrongly")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    if not options.pairs.is_file():
        parser.error(f"{options.pairs} does not exist; name a CSV of labelled pairs with --pairs")
    pairs = read_pairs(options.pairs)
    began = time.perf_counter()
    for pair in pairs:
        compare(pair.song, pair.candidate)
    first_pass = len(pairs) / (time.perf_counter() - began)
    timed = [pair for pair in pairs if pair.has_lengths]
    views = {
        "with lengths": timed,
        "lengths withheld": without_lengths(timed),
        "no lengths": [pair for pair in pairs if not pair.has_lengths],
    }
    print(f"matcher {matcher_version()}, Python {sys.version.split()[0]}, {options.pairs.name}")
    for title, members in views.items():
        if members:
            print_rules(title, members)
            print_kinds(members)
            print_calibration(members)
            if options.errors:
                print_errors(members)
    print(f"\npairs per second, one core: median [min, max] of {PASSES} passes")
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
                title: {name: vars(tally(rule, members)) for name, rule in RULES.items()}
                for title, members in views.items()
            },
            "reliability": {title: reliability(members, EDGES) for title, members in views.items()},
            "cross-validated": {
                title: cross_validated(members) for title, members in views.items() if members
            },
            "pairs_a_second": {
                **{name: speed[1] for name, speed in speeds.items()},
                "ours, first pass": first_pass,
            },
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What each figure shows is what pandas computes from the same rows, and what is drawn is what is shown."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from music_assets.matching.evidence import EVIDENCE
from music_assets.report.figures import FIGURES, RELIABILITY, doubts, spearman, wilson
from music_assets_tests.report.conftest import Made

FLOAT = 1e-9


def shown(made: Made, name: str, *keys: str) -> dict[object, tuple[float, ...]]:
    """The rows of a figure by their keys; NULL is None."""
    frame = made.report.frame(name)
    plain = frame.astype(object).where(frame.notna(), None)
    rest = [column for column in plain.columns if column not in keys]
    assert not plain.duplicated(list(keys)).any()
    return {
        (row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys)): tuple(
            row[column] for column in rest
        )
        for row in plain.to_dict("records")
    }


def test_coverage_by_source(made: Made) -> None:
    songs = made.songs
    columns = {
        "matched": "spotify_track_id",
        "popularity": "popularity",
        "spotify_features": "features_source",
        "recordings": "recording_mbid",
        "listens": "listen_count",
        "acousticbrainz_features": "acousticbrainz_tempo",
    }
    expected = {what: (songs[column].notna().sum(), len(songs)) for what, column in columns.items()}
    assert shown(made, "sources", "what") == expected


@pytest.mark.parametrize(
    ("name", "key", "column", "group", "none"),
    [
        ("decades", "decade", "year", lambda year: f"{year // 10 * 10:.0f}s", "no year"),
        ("familiarity", "tenth", "artist_familiarity", lambda value: min(int(value * 10), 9), None),
    ],
)
def test_coverage_by_group(
    made: Made, name: str, key: str, column: str, group: object, none: str | None
) -> None:
    songs: Counter[object] = Counter()
    matched: Counter[object] = Counter()
    recordings: Counter[object] = Counter()
    for row in made.songs.to_dict("records"):
        of = none if pd.isna(row[column]) else group(row[column])  # type: ignore[operator]
        songs[of] += 1
        matched[of] += row["spotify_track_id"] is not None
        recordings[of] += row["recording_mbid"] is not None
    assert none in songs, "songs without a value are counted too"
    assert shown(made, name, key) == {of: (songs[of], matched[of], recordings[of]) for of in songs}


def test_statuses_are_of_all_songs(made: Made) -> None:
    counts = made.songs["match_status"].value_counts()
    assert shown(made, "statuses", "status") == {status: (count,) for status, count in counts.items()}


def test_doubts_are_the_evidence_against_the_best_candidate(made: Made) -> None:
    kinds = {
        "different title": "title",
        "different version": "version",
        "'": "artist",
        "12 s": "duration",
        "3.5 s": "duration",
        "another release": "release",
    }
    expected: Counter[str] = Counter()
    for row in made.songs.to_dict("records"):
        if row["spotify_track_id"] is None:
            for reason in json.loads(row["match_reasons"]):
                expected.update(kind for start, kind in kinds.items() if reason.startswith(start))
    assert shown(made, "doubts", "evidence") == {kind: (count,) for kind, count in expected.items()}


def test_every_level_of_the_evidence_is_known_by_its_words() -> None:
    """Whatever a level's words name, a reason is recognized as what the matcher meant by it."""
    for evidence in EVIDENCE:
        for level in evidence.levels:
            words = re.sub(r"\{[^}]*:\.1f\}", "12.3", re.sub(r"\{[^}]*:\.0f\}", "12", level.words))
            reason = re.sub(r"\{[^}]*\}", "Björk (live), {the} [a.b]*", words)
            found = doubts(pd.DataFrame({"reason": [reason, "no words of ours"], "songs": [3, 5]}))
            expected = [[evidence.name, 3]] if level.weight < 0 else []
            assert found.to_numpy().tolist() == expected, reason


@pytest.mark.parametrize(
    ("name", "column", "least"), [("scores", "match_score", 0), ("margins", "match_margin", 0.3)]
)
def test_histograms(made: Made, name: str, column: str, least: float) -> None:
    songs = made.songs[made.songs["match_score"].astype(float) >= least]
    places = np.minimum((songs[column].astype(float) * 20).astype(int), 19)
    expected = Counter(zip(places, songs["match_status"], strict=True))
    assert shown(made, name, "twentieth", "status") == {key: (count,) for key, count in expected.items()}


@pytest.mark.parametrize(
    ("name", "key", "by", "of", "group"),
    [
        ("listens", "tenth", "song_hotttnesss", "listen_count", lambda x: min(int(x * 10), 9)),
        ("popularity", "tenth", "song_hotttnesss", "popularity", lambda x: min(int(x * 10), 9)),
        ("loudness_spotify", "decibels", "loudness", "spotify_loudness", lambda x: int(x // 3 * 3)),
        (
            "loudness_acousticbrainz",
            "decibels",
            "loudness",
            "acousticbrainz_loudness",
            lambda x: int(x // 3 * 3),
        ),
    ],
)
def test_quartiles_and_correlations(made: Made, name: str, key: str, by: str, of: str, group: object) -> None:
    songs = made.songs[made.songs[of].notna()].astype({by: float, of: float})
    groups = songs[by].map(group, na_action="ignore")  # type: ignore[arg-type]
    found = shown(made, name, key)
    assert len(found) == groups.nunique(dropna=False) > 5
    for at, (count, *quartiles) in found.items():
        values = songs[of][groups.isna() if at is None else groups == at]
        assert count == len(values)
        assert quartiles == pytest.approx(values.quantile([0.25, 0.5, 0.75]).to_list(), rel=FLOAT)
    both = songs[songs[by].notna()]
    ranks = both[[by, of]].rank()
    rho = ranks[by].corr(ranks[of])
    words = next(one.correlation for one in made.report.figures() if one.figure.name == name)
    assert words is not None
    assert words.startswith(f"Spearman's ρ = {rho:.2f} [")
    assert f" {len(both):,} songs" in words


def test_tempo(made: Made) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for row in made.songs.astype(object).to_dict("records"):
        pairs = {
            "acousticbrainz_msd": (row["acousticbrainz_tempo"], row["tempo"]),
            "spotify_msd": (row["spotify_tempo"], row["tempo"]),
            "spotify_acousticbrainz": (row["spotify_tempo"], row["acousticbrainz_tempo"]),
        }
        for pair, (one, other) in pairs.items():
            if one and other and not pd.isna(one) and not pd.isna(other):
                relations = {"same": 1, "double": 2, "half": 0.5}
                near = [words for words, ratio in relations.items() if abs(one / other / ratio - 1) <= 0.04]
                expected[pair, next(iter(near), "other")] += 1
    assert {relation for _, relation in expected} == {"same", "double", "half", "other"}
    assert shown(made, "tempo", "pair", "relation") == {key: (count,) for key, count in expected.items()}


def test_keys(made: Made) -> None:
    names = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]

    def related(one: tuple[int, str], other: tuple[int, str]) -> str:
        """By their notes: a relative has the same ones, a key a fifth apart all but one."""
        if one == other:
            return "same"
        major, minor = [0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]
        notes = [
            {(key + step) % 12 for step in (major if mode == "major" else minor)}
            for key, mode in (one, other)
        ]
        if one[1] == other[1]:
            return "a fifth apart" if len(notes[0] & notes[1]) == 6 else "other"
        return "relative" if notes[0] == notes[1] else "parallel" if one[0] == other[0] else "other"

    expected: Counter[tuple[str, str]] = Counter()
    for row in made.songs.astype(object).to_dict("records"):
        modes = ["minor", "major"]
        msd = (row["key"], modes[row["mode"]])
        acoustic = row["acousticbrainz_key"] and (
            names.index(row["acousticbrainz_key"]),
            row["acousticbrainz_scale"],
        )
        has = row["features_source"] is not None and row["spotify_key"] >= 0
        spotify = (row["spotify_key"], modes[int(row["spotify_mode"])]) if has else None
        for pair, one, other in (
            ("acousticbrainz_msd", msd, acoustic),
            ("spotify_msd", msd, spotify),
            ("spotify_acousticbrainz", acoustic, spotify),
        ):
            if one and other:
                expected[pair, related(one, other)] += 1
    assert len({relation for _, relation in expected}) == 5
    assert shown(made, "keys", "pair", "relation") == {key: (count,) for key, count in expected.items()}


def test_places(made: Made) -> None:
    expected: Counter[tuple[float, float]] = Counter()
    for row in made.rows["analytics.artists"].to_dict("records"):
        at = row["artist_latitude"], row["artist_longitude"]
        if None not in at:
            expected[at[0] // 2 * 2 + 1, at[1] // 2 * 2 + 1] += 1
    assert shown(made, "places", "latitude", "longitude") == {
        key: (count,) for key, count in expected.items()
    }


def test_tags_and_genres_are_those_of_most_artists(made: Made) -> None:
    artists = made.rows["analytics.artists"]
    tags = Counter(one["term"] for terms in artists["terms"] for one in json.loads(terms))
    genres = Counter(one for some in artists["genres"].dropna() for one in json.loads(some))
    for name, key, counts in (("tags", "tag", tags), ("genres", "genre", genres)):
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))[:20]
        assert list(shown(made, name, key).items()) == [(of, (count,)) for of, count in most]


def test_genres_of_songs_are_of_the_companion_set(made: Made) -> None:
    counts = made.rows["companion.songs"]["tagtraum_cd2"].value_counts()
    assert shown(made, "tagtraum", "genre") == {genre: (count,) for genre, count in counts.items()}


def test_what_is_null(made: Made) -> None:
    songs = made.rows["analytics.songs"]
    expected = {column: songs[column].isna().sum() for column in songs if songs[column].isna().any()}
    found = {
        row["column"]: row["NULL"] for rows in made.report.missing.values() for _, row in rows.iterrows()
    }
    assert found == expected
    assert all((rows["why"] != "never").sum() for rows in made.report.missing.values())


@pytest.mark.parametrize(
    "figure", [one for some in FIGURES.values() for one in some], ids=lambda one: one.name
)
def test_every_number_that_is_shown_is_drawn(made: Made, figure: object) -> None:
    """By the words of the marks: each has its values as a label, which a screen reader reads."""
    one = next(one for one in made.report.figures() if one.figure is figure)
    labels = re.findall(r'aria-label="([^"]*)"', one.svg)
    frame = one.frame
    if "relation" in frame:
        drawn = [frame["songs"] / frame.groupby("pair")["songs"].transform("sum")]
    elif "recordings" in frame:
        drawn = [frame["matched"] / frame["songs"], frame["recordings"] / frame["songs"]]
    else:
        drawn = [frame[next(column for column in ("median", "share", "artists", "songs") if column in frame)]]
    numbers = {number for label in labels for number in _numbers(label)}
    for values in drawn:
        assert len(values)
        for value in values.astype(float):
            assert any(number == pytest.approx(value, rel=1e-6, abs=1e-8) for number in numbers), value


def _numbers(label: str) -> list[float]:
    plain = label.replace(",", "").replace("\N{MINUS SIGN}", "-")
    found = re.findall(r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)(%?)", plain)
    return [float(number) / (100 if percent else 1) for number, percent in found]


def test_intervals_are_the_published_ones() -> None:
    """Wilson's: 7 of 10, 0 of 10 and 10 of 10 as in Brown, Cai and DasGupta (2001) and R's prop.test."""
    assert wilson(7, 10) == pytest.approx((0.3968, 0.8922), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


def test_the_interval_of_a_correlation_covers_it_as_often_as_it_says() -> None:
    dice, inside = np.random.default_rng(1), 0
    for _ in range(400):
        pair = dice.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 60).argsort(axis=0).argsort(axis=0)
        rho = float(np.corrcoef(pair.T)[0, 1])
        interval = spearman(rho, 60)
        assert interval is not None
        inside += interval[0] <= 6 / np.pi * np.arcsin(0.6 / 2) <= interval[1]  # Spearman's of a normal pair
    assert 0.92 <= inside / 400 <= 0.98
    assert spearman(1.0, 10) == (1.0, 1.0)
    assert spearman(0.5, 3) is None


def test_what_a_score_means_is_what_the_documentation_measured() -> None:
    text = (Path(__file__).parents[2] / "docs" / "matching.md").read_text(encoding="utf-8")
    cells = [
        line.split("|") for line in text.partition("Reliability:")[2].splitlines() if line.startswith("| ")
    ]
    measured = [
        tuple(
            sum(
                int(found[place].replace(",", ""))
                for one in (row[2], row[4])
                if (found := re.findall(r"[\d,]+", one))
            )
            for place in (0, 1)
        )
        for row in cells[1:]
    ]
    assert measured == [(same, pairs) for _, _, same, pairs in RELIABILITY]

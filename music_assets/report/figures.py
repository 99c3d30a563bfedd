"""The figures of the report, in order: query, title, caption, whose terms, and how it is drawn.

Here as well: what is computed from a query's rows (labels, intervals, kinds of doubt). How charts look is in
`charts`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files

import pandas as pd
from sqlalchemy import Connection

from music_assets.matching.evidence import EVIDENCE
from music_assets.report import charts
from music_assets.tables.columns import CC0, MSD, OURS, SPOTIFY
from music_assets.tables.companion import TAGTRAUM
from music_assets.warehouse.translate import DuckDBQuery

Z = 1.96  # of a normal distribution, for intervals of 95 %

# Of labelled pairs with such a score, how many are the same recording, and how many there are: with lengths
# and where the source gives none, by `python -m benchmarks.matching` (docs/matching.md).
RELIABILITY = [
    (0.0, 0.05, 10, 2281),
    (0.3, 0.5, 4, 12),
    (0.5, 0.7, 9, 22),
    (0.7, 0.8, 5, 5),
    (0.8, 0.9, 18, 19),
    (0.9, 0.96, 63, 64),
    (0.96, 1.0, 1166, 1166),
]
_SOURCES = {
    "matched": "Match on Spotify",
    "popularity": "Popularity, Spotify",
    "spotify_features": "Features, Spotify's scale",
    "recordings": "MusicBrainz recording",
    "listens": "Listens, ListenBrainz",
    "acousticbrainz_features": "Features, AcousticBrainz",
}
_PAIRS = {
    "acousticbrainz_msd": "AcousticBrainz : MSD",
    "spotify_msd": "Spotify's scale : MSD",
    "spotify_acousticbrainz": "Spotify's : AcousticBrainz",
}


def rows(connection: Connection, name: str) -> pd.DataFrame:
    """What the query `name` gives, on either engine."""
    result = connection.execute(DuckDBQuery(sql(name)))
    return pd.DataFrame([tuple(row) for row in result], columns=list(result.keys()))


@cache
def sql(name: str) -> str:
    """The query of a figure or table, as it is written."""
    return files("music_assets.report").joinpath("sql", f"{name}.sql").read_text("utf-8")


@dataclass(frozen=True)
class Figure:
    """One figure: `name` is its query's, `shown` what is computed from its rows, `draw` its chart of that.

    `terms` are whose values it needs, as in the data dictionary. `correlation` names its row in
    `correlations.sql`. Without a query, `shown` gives the rows from an empty frame. `computed` says
    what `shown` computes where that is more than other words, for readers of the page.
    """

    name: str
    title: str
    caption: str
    terms: tuple[str, ...]
    draw: Callable[[pd.DataFrame], charts.Chart]
    shown: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame
    correlation: str | None = None
    has_query: bool = True
    computed: str = ""


def wilson(part: float, whole: float) -> tuple[float, float]:
    """The interval of 95 % of a share, by Wilson (1927); 0 to 1 where there is nothing to go by."""
    if not whole:
        return 0.0, 1.0
    share, spread = part / whole, Z * Z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def spearman(rho: float, songs: int) -> tuple[float, float] | None:
    """The interval of 95 % of a rank correlation, by Bonett and Wright (2000); None below 4 songs."""
    if songs < 4:
        return None
    if abs(rho) >= 1:
        return rho, rho
    half = Z * math.sqrt((1 + rho * rho / 2) / (songs - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def doubts(reasons: pd.DataFrame) -> pd.DataFrame:
    """Songs by the kind of evidence that speaks against their best candidate; other reasons are left out.

    A song has one reason for each kind, so that the songs of its reasons can be added.
    """
    against = reasons.assign(evidence=reasons["reason"].map(_speaks_against)).dropna(subset="evidence")
    counted: pd.DataFrame = against.groupby("evidence")[["songs"]].sum().reset_index()
    return counted.sort_values(["songs", "evidence"], ascending=[False, True], ignore_index=True)


def _speaks_against(reason: str) -> str | None:
    for pattern, evidence, weight in _levels():
        if pattern.fullmatch(reason):
            return evidence if weight < 0 else None
    return None


@cache
def _levels() -> list[tuple[re.Pattern[str], str, float]]:
    """A pattern of the words of each level of the matcher's evidence, in its order."""
    found = []
    for evidence in EVIDENCE:
        for level in evidence.levels:
            words = re.split(r"\{[^}]*?(:[^}]*)?\}", level.words)
            fixed, formats = words[::2], words[1::2]
            named = [{":.1f": r"\d+\.\d", ":.0f": r"\d+"}.get(one or "", ".+") for one in formats]
            pattern = "".join(re.escape(text) + gap for text, gap in zip(fixed, [*named, ""], strict=True))
            found.append((re.compile(pattern, re.S), evidence.name, level.weight))
    return found


def reliability() -> pd.DataFrame:
    """What a score means on labelled pairs: the share that is the same recording, with its interval."""
    frame = pd.DataFrame(RELIABILITY, columns=["from", "to", "same", "pairs"])
    intervals = [wilson(same, pairs) for _, _, same, pairs in RELIABILITY]
    frame["share"] = frame["same"] / frame["pairs"]
    frame["lower"], frame["upper"] = zip(*intervals, strict=True)
    return frame


def _of(part: float, whole: float) -> str:
    return f"{part:,.0f} ({part / whole:.1%})" if whole else "0"


def _tenths(low: float) -> str:
    return "unknown" if pd.isna(low) else f"{low / 10:.1f}–{(low + 1) / 10:.1f}"


def _decade(year: float) -> str:
    return "no year" if pd.isna(year) else f"{year:.0f}s"


def _decibels(low: float) -> str:
    return f"{low:.0f} to {low + 3:.0f} dB"


def _grouped(frame: pd.DataFrame, column: str, words: Callable[[float], str]) -> pd.DataFrame:
    """The frame with a `group`: the column in words, and of how many songs."""
    names = [f"{words(low)} ({songs:,})" for low, songs in zip(frame[column], frame["songs"], strict=True)]
    return frame.assign(group=names)


def _shares(frame: pd.DataFrame, column: str, words: Callable[[float], str]) -> charts.Chart:
    named = {"matched": "match on Spotify", "recordings": "MusicBrainz recording"}
    return charts.shares(_grouped(frame, column, words).rename(columns=named), "group", list(named.values()))


def _quartiles(
    frame: pd.DataFrame, column: str, words: Callable[[float], str], title: str, *, symlog: bool = False
) -> charts.Chart:
    return charts.quartiles(_grouped(frame, column, words), "group", title, symlog=symlog)


def _parts(frame: pd.DataFrame, order: list[str]) -> charts.Chart:
    songs = frame.groupby("pair")["songs"].sum()
    names = frame["pair"].map(lambda pair: f"{_PAIRS[pair]} ({songs[pair]:,})")
    return charts.parts(frame.assign(group=names), "group", order)


def _counts(frame: pd.DataFrame, name: str, value: str, whole: float | None = None) -> charts.Chart:
    """Bars with their counts and, where they are parts of a whole, their shares of it."""
    words = [_of(one, whole) if whole else f"{one:,}" for one in frame[value]]
    return charts.bars(frame.assign(label=words), name, value, "label")


def _sources(frame: pd.DataFrame) -> charts.Chart:
    songs = frame["all_songs"].max() if len(frame) else 0
    return _counts(frame.assign(name=frame["what"].map(_SOURCES)), "name", "songs", songs)


FIGURES: dict[str, list[Figure]] = {
    "Coverage": [
        Figure(
            "sources",
            "Coverage by source",
            "Songs with a value of each source.",
            (MSD, CC0, OURS),
            _sources,
        ),
        Figure(
            "decades",
            "Coverage by decade",
            "Share of the songs of each decade of the MSD's year (in brackets: how many songs).",
            (MSD, CC0, OURS),
            partial(_shares, column="decade", words=str),
            lambda frame: frame.assign(decade=frame["decade"].map(_decade)),
        ),
        Figure(
            "familiarity",
            "Coverage by familiarity",
            "Share of the songs by their artist's familiarity, as The Echo Nest had it in 2010.",
            (MSD, CC0, OURS),
            partial(_shares, column="tenth", words=_tenths),
        ),
        Figure(
            "statuses",
            "What became of each song",
            "Songs by status: matched; ambiguous, as two recordings come too close or the best is not sure; "
            "below_floor, as no candidate is likely; no_candidates; pending, not searched for yet; rejected, "
            "by hand.",
            (MSD, OURS),
            lambda frame: _counts(frame, "status", "songs", frame["songs"].sum()),
        ),
        Figure(
            "doubts",
            "Why songs have no match",
            "Songs without a match that have a candidate, by the kinds of evidence that speak against the "
            "best one; a song may have several.",
            (MSD, OURS),
            lambda frame: _counts(frame, "evidence", "songs"),
            doubts,
            computed="The query gives the reasons in the matcher's words. Here they are added by the kind of "
            "evidence that they are of (docs/matching.md), without those that do not speak against a match.",
        ),
    ],
    "Matching": [
        Figure(
            "scores",
            "Scores",
            "Match probability of the best candidate of each song that has one (square-root "
            "scale; bars of one place stand behind each other).",
            (MSD, OURS),
            partial(charts.histogram, title="match probability"),
        ),
        Figure(
            "margins",
            "Margins",
            "Lead of the best candidate over the next recording, where it has a probability of at least 0.3 "
            "(scale and bars as above).",
            (MSD, OURS),
            partial(charts.histogram, title="margin"),
        ),
        Figure(
            "reliability",
            "What a score means",
            "Labelled pairs of a song and a track, by score: the share that is the same recording, with "
            "intervals of 95 % (Wilson). Measured once, not on this data: docs/matching.md.",
            (OURS,),
            lambda frame: charts.reliability(frame.assign(middle=(frame["from"] + frame["to"]) / 2)),
            lambda _: reliability(),
            has_query=False,
        ),
    ],
    "Popularity": [
        Figure(
            "listens",
            "Listens today, by song_hotttnesss",
            "Listens that ListenBrainz counts (median and quartiles), by the MSD's song_hotttnesss of 2010.",
            (MSD, CC0),
            partial(_quartiles, column="tenth", words=_tenths, title="listens", symlog=True),
            correlation="listens",
        ),
        Figure(
            "popularity",
            "Spotify's popularity, by song_hotttnesss",
            "Spotify's popularity of the matched track (median and quartiles), by the MSD's song_hotttnesss "
            "of 2010.",
            (MSD, SPOTIFY),
            partial(_quartiles, column="tenth", words=_tenths, title="popularity, 0 to 100"),
            correlation="popularity",
        ),
    ],
    "Audio": [
        Figure(
            "tempo",
            "Tempo",
            "Tempo of the first source against the second's, within 4 %: the same, double or half (Gouyon et "
            "al. 2006), or another.",
            (MSD, CC0, SPOTIFY),
            partial(_parts, order=["same", "double", "half", "other"]),
        ),
        Figure(
            "keys",
            "Key",
            "Key and mode of two sources, by the relations of MIREX' audio key detection; whatever the "
            "confidence.",
            (MSD, CC0, SPOTIFY),
            partial(_parts, order=["same", "a fifth apart", "relative", "parallel", "other"]),
        ),
        Figure(
            "loudness_spotify",
            "Loudness on Spotify's scale",
            "Loudness on Spotify's scale (median and quartiles), by the MSD's.",
            (MSD, SPOTIFY),
            partial(_quartiles, column="decibels", words=_decibels, title="loudness, dB"),
            correlation="loudness_spotify",
        ),
        Figure(
            "loudness_acousticbrainz",
            "Loudness of AcousticBrainz",
            "Average loudness of AcousticBrainz (0 to 1; median and quartiles), by the MSD's loudness.",
            (MSD, CC0),
            partial(_quartiles, column="decibels", words=_decibels, title="average loudness"),
            correlation="loudness_acousticbrainz",
        ),
    ],
    "Artists": [
        Figure(
            "places",
            "Where artists are from",
            "Artists with coordinates in the MSD, by squares of two degrees.",
            (MSD,),
            charts.world,
        ),
        Figure(
            "tags",
            "Tags",
            "The 20 tags (terms) that most artists have in the MSD.",
            (MSD,),
            lambda frame: _counts(frame, "tag", "artists"),
        ),
        Figure(
            "tagtraum",
            "Genres of songs",
            "Songs by genre, of those that tagtraum's annotations (CD2) have; where that set is in use.",
            (TAGTRAUM,),
            lambda frame: _counts(frame, "genre", "songs"),
        ),
        Figure(
            "genres",
            "Genres of artists",
            "The 20 genres that most artists have on Spotify.",
            (SPOTIFY,),
            lambda frame: _counts(frame, "genre", "artists"),
        ),
    ],
}

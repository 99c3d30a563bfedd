"""What asking will take, said before a request is spent: requests by strategy, and what the first bring.

Expectations, reckoned from how many songs each release has and from `chances` (guesses, until a run has
counted). Asking itself is in `asker`, which chooses by the same chances as it goes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from math import ceil, comb
from pathlib import Path

from music_assets.resolution.chances import Chances

EXAMPLE_PER_DAY = 200  # what some have reported of an individual's app; Spotify publishes no number
SHARES = (0.10, 0.25, 0.50, 0.75, 0.90, 1.0)
# The share of the MSD's songs that a source knows. The archive's own account has some 700,000 of a million
# songs with an id of Spotify's; ListenBrainz' share is assumed.
COVERAGE: Mapping[str, float] = {"echonest": 0.7, "listenbrainz": 0.5}
_BATCHES = {"development": (1.0, 1.0), "extended": (1 / 20, 1 / 50)}  # requests for an album, for a track


@dataclass(frozen=True)
class Strategy:
    """One way of asking about all songs, and the requests it is expected to take."""

    name: str
    mode: str
    requests: int

    def days(self, per_day: int) -> int:
        """How many days that takes at so many requests a day."""
        return ceil(self.requests / per_day)


@dataclass(frozen=True)
class Plan:
    """What asking about these songs will take.

    `curve` holds, for shares of the requests of the chosen strategy, the requests and the songs settled by
    them where the most telling questions go first; `telling` is the point after which each further request
    is a search for one song.
    """

    songs: int
    sizes: Mapping[int, int]
    strategies: Sequence[Strategy]
    chosen: Strategy
    curve: Sequence[tuple[float, int, int]]
    telling: tuple[int, int]
    per_day: int | None
    assumptions: Sequence[str] = field(default_factory=tuple)

    @property
    def releases(self) -> int:
        return sum(self.sizes.values())

    def as_markdown(self) -> str:
        """As a Markdown table with bars, for the UI."""
        if not self.songs:
            return "No song is to be asked about."
        lines = [
            f"{self.songs:,} songs on {self.releases:,} releases, {self.songs / self.releases:.2f} on each.",
            "",
            "| strategy | access | requests | a song | days |",
            "| :--- | :--- | ---: | ---: | :--- |",
        ]
        for one in self.strategies:
            sign = " (as set)" if one == self.chosen else ""
            a_song = one.requests / self.songs
            lines.append(
                f"| {one.name}{sign} | {one.mode} | {one.requests:,} | {a_song:.2f} | {self.days(one)} |"
            )
        lines += ["", "| requests | songs settled | |", "| ---: | ---: | :--- |"]
        for share, requests, songs in self.curve:
            bar = "█" * round(20 * songs / self.songs)
            lines.append(f"| {requests:,} ({share:.0%}) | {songs:,} ({songs / self.songs:.0%}) | {bar} |")
        lines += ["", self.point, "", *(f"- {said}" for said in self.assumptions)]
        return "\n".join(lines)

    def days(self, strategy: Strategy) -> str:
        """The days a strategy takes, in words."""
        example = f"{strategy.days(EXAMPLE_PER_DAY):,} at {EXAMPLE_PER_DAY:,} a day"
        if self.per_day is None or self.per_day == EXAMPLE_PER_DAY:
            return example
        return f"{strategy.days(self.per_day):,} at {self.per_day:,} a day, {example}"

    @property
    def point(self) -> str:
        """After how many requests further ones bring little, in words."""
        requests, songs = self.telling
        if not requests:
            return "Each request brings one song from the first on: no release has several songs."
        return (
            f"After {requests:,} requests ({songs:,} songs) each further one is a search for a single song."
        )


def make_plan(
    sizes: Mapping[int, int],
    *,
    chances: Chances | None = None,
    ladder: int = 2,
    by_release: bool = True,
    sources: Sequence[str] = (),
    verify: bool = True,
    mode: str = "development",
    per_day: int | None = None,
) -> Plan:
    """The plan for releases by their size: `sizes` says how many releases have how many songs to ask about.

    `ladder` is how many wordings are tried for a song, `sources` where ids are known from beside Spotify,
    `verify` whether those are verified by a request; `by_release`, `sources` and `mode` choose the strategy.
    """
    chances = chances or Chances()
    strategies = []
    chosen = None
    for access in _BATCHES:
        for known in (
            (),
            *((source,) for source in sources),
            *((tuple(sources),) if len(sources) > 1 else ()),
        ):
            for whole in (False, True):
                if known and whole != by_release:
                    continue
                reckoned = _Reckoning(chances, ladder, whole, known, verify, access)
                requests = ceil(sum(count * sum(reckoned.release(n)[::2]) for n, count in sizes.items()))
                name = "by release" if whole else "search only"
                one = Strategy(" and ".join([name, *known]), access, requests)
                strategies.append(one)
                if access == mode and known == tuple(sources) and whole == by_release:
                    chosen, reckoning = one, reckoned
    assert chosen is not None
    curve, telling = _curve(sizes, reckoning)
    return Plan(
        songs=sum(n * count for n, count in sizes.items()),
        sizes=dict(sizes),
        strategies=strategies,
        chosen=chosen,
        curve=curve,
        telling=telling,
        per_day=per_day,
        assumptions=_assumptions(chances, ladder, sources),
    )


class _Reckoning:
    """What one strategy is expected to take for a release of so many songs."""

    def __init__(
        self, chances: Chances, ladder: int, whole: bool, sources: Sequence[str], verify: bool, mode: str
    ) -> None:
        self._chances = chances
        self._whole = whole
        self._album, track = _BATCHES[mode]
        # A song that is not found by one wording takes the next.
        self._search = 1 + (1 - chances.of("search matches")) * (ladder - 1)
        self._known, self._verifying = 0.0, 0.0  # a song's share settled by an id, and requests for that
        for source in sources:
            cost = track if verify else 0.0
            if cost and chances.ids(source, cost=cost) <= chances.search():
                continue  # where a search costs no more it is not worth it
            left = (1 - self._known) * COVERAGE[source]
            self._verifying += left * cost
            self._known += left * chances.of(source)
        self.release = cache(self._release)

    def _release(self, songs: int) -> tuple[float, float, float]:
        """Requests for what settles several songs, songs settled by it, requests for the rest one by one."""
        first, settled, rest = songs * self._verifying, songs * self._known, 0.0
        for left in range(1, songs + 1):
            share = comb(songs, left) * (1 - self._known) ** left * self._known ** (songs - left)
            together, by_it = self._together(left)
            first += share * together
            settled += share * by_it
            rest += share * (left - by_it) * self._search
        return first, settled, rest

    def _together(self, songs: int) -> tuple[float, float]:
        """Requests that settle several of so many songs of a release, and the songs they settle."""
        chances, album = self._chances, self._album
        if not self._whole or songs < 2:
            return 0.0, 0.0
        by_song = chances.release_by_song(songs, cost=album)
        if chances.release(songs) > max(chances.search(), by_song):
            requests, settled, named, kind = 1.0, chances.release(songs), 1.0, "rest of album"
        elif by_song > chances.search():
            named = chances.of("search matches") * chances.of("hit names the release")
            requests, settled, kind = self._search, 1.0, "same album"
        else:
            return 0.0, 0.0
        left = songs - settled
        if left > 0 and chances.album(ceil(left), kind, cost=album) > chances.search():
            requests += named * album
            settled += named * left * chances.of(kind)
        return requests, settled


def _curve(
    sizes: Mapping[int, int], reckoning: _Reckoning
) -> tuple[list[tuple[float, int, int]], tuple[int, int]]:
    """Songs settled by shares of the requests, the most telling first; where single searches begin."""
    parts = []  # requests and songs of each kind of question
    alone = [0.0, 0.0]
    for songs, count in sizes.items():
        first, settled, rest = reckoning.release(songs)
        if settled:
            parts.append((count * first, count * settled))
        alone[0] += count * rest
        alone[1] += count * (songs - settled)
    parts.sort(key=lambda part: part[0] / part[1])
    telling = (round(sum(part[0] for part in parts)), round(sum(part[1] for part in parts)))
    parts.append((alone[0], alone[1]))
    total = sum(part[0] for part in parts)
    return [(share, round(total * share), round(_settled(parts, total * share))) for share in SHARES], telling


def _settled(parts: Sequence[tuple[float, float]], requests: float) -> float:
    """The songs that so many requests settle, spent on these parts in order."""
    songs = 0.0
    for cost, brought in parts:
        if cost > requests:
            return songs + (brought * requests / cost if cost else brought)
        songs, requests = songs + brought, requests - cost
    return songs


def kept_chances(index: Path) -> Chances:
    """What earlier runs have counted, from the index of songs; guesses where there is none. Read only."""
    if not index.exists():
        return Chances()
    try:
        with closing(sqlite3.connect(f"{index.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT name, tries, brought FROM chances").fetchall()
    except sqlite3.Error:
        return Chances()
    return Chances({name: (tries, brought) for name, tries, brought in rows})


def _assumptions(chances: Chances, ladder: int, sources: Sequence[str]) -> list[str]:
    said = [
        f"A search finds the song in {chances.of('search matches'):.0%} of cases; one that does not takes "
        f"up to {ladder} wordings.",
        f"A search for a release finds {chances.of('release search'):.0%} of its songs, ten at most; its "
        f"album {chances.of('same album'):.0%} of them, where it is found by name.",
        "Releases with many songs go first here. Asking goes by `song_hotttnesss` among songs that nobody "
        "listed, so what the first requests bring is less.",
        "Requests for artists and audio features are not in it.",
    ]
    said += [
        f"{source} knows {COVERAGE[source]:.0%} of the songs and is right in {chances.of(source):.0%}; it is "
        "used where verifying costs less than a search."
        for source in sources
    ]
    return said

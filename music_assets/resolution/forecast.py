"""What each source is expected to settle, and what that takes: requests, hours, days of Spotify's quota.

Shares are those that this ledger and staging area have counted; until then the ones published by others, and
said to be so. What a sandbox has counted says nothing of the real services and is never used. The requests to
Spotify for what is left are in `plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil

from music_assets.resolution.plan import EXAMPLE_PER_DAY, REQUEST_KINDS, Plan

# What others report of the MSD, or of services (November 2026): the share of the songs that a source settles,
# None where nobody reports one, and its requests per song. Requests to ReccoBeats for 23,625 batches of forty
# archive ids and 11,250 of features per million songs, and three for each of 44,745 artists (`artists`); to
# ListenBrainz for 1,000 ids each, artists included.
PUBLISHED: dict[str, tuple[float | None, float]] = {
    "musicbrainz": (0.807, 0.0),
    "listenbrainz": (0.807, 0.00085),
    "acousticbrainz": (0.452, 0.0),
    "echonest": (0.45, 0.0),
    "labs": (None, 0.011),
    "reccobeats": (0.45, 0.049),
    "artists": (None, 0.134),
}
GIVES = {
    "musicbrainz": "MusicBrainz recordings, once its dump is there",
    "listenbrainz": "open popularity",
    "acousticbrainz": "open audio features, once its dump is there",
    "echonest": "Spotify ids, once its archive is there",
    "labs": "Spotify ids",
    "reccobeats": "verifies ids; popularity, features",
    "artists": "Spotify ids, by ReccoBeats' lists of artists",
}
OF_IDS = ("echonest", "labs", "artists")  # each settles songs that the ones before it left
REQUESTS_PER_HOUR = 3600  # at one a second, the pace that every keyless source is requested at


@dataclass(frozen=True)
class Counted:
    """What was counted here: by source, how many songs it settled of how many; requests by kind.

    `songs` are those that are done, which the requests were for.
    """

    songs: int = 0
    settled: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)

    def share(self, source: str) -> float | None:
        """The share of the songs that a source settled; None where it was not used yet."""
        settled, of = self.settled.get(source, (0, 0))
        return settled / of if of and (settled or self.requests.get(source)) else None

    def per_song(self, source: str) -> float | None:
        """The requests per song to a source; None where none was sent yet."""
        sent = self.requests.get(source, 0)
        return sent / self.songs if sent and self.songs else None


@dataclass(frozen=True)
class Expectation:
    """What a source is expected to bring for the open songs; `songs` is None where that is not known."""

    source: str
    gives: str
    songs: int | None
    requests: int
    hours: float
    is_counted: bool


@dataclass(frozen=True)
class Forecast:
    """The open songs by what is expected of each source, and what is left for Spotify.

    `spotify` is the plan for what is left, None where Spotify is off. `fresh` is how many songs a retention
    period and a day's requests can keep fresh at most, with what that rests on.
    """

    songs: int
    sources: list[Expectation]
    left: int
    spotify: Plan | None
    fresh: int
    fresh_basis: str

    @property
    def basis(self) -> str:
        """Where the shares come from, as a sentence."""
        counted = [each.source for each in self.sources if each.is_counted]
        if len(counted) == len(self.sources):
            return "As counted in this data folder so far."
        if not counted:
            return "As others report it: nothing was counted in this data folder yet."
        return f"As counted in this data folder for {', '.join(counted)}; of the rest as others report it."

    def as_markdown(self) -> str:
        """As a Markdown table with its basis, for the terminal and the UI."""
        rows = [
            f"| {each.source} | {each.gives} | {shown_songs(each)} | {each.requests:,} | {each.hours:,.1f} |"
            for each in self.sources
        ]
        head = ["| source | gives | songs | requests | hours |", "| :--- | :--- | ---: | ---: | ---: |"]
        left = f"{self.left:,} of {self.songs:,} songs are left for Spotify."
        fresh = f"At most {self.fresh:,} songs can be kept fresh through Spotify: {self.fresh_basis}."
        if self.spotify is None:
            left, fresh = f"{self.left:,} of {self.songs:,} songs stay without a Spotify id: it is off.", ""
        return "\n".join(
            [
                *head,
                *rows,
                "",
                f"{self.basis} Hours at one request a second; dumps come by `music-assets download`.",
                "",
                left,
                "",
                fresh,
            ]
        )


def forecast(
    songs: int,
    releases: int,
    counted: Counted,
    *,
    uses: Callable[[str], bool],
    resolved: int = 0,
    spotify_off: bool = False,
    per_day: int | None = None,
    rate: str = "as set",
    retention_days: int = 180,
    refresh_share: float = 0.2,
    per_request: int = 1,
) -> Forecast:
    """What to expect for so many open songs of so many releases, beside `resolved` ones.

    `uses` says whether a source is used, `per_day` and `rate` are those of `Plan`, `per_request` is how many
    tracks Spotify gives in a request.
    """
    sources = []
    left = songs
    for source, (published, published_requests) in PUBLISHED.items():
        if not uses("reccobeats" if source == "artists" else source):
            continue
        share, per_song = counted.share(source), counted.per_song(source)
        if source == "artists" and counted.per_song("reccobeats") is not None:
            per_song = 0.0  # they are among those
        is_counted = share is not None
        share = published if share is None else share
        expected = None if share is None else min(songs, round(songs * share))
        if source in OF_IDS:
            left = max(0, left - (expected or 0))
        requests = ceil(round(songs * (published_requests if per_song is None else per_song), 6))
        hours = round(requests / REQUESTS_PER_HOUR, 1)
        sources.append(Expectation(source, GIVES[source], expected, requests, hours, is_counted))
    plan = None
    if not spotify_off:
        spent = sum(counted.requests.get(kind, 0) for kind in REQUEST_KINDS)
        # What was counted per song includes the songs that other sources settled; an estimate does not.
        of = songs if spent and resolved else left
        plan = Plan(of, round(releases * of / songs) if songs else 0, resolved, spent, per_day, rate)
    a_day = per_day or EXAMPLE_PER_DAY
    fresh = 0 if spotify_off else int(retention_days * a_day * refresh_share * per_request)
    basis = (
        f"{retention_days} days of retention, {refresh_share:.0%} of {a_day:,} requests per day, "
        f"{per_request} per request"
    )
    return Forecast(songs, sources, left, plan, fresh, basis)


def shown_songs(expected: Expectation) -> str:
    """The songs that a source is expected to settle, as text."""
    return "not known" if expected.songs is None else f"{expected.songs:,}"

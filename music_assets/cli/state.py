"""How far the asking is: songs done and pending, requests spent and left, and the days it will still take.

Made of receipts and of what the ledger counts and remembers; no file of rows is opened, nothing is opened
for writing, and no request is spent, so it may be asked at any time, beside a run too. Options are in
`commands.status`.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from music_assets.defs.partitions import KEYS
from music_assets.settings import Settings, resources
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.spotify.access import Access
from music_assets.sources.spotify.budget import KINDS, Budget
from music_assets.staging.store import StagedFile, StagingStore

_DAYS_BACK = 14  # of which the rate is made
_ASKING = ("search", "albums", "tracks")  # the kinds of request that answer songs
_MISSED = ("ambiguous", "below_floor", "no_candidates")


@dataclass
class Songs:
    """Songs of the extracted partitions by what has become of them, and those partitions.

    `matched` and `missed` (asked about without a match) are done, `unjudged` are answered and not matched
    yet, `pending` have no answer. A partition is done when all its songs are answered.
    """

    songs: int = 0
    matched: int = 0
    missed: int = 0
    unjudged: int = 0
    pending: int = 0
    partitions: int = 0
    partitions_done: int = 0

    @property
    def answered(self) -> int:
        return self.songs - self.pending

    def add(self, songs: StagedFile | None, search: StagedFile | None, mapped: StagedFile | None) -> None:
        """Count one partition, by its receipts."""
        total = songs.rows if songs else search.rows if search else 0
        if not (songs or search):
            return
        facts = mapped.metadata if mapped else {}
        matched, missed = facts.get("matched", 0), sum(facts.get(status, 0) for status in _MISSED)
        answered = search.metadata.get("answered", 0) if search else 0
        unjudged = max(0, answered - matched - missed)
        self.songs += total
        self.matched += matched
        self.missed += missed
        self.unjudged += unjudged
        self.pending += max(0, total - matched - missed - unjudged)
        self.partitions += 1
        self.partitions_done += bool(search and search.complete)


@dataclass
class Requests:
    """Requests by kind, and what keeps more from leaving: by kind, until when (UTC) and why.

    `left_today` and `per_day` are None where the settings set no limit a day; Spotify's own is not
    published. `mode` is None while no answer has shown it. `spender` is the note of who may spend now.
    """

    today: dict[str, int] = field(default_factory=dict)
    in_all: dict[str, int] = field(default_factory=dict)
    left_today: int | None = None
    per_day: int | None = None
    waits: dict[str, dict[str, str]] = field(default_factory=dict)
    mode: str | None = None
    mode_is_set: bool = False
    spender: dict[str, Any] | None = None


@dataclass(frozen=True)
class Outlook:
    """The days until nothing is pending, and what that rests on; None where nothing says."""

    days: float | None
    requests_a_song: float
    requests_a_day: float | None
    rests_on: str


@dataclass(frozen=True)
class Status:
    """What `music-assets status` shows."""

    spotify: str
    at: str
    songs: Songs
    requests: Requests
    outlook: Outlook

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def read_status(
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
) -> Status:
    """How far the asking is, by these settings. `clock` gives seconds since 1970.

    Raises:
        StagingError, LedgerError: the staging place or the ledger cannot be read.
    """
    songs = count_songs(resources(settings)["staging"].store())
    now = datetime.fromtimestamp(clock(), UTC)
    by_day: dict[date, int] = {}
    requests = Requests(
        left_today=settings.requests_per_day, per_day=settings.requests_per_day, mode=_set_mode(settings)
    )
    requests.mode_is_set = requests.mode is not None
    if "://" in settings.ledger or Path(settings.ledger).exists():
        ledger = open_ledger(settings.ledger, source=settings.spotify, read_only=True)
        try:
            requests = _read_requests(ledger, settings, client_id(settings, environment), clock)
            by_day = _spent_by_day(ledger, now.date())
        finally:
            ledger.close()
    outlook = look_ahead(songs, requests, by_day)
    return Status(settings.spotify, now.isoformat(timespec="seconds"), songs, requests, outlook)


def count_songs(store: StagingStore) -> Songs:
    """Songs and partitions, by the receipts of what is staged."""
    counted = Songs()

    def receipts(key: str) -> tuple[StagedFile | None, ...]:
        songs = store.staged_file("msd_songs", key)
        if songs is None:
            return None, None, None
        return songs, store.staged_file("spotify_search", key), store.staged_file("mapped_songs", key)

    for songs, search, mapped in store.each(receipts, KEYS):
        counted.add(songs, search, mapped)
    return counted


def look_ahead(songs: Songs, requests: Requests, by_day: Mapping[date, int]) -> Outlook:
    """The days until nothing is pending: at what the settings allow a day, or at the rate of late.

    `by_day` is what was spent on the last days, today's included.
    """
    spent = sum(requests.in_all.get(kind, 0) for kind in _ASKING)
    known = bool(spent and songs.answered)
    a_song = spent / songs.answered if known else 1.0
    on_songs = (
        f"{a_song:.2f} requests a song, as until now" if known else "a request a song, since none was spent"
    )
    days = [count for count in by_day.values() if count]
    if requests.per_day is not None:
        a_day: float | None = float(requests.per_day)
        on_days = f"{requests.per_day:,} requests a day (MUSIC_ASSETS_REQUESTS_PER_DAY)"
    elif days:
        a_day = sum(days) / len(days)
        on_days = (
            f"{a_day:,.0f} requests a day, the mean of the {len(days)} days with any of the last {_DAYS_BACK}"
        )
    else:
        a_day, on_days = None, "no rate is known: nothing was asked of late, and no limit a day is set"
    left = None if a_day is None else songs.pending * a_song / a_day
    return Outlook(
        None if left is None else round(left, 1),
        round(a_song, 3),
        None if a_day is None else round(a_day, 1),
        f"{on_songs}; {on_days}",
    )


def lines(status: Status) -> Iterator[tuple[str, str]]:
    """What is shown, as names and words."""
    songs, requests, outlook = status.songs, status.requests, status.outlook
    yield "Spotify", status.spotify + (" (all of it invented)" if status.spotify == "sandbox" else "")
    yield (
        "partitions",
        f"{songs.partitions_done:,} done, {songs.partitions - songs.partitions_done:,} pending, of "
        f"{songs.partitions:,} extracted",
    )
    unjudged = f", {songs.unjudged:,} answered and not matched yet" if songs.unjudged else ""
    yield (
        "songs",
        f"{songs.matched:,} matched, {songs.missed:,} missed{unjudged}, {songs.pending:,} pending, of "
        f"{songs.songs:,}",
    )
    yield "requests today", _by_kind(requests.today)
    yield "requests in all", _by_kind(requests.in_all)
    left = "no limit of ours; Spotify's is not published"
    if requests.left_today is not None:
        left = f"{requests.left_today:,} of {requests.per_day:,} (a day ends at midnight UTC)"
    yield "left today", left
    pauses: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, wait in requests.waits.items():
        pauses[wait["until"], wait["why"]].append(kind)
    for (_, why), kinds in pauses.items():
        yield "waiting", f"{', '.join(kinds)}: {why}"
    if not pauses:
        yield "waiting", "no: requests may leave"
    yield (
        "access",
        f"{requests.mode or 'not known yet: the first answer shows it'}"
        + (" (as set)" if requests.mode_is_set else ""),
    )
    yield "spending now", _holder(requests.spender)
    yield "to finish", _days(songs, outlook)


def _days(songs: Songs, outlook: Outlook) -> str:
    if not songs.songs:
        return "nothing is extracted yet: `music-assets run`, or `music-assets plan` for what it will take"
    if not songs.pending:
        return "nothing is pending"
    if outlook.days is None:
        return outlook.rests_on
    days = "less than a day" if outlook.days < 1 else f"about {outlook.days:,.0f} days"
    return f"{days} ({outlook.rests_on})"


def _holder(note: Mapping[str, Any] | None) -> str:
    if note is None:
        return "nobody"
    run = f", run {note['run_id']}" if note.get("run_id") else ""
    return f"process {note.get('pid')} on {note.get('host')} since {note.get('since')}{run}"


def _by_kind(counts: Mapping[str, int]) -> str:
    if not counts:
        return "none"
    spotify = sum(counts.get(kind, 0) for kind in KINDS)
    said = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
    return f"{spotify:,} to Spotify ({said})" if len(counts) > 1 or not spotify else said


def _read_requests(
    ledger: Ledger, settings: Settings, app: str | None, clock: Callable[[], float]
) -> Requests:
    today = datetime.fromtimestamp(clock(), UTC).date()
    requests = Requests(
        today=ledger.request_counts(today),
        in_all=ledger.request_counts(),
        per_day=settings.requests_per_day,
        mode=_set_mode(settings),
        spender=ledger.holder(),
    )
    budget = Budget(ledger, app=app or "", per_day=settings.requests_per_day, clock=clock)
    requests.left_today = budget.left_today()
    access = Access(settings.spotify_mode, budget)
    requests.mode, requests.mode_is_set = access.mode, access.is_set
    requests.waits = {
        kind: {"until": over.until.isoformat(timespec="seconds"), "why": str(over)}
        for kind, over in budget.over_by_kind().items()
    }
    return requests


def _spent_by_day(ledger: Ledger, today: date) -> dict[date, int]:
    days = [today - timedelta(days=back) for back in range(_DAYS_BACK)]
    return {day: sum(ledger.request_counts(day).get(kind, 0) for kind in KINDS) for day in days}


def _set_mode(settings: Settings) -> str | None:
    return None if settings.spotify_mode == "auto" else settings.spotify_mode


def client_id(settings: Settings, environment: Mapping[str, str] | None = None) -> str | None:
    """The client id in use: what Spotify told an app is remembered by it."""
    if settings.spotify == "sandbox":
        from music_assets.sandbox.process import address_of

        return address_of("http://127.0.0.1").client_id
    return (os.environ if environment is None else environment).get("SPOTIPY_CLIENT_ID")

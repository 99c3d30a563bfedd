"""`music-assets status`: songs done and pending, requests sent and left, and the days until none is pending.

It reads what describes the staged files, and what the ledger counts and remembers. It opens no file of
rows, writes nothing and sends no request, so it may be called at any time, during a run as well.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
import orjson

from music_assets.cli import data_option, staging_store
from music_assets.cli.console import counted, printable
from music_assets.cli.forecasts import forecast_lines, read_forecast
from music_assets.cli.ledger import budget_and_access, existing_ledger
from music_assets.cli.listing import Listing, list_of_last_run
from music_assets.ids import PARTITION_KEYS
from music_assets.resolution.forecast import Forecast
from music_assets.resolution.plan import REQUEST_KINDS, Plan
from music_assets.settings import Settings
from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.budget import KINDS, LAST_RESPONSES
from music_assets.staging.store import StagingStore

_DAYS_BACK = 14  # for the rate of requests
_MISSED = ("ambiguous", "rejected", "below_floor", "no_candidates")


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(data: str | None, as_json: bool) -> None:
    """Show songs done and pending, requests spent and left, pauses, and the days to finish.

    It writes nothing, sends no request, and may be called during a run.

    \b
    Examples:
      music-assets status
      music-assets status --json
    """
    found = read_status(Settings.from_environment(data=data))
    if as_json:
        click.echo(orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2))
        return
    for name, text in lines(found):
        click.echo(f"{name:<16} {printable(text)}")


@dataclass
class Songs:
    """Songs of the extracted partitions by state, and those partitions.

    `matched` and `missed` (searched for, without a match) are done, `unjudged` have a response and are not
    matched yet, `pending` have none. A partition is done when all its songs have a response.
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


@dataclass
class Requests:
    """Requests by kind, and what keeps more from being sent: by kind, until when (UTC) and why.

    `left_today` (of searches, in 24 hours) and `per_day` are None where the settings set no limit per day;
    Spotify's own is not published.
    `responses` counts what came of the requests of the last run that sent any, `cached` the responses in the
    ledger by state. `mode` is None while no response has shown it. `spender` describes the process that holds
    the request lock.
    """

    today: dict[str, int] = field(default_factory=dict)
    in_all: dict[str, int] = field(default_factory=dict)
    left_today: int | None = None
    per_day: int | None = None
    waits: dict[str, dict[str, str]] = field(default_factory=dict)
    mode: str | None = None
    mode_is_set: bool = False
    spender: dict[str, Any] | None = None
    responses: dict[str, int] = field(default_factory=dict)
    cached: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outlook:
    """The days until nothing is pending, None where they cannot be estimated, and what that rests on."""

    days: float | None
    requests_a_song: float
    requests_a_day: float | None
    rests_on: str


@dataclass(frozen=True)
class Status:
    """What is shown; its fields are the keys of `--json`."""

    spotify: str
    at: str
    songs: Songs
    requests: Requests
    outlook: Outlook
    forecast: Forecast | None = None
    listing: Listing | None = None
    invented: bool = False  # whether sources are the sandbox's


def read_status(
    settings: Settings,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
) -> Status:
    """The status by these settings. `clock` gives seconds since 1970.

    Raises:
        StagingError, LedgerError: the staging area or the ledger cannot be read.
    """
    songs = count_songs(staging_store(settings), settings.ledger_source)
    now = datetime.fromtimestamp(clock(), UTC)
    mode = None if settings.spotify.mode == "auto" else settings.spotify.mode
    per_day = settings.spotify.requests_per_day
    requests = Requests(left_today=per_day, per_day=per_day, mode=mode, mode_is_set=mode is not None)
    recent: list[int] = []
    with existing_ledger(settings) as ledger:
        if ledger is not None:
            budget, access = budget_and_access(settings, ledger, environment, clock)
            requests.today, requests.in_all = ledger.request_counts(now.date()), ledger.request_counts()
            requests.left_today, requests.mode = budget.left("search"), access.mode
            requests.spender = ledger.holder()
            requests.responses = (ledger.get_state(LAST_RESPONSES) or {}).get("counts", {})
            requests.cached = ledger.count_states()
            requests.waits = {
                kind: {"until": over.until.isoformat(timespec="seconds"), "why": str(over)}
                for kind in KINDS
                if (over := budget.over(kind)) is not None
            }
            recent = _requests_by_day(ledger, now.date())
    outlook = look_ahead(songs, requests, recent)
    expected = None
    if songs.pending:
        # Releases are in the rows of songs, which are not read here: each song counts as one.
        pending, resolved = songs.pending, songs.answered
        expected = read_forecast(settings, pending, pending, resolved=resolved, mode=requests.mode)
    at = now.isoformat(timespec="seconds")
    listing = list_of_last_run(settings)
    about = (settings.spotify.source, at, songs, requests, outlook, expected, listing)
    return Status(*about, settings.is_sandbox)


def count_songs(store: StagingStore, source: str) -> Songs:
    """Songs and partitions, by what describes the staged files of this source of responses.

    What the sandbox answered says nothing of the songs of `api`.
    """
    extracted = [file for file in store.staged_files("msd_songs", PARTITION_KEYS) if file is not None]
    keys = [file.partition_key for file in extracted]
    others = (store.staged_files(kind, keys) for kind in ("spotify_search", "mapped_songs"))
    total = Songs(partitions=len(extracted))
    for songs, search, mapped in zip(extracted, *others, strict=True):
        if search and search.metadata.get("source", source) != source:
            search = mapped = None
        counts = mapped.metadata if mapped else {}
        matched, missed = counts.get("matched", 0), sum(counts.get(status, 0) for status in _MISSED)
        answered = search.metadata.get("answered", 0) if search else 0
        unjudged = max(0, answered - matched - missed)
        total.songs += songs.rows
        total.matched += matched
        total.missed += missed
        total.unjudged += unjudged
        pending = max(0, songs.rows - matched - missed - unjudged)
        total.pending += pending
        total.partitions_done += not pending
    return total


def look_ahead(songs: Songs, requests: Requests, recent: Sequence[int]) -> Outlook:
    """The days until nothing is pending, at the daily limit of the settings or at the recent rate.

    `recent` are the requests of recent days, today included.
    """
    spent = sum(requests.in_all.get(kind, 0) for kind in REQUEST_KINDS)
    plan = Plan(songs.pending, songs.pending, songs.answered, spent)
    song_basis = "1 request per song, as none was sent yet"
    if plan.is_counted:
        song_basis = f"{plan.requests_per_song:.2f} requests per song so far"
    days = [count for count in recent if count]
    per_day: float | None = None
    if requests.per_day is not None:
        per_day = float(requests.per_day)
        day_basis = f"{requests.per_day:,} requests per day (MUSIC_ASSETS_REQUESTS_PER_DAY)"
    elif days:
        per_day = sum(days) / len(days)
        mean = f"the mean of the {counted(len(days), 'day')} with any in the last {_DAYS_BACK}"
        day_basis = f"{per_day:,.0f} requests per day, {mean}"
    else:
        day_basis = "no rate is known: nothing was requested recently, and no daily limit is set"
    return Outlook(
        None if per_day is None else round(songs.pending * plan.requests_per_song / per_day, 1),
        round(plan.requests_per_song, 3),
        None if per_day is None else round(per_day, 1),
        f"{song_basis}; {day_basis}",
    )


def lines(status: Status) -> Iterator[tuple[str, str]]:
    """What is shown, as names and texts."""
    songs, requests = status.songs, status.requests
    invented = " (every value that is not the MSD's is invented)" if status.invented else ""
    yield "Spotify", status.spotify + invented
    done, extracted = songs.partitions_done, songs.partitions
    yield "partitions", f"{done:,} done, {extracted - done:,} pending, of {extracted:,} extracted"
    unjudged = f", {songs.unjudged:,} searched and not matched yet" if songs.unjudged else ""
    states = f"{songs.matched:,} matched, {songs.missed:,} missed{unjudged}, {songs.pending:,} pending"
    yield "songs", f"{states}, of {songs.songs:,}"
    yield "requests today", _by_kind(requests.today)
    yield "requests in all", _by_kind(requests.in_all)
    left = "no limit is set; Spotify's own is not published"
    if requests.left_today is not None:
        left = f"{requests.left_today:,} of {requests.per_day:,} searches in 24 hours; other kinds likewise"
    is_off = status.spotify == "off"
    if not is_off:
        yield "left today", left
    pauses: defaultdict[str, list[str]] = defaultdict(list)
    for kind, wait in requests.waits.items():
        pauses[wait["why"]].append(kind)
    for why, kinds in pauses.items():
        yield "waiting", f"{', '.join(kinds)}: {why}"
    if not pauses:
        yield "waiting", "no: requests can be sent"
    yield "last responses", _listed(requests.responses)
    yield "cached", _listed(requests.cached)
    mode = requests.mode or "not known yet: the first response shows it"
    if not is_off:
        yield "access", mode + (" (as set)" if requests.mode_is_set else "")
    yield "spending now", _holder(requests.spender)
    if not is_off:
        yield "to finish", _time_left(songs, status.outlook)
    if status.listing:
        yield "your list", str(status.listing)
    if status.forecast:
        yield from forecast_lines(status.forecast)


def _time_left(songs: Songs, outlook: Outlook) -> str:
    if not songs.songs:
        return "nothing is extracted yet: `music-assets run`, or `music-assets plan` for what it will take"
    if not songs.pending:
        return "nothing is pending"
    if outlook.days is None:
        return outlook.rests_on
    days = "less than a day" if outlook.days < 1 else f"about {counted(round(outlook.days), 'day')}"
    return f"{days} ({outlook.rests_on})"


def _listed(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in sorted(counts.items())) or "none"
    )


def _holder(holder: Mapping[str, Any] | None) -> str:
    if holder is None:
        return "nobody"
    run = f", run {holder['run_id']}" if holder.get("run_id") else ""
    return f"process {holder.get('pid')} on {holder.get('host')} since {holder.get('since')}{run}"


def _by_kind(counts: Mapping[str, int]) -> str:
    kinds = {kind: count for kind, count in counts.items() if kind in KINDS}
    each = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
    spotify = [f"{sum(kinds.values()):,} to Spotify ({each})"] if kinds else []
    others = [f"{count:,} to {source}" for source, count in counts.items() if source not in KINDS]
    return "; ".join(spotify + others) or "none"


def _requests_by_day(ledger: Ledger, today: date) -> list[int]:
    days = [ledger.request_counts(today - timedelta(days=back)) for back in range(_DAYS_BACK)]
    return [sum(counts.get(kind, 0) for kind in KINDS) for counts in days]

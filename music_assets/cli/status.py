"""`music-assets status`: songs done and pending, requests sent and left, and what the rest will take.

It reads what describes the staged files, and what the ledger counts and remembers. It opens no file of
rows, writes nothing and sends no request, so it may be called at any time, during a run as well.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from music_assets.cli import CommandError, data_option, staging_store
from music_assets.cli.console import counted, named_line, write_json
from music_assets.cli.forecasts import forecast_lines, read_forecast
from music_assets.cli.invented import refusal
from music_assets.cli.ledger import budget_and_access, existing_ledger
from music_assets.cli.listing import Listing, list_of_last_run
from music_assets.ids import PARTITION_KEYS
from music_assets.resolution.forecast import Forecast
from music_assets.settings import Settings
from music_assets.sources.http import Paused, recorded_pause
from music_assets.sources.ledger import Ledger
from music_assets.sources.listenbrainz import LABS, LISTENBRAINZ
from music_assets.sources.reccobeats import RECCOBEATS
from music_assets.sources.spotify.budget import KINDS, LAST_RESPONSES, Budget
from music_assets.staging.store import StagingStore
from music_assets.tables.mapped import STATUSES, UNMATCHED

# What came of requests, by the names that the client counts them by; `status 404` is an error by its number.
_IN_WORDS = {
    "answered": "answered as requested",
    "no answer": "answered with nothing usable",
    "no response": "broken off or timed out",
    "hit without a name": "hits left out without a name",
}


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(data: str | None, as_json: bool) -> None:
    """Show songs done and pending, requests spent and left, pauses, and what the pending songs will take.

    It writes nothing, sends no request, and may be called during a run.

    \b
    Examples:
      music-assets status
      music-assets status --json
    """
    settings = Settings.from_environment(data=data)
    if data and not settings.data.is_dir():
        raise CommandError(f"There is no folder {settings.data}: name the data folder with --data.")
    found = read_status(settings)
    if as_json:
        write_json(asdict(found))
        return
    for name, text in lines(found):
        click.echo(named_line(name, text))


@dataclass
class Songs:
    """Songs of the extracted partitions by state, and those partitions.

    `matched`, `ambiguous` and `unmatched` ones are done, `unjudged` have a response and are not matched yet,
    `pending` have none. A partition is done when all its songs have a response.
    """

    songs: int = 0
    matched: int = 0
    ambiguous: int = 0
    unmatched: int = 0
    unjudged: int = 0
    pending: int = 0
    partitions: int = 0
    partitions_done: int = 0
    statuses: dict[str, int] = field(default_factory=dict, compare=False)  # of those that were matched

    @property
    def answered(self) -> int:
        return self.songs - self.pending


@dataclass
class Requests:
    """Requests by kind or source, and what keeps more from being sent: until when (UTC) and why.

    `left_today` (of searches, in 24 hours) and `per_day` are None where the settings set no limit per day;
    Spotify's own is not published. `responses` counts what came of the requests of the last run that sent
    any, `cached` the responses in the ledger by state. `mode` is None while no response has shown it.
    `spender` describes the process that holds the request lock.
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
class Status:
    """What is shown; its fields are the keys of `--json`."""

    spotify: str
    at: str
    songs: Songs
    requests: Requests
    forecast: Forecast | None = None
    listing: Listing | None = None
    invented: bool = False  # whether sources are the sandbox's
    refused: str | None = None  # why a run by these settings would be
    no_folder: str | None = None  # the data folder, where there is none


def read_status(settings: Settings, clock: Callable[[], float] = time.time) -> Status:
    """The status by these settings. `clock` gives seconds since 1970.

    Raises:
        StagingError, LedgerError: the staging area or the ledger cannot be read.
    """
    songs = count_songs(staging_store(settings), settings.ledger_source)
    now = datetime.fromtimestamp(clock(), UTC)
    mode = None if settings.spotify.mode == "auto" else settings.spotify.mode
    per_day = settings.spotify.requests_per_day
    requests = Requests(left_today=per_day, per_day=per_day, mode=mode, mode_is_set=mode is not None)
    with existing_ledger(settings) as ledger:
        if ledger is not None:
            budget, access = budget_and_access(settings, ledger, clock)
            requests.today, requests.in_all = ledger.request_counts(now.date()), ledger.request_counts()
            requests.left_today, requests.mode = budget.left("search"), access.mode
            requests.spender = ledger.holder()
            requests.responses = (ledger.get_state(LAST_RESPONSES) or {}).get("counts", {})
            requests.cached = ledger.count_states()
            requests.waits = {
                name: {"until": pause.until.isoformat(timespec="seconds"), "why": str(pause)}
                for name, pause in _pauses(settings, ledger, budget)
            }
    expected = None
    if songs.pending:
        # Releases are in the rows of songs, which are not read here: each song counts as one.
        pending, resolved = songs.pending, songs.answered
        expected = read_forecast(settings, pending, pending, resolved=resolved, clock=clock)
    at = now.isoformat(timespec="seconds")
    listing = list_of_last_run(settings)
    source, invented = settings.spotify.source, settings.is_sandbox
    there = settings.staging.startswith("s3://") or settings.data.is_dir()
    no_folder = None if there else str(settings.data.absolute())
    return Status(source, at, songs, requests, expected, listing, invented, refusal(settings), no_folder)


def _pauses(settings: Settings, ledger: Ledger, budget: Budget) -> Iterator[tuple[str, Paused]]:
    """What sends no request for now, by Spotify's kinds of request and the other sources in use."""
    if settings.spotify.source != "off":
        yield from ((kind, over) for kind in KINDS if (over := budget.over(kind)))
    for policy in filter(lambda policy: settings.sources.uses(policy.kind), (RECCOBEATS, LABS, LISTENBRAINZ)):
        if (pause := recorded_pause(policy, ledger, budget.now())) and pause.until > budget.now():
            yield policy.kind, pause


def count_songs(store: StagingStore, source: str, keys: Iterable[str] = PARTITION_KEYS) -> Songs:
    """Songs and partitions (those of `keys`), by what describes the staged files of this source of responses.

    What the sandbox answered says nothing of the songs of `api`.
    """
    extracted = [file for file in store.staged_files("msd_songs", keys) if file is not None]
    keys = [file.partition_key for file in extracted]
    others = (store.staged_files(kind, keys) for kind in ("spotify_search", "mapped_songs"))
    total = Songs(partitions=len(extracted))
    for songs, search, mapped in zip(extracted, *others, strict=True):
        if search and search.metadata.get("source", source) != source:
            search = mapped = None
        counts = mapped.metadata if mapped else {}
        matched, ambiguous = counts.get("matched", 0), counts.get("ambiguous", 0)
        unmatched = sum(counts.get(status, 0) for status in UNMATCHED)
        for status in STATUSES:
            total.statuses[status] = total.statuses.get(status, 0) + counts.get(status, 0)
        decided = matched + ambiguous + unmatched
        unjudged = max(0, (search.metadata.get("answered", 0) if search else 0) - decided)
        total.songs += songs.rows
        total.matched += matched
        total.ambiguous += ambiguous
        total.unmatched += unmatched
        total.unjudged += unjudged
        pending = max(0, songs.rows - decided - unjudged)
        total.pending += pending
        total.partitions_done += not pending
    return total


def lines(status: Status) -> Iterator[tuple[str, str]]:
    """What is shown, as names and texts."""
    songs, requests = status.songs, status.requests
    invented = " (every value that is not the MSD's is invented)" if status.invented else ""
    refused = f", by which a run is refused: {status.refused}" if status.refused else ""
    yield "Spotify", status.spotify + (refused or invented)
    done, extracted = songs.partitions_done, songs.partitions
    yield "partitions", f"{done:,} done, {extracted - done:,} pending, of {extracted:,} extracted"
    unjudged = f", {songs.unjudged:,} searched and not matched yet" if songs.unjudged else ""
    states = f"{songs.matched:,} matched, {songs.ambiguous:,} ambiguous, {songs.unmatched:,} unmatched"
    yield "songs", f"{states}{unjudged}, {songs.pending:,} pending, of {songs.songs:,}"
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
        yield "waiting", "no: no source asks for a pause"
    if requests.responses:
        came = {_IN_WORDS.get(name, name): count for name, count in requests.responses.items()}
        yield "last responses", f"what came of Spotify's requests in the last run with any: {_listed(came)}"
    responses = counted(sum(requests.cached.values()), "response")
    yield "cached", f"{responses}: {_listed(requests.cached)}" if requests.cached else "no response"
    mode = requests.mode or "not known yet: the first response shows it"
    if not is_off:
        yield "access", mode + (" (as set)" if requests.mode_is_set else "")
    yield "spending now", _holder(requests.spender)
    if status.listing:
        yield "your list", str(status.listing)
    if status.forecast:
        yield from forecast_lines(status.forecast)
    elif songs.songs:
        yield "to finish", "nothing is pending"
    else:
        elsewhere = ""
        if status.no_folder:
            elsewhere = f" (there is no folder {status.no_folder}: is the data in another, for --data?)"
        yield (
            "to finish",
            f"nothing is read yet{elsewhere}: `music-assets run`, or `music-assets plan` for what it takes",
        )


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

"""What a run did: collected from Dagster's events, shown at its end, and stored as `last_run.json`.

The numbers come from the metadata of assets, by name. Which runs there are is decided in `run`.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from dagster import AssetCheckSeverity, DagsterEventType, ExecuteInProcessResult

from music_assets.cli import INTERRUPTED
from music_assets.cli.console import SANDBOX_BANNER, Console
from music_assets.cli.listing import Listing
from music_assets.cli.status import Songs
from music_assets.defs.failures import cause_of
from music_assets.settings import Settings
from music_assets.tables.mapped import STATUSES, UNMATCHED

_REQUESTS_TO = "requests_to_"  # metadata of assets that send requests to others than Spotify


@dataclass
class Summary:
    """What a run did; its fields are the keys of `last_run.json`.

    `requests_spent` counts requests sent to Spotify, `requests_saved` lookups that needed none, `requests`
    those sent, by source. With `only` (the option) songs are those of the partitions with listed ones.
    `failed` names what failed and why; files set aside are not failures.
    """

    spotify: str
    partitions: int = 0
    songs: int = 0
    set_aside: int = 0
    matched: int = 0
    ambiguous: int = 0
    rejected: int = 0
    below_floor: int = 0
    no_candidates: int = 0
    pending: int = 0
    error: int = 0
    requests_spent: int = 0
    requests_saved: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    only: bool = False
    set_aside_files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    interrupted: bool = False
    tables: dict[str, int] = field(default_factory=dict)
    listing: Listing | None = None
    run_ids: list[str] = field(default_factory=list)

    def add(self, result: ExecuteInProcessResult) -> None:
        """Add what one Dagster run did."""
        self.run_ids.append(result.run_id)
        for event in result.all_events:
            if event.is_step_materialization:
                self._add_materialization(event.materialization)
            elif event.is_step_failure and _is_interrupt(event):
                self.interrupted = True
            elif event.is_step_failure:
                self.failed.append(cause_of(event))
            elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
                check = event.asset_check_evaluation_data
                name = f"check {check.check_name} of {check.asset_key.to_user_string()}"
                if not check.passed and check.severity == AssetCheckSeverity.WARN:
                    self.notes.append(f"{check.description} ({name}).")
                elif not check.passed:
                    self.failed.append(name)

    def _add_materialization(self, event: Any) -> None:
        name = event.asset_key.to_user_string()
        metadata = {key: value.value for key, value in event.metadata.items()}
        self.requests_spent += metadata.get("requests_spent", 0)
        self.requests["spotify"] = self.requests_spent
        for key, count in metadata.items():
            if key.startswith(_REQUESTS_TO) and count:
                source = key.removeprefix(_REQUESTS_TO)
                self.requests[source] = self.requests.get(source, 0) + count
        if name == "spotify_answers":  # `spotify_search` finds in the ledger what this has just spent
            self.requests_saved -= metadata.get("resolved_by_search", 0)
        else:
            self.requests_saved += metadata.get("requests_saved", 0)
        if name == "msd_songs":
            self.songs += metadata["songs"]
            self.set_aside += metadata["set_aside"]
            self.set_aside_files += metadata["set_aside_files"]
        elif name == "mapped_songs":
            for status in STATUSES:
                setattr(self, status, getattr(self, status) + metadata[status])
        elif "dagster/row_count" in metadata:
            self.tables[".".join(event.asset_key.path[1:])] = metadata["dagster/row_count"]
        if metadata.get("refused"):
            problems = "; ".join(metadata["problems"])
            self.failed.append(f"{name} {event.partition}: the staged file is refused: {problems}")
        self.notes += [reason for reason in metadata.get("reasons", []) if reason not in self.notes]

    def count_staged(self, songs: Songs) -> None:
        """Count what is staged by now, as `status` does: a run that ended early saw a part of it."""
        for status, count in songs.statuses.items():
            setattr(self, status, count)
        self.partitions = songs.partitions
        self.songs, self.pending = songs.songs, songs.pending - self.error

    def write(self, path: Path) -> None:
        """Store it as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    def show(self, console: Console, settings: Settings) -> None:
        """Print it, and where to find the results."""
        console.print()
        if settings.is_sandbox:  # before the numbers, which look like any others
            console.print(SANDBOX_BANNER, "", sep="\n")
        tables = sorted(self.tables, key=lambda name: (not name.startswith("analytics."), name))
        for name, count in (*self._counts(), *((name, self.tables[name]) for name in tables)):
            console.print(f"{name:<31} {count if isinstance(count, str) else f'{count:,}'}")
        if self.listing:
            console.print(f"\nyour list                       {self.listing}")
        lists = {"Set aside": self.set_aside_files, "Note": self.notes, "Failed": self.failed}
        if self.interrupted or any(lists.values()):
            console.print()
        for title, lines in lists.items():
            for line in lines:
                console.print(f"{title}:", style="bold red" if title == "Failed" else "yellow", end=" ")
                console.print(line)
        if self.spotify == "off":
            console.print("Spotify is off: songs are matched by ids of open sources alone.\n")
        if self.interrupted:
            console.print(INTERRUPTED, style="bold yellow")
        if not (self.interrupted or self.failed):
            console.print(
                f"\nTables     {settings.published}\n"
                f"Report     {settings.report}\n"
                f"Summary    {settings.data / 'last_run.json'}\n\n"
                "Next:",
                *_next_commands(settings),
                sep="\n  ",
            )

    def _counts(self) -> Iterator[tuple[str, int | str]]:
        unmatched = sum(getattr(self, status) for status in UNMATCHED)
        decided = self.matched + self.ambiguous + unmatched
        share = f"  ({self.matched / decided:.1%} of the songs with a response)" if decided else ""
        whole = "  (whole, those with listed songs)" if self.only else ""
        yield "partitions", f"{self.partitions:,}{whole}"
        yield "songs read", self.songs
        if self.set_aside:
            yield "files set aside", self.set_aside
        yield "matched", f"{self.matched:,}{share}"
        yield "ambiguous", self.ambiguous
        yield "unmatched", unmatched
        if self.pending or self.error:
            yield "pending, errors", f"{self.pending:,}, {self.error:,}"
        yield "requests spent", self.requests_spent
        # Negative where the run broke off between the search and what it saves.
        yield "requests saved", max(0, self.requests_saved)
        for source, count in self.requests.items():
            if source != "spotify":
                yield f"requests to {source}", count
        yield "time", f"{self.seconds:,.1f} s\n"


def _next_commands(settings: Settings) -> list[str]:
    """Commands to paste, as this one was called."""
    called = Path(sys.argv[0])
    command = "music-assets" if shutil.which("music-assets") or called.name != "music-assets" else str(called)
    data = "" if settings.data == Path("data").absolute() else f" --data {shlex.quote(str(settings.data))}"
    columns = "title, artist_name, match_status, match_score, spotify_track_id"
    return [
        f'{command} query{data} "SELECT {columns} FROM analytics.songs LIMIT 10"',
        f'{command} query{data} "DESCRIBE analytics.songs"',
        f"{command} ui{data}",
    ]


def _is_interrupt(event: Any) -> bool:
    """Whether a step failed because of Ctrl-C, which Dagster reports as it does any failure."""
    error = event.step_failure_data.error
    while error is not None:
        if error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt", "InterruptException"):
            return True
        if error.cls_name == "RuntimeError" and "Query interrupted" in error.message:  # DuckDB, amid a query
            return True
        error = error.cause
    return False

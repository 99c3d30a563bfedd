"""What the command line shows: progress while a run works, and the summary at its end.

Here: drawing. What is drawn comes from `progress` and `runner`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from music_assets.cli.runner import Summary
from music_assets.progress import LOGGER
from music_assets.settings import Settings

SANDBOX_BANNER = (
    "[bold yellow]Sandbox:[/] every Spotify value here is invented, to try the project without an account.\n"
    "Set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET for the real one."
)


class _Bars(logging.Handler):
    """Draws a bar a stage from what the stages tell."""

    def __init__(self, bars: Progress) -> None:
        super().__init__()
        self._bars = bars
        self._stages: dict[str, tuple[TaskID, float]] = {}
        self._rows: dict[str, int] = {}
        self._earlier: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        told = getattr(record, "progress", None)
        if told is None:
            return
        stage = told["stage"]
        if stage not in self._stages:
            task = self._bars.add_task(stage, total=0, detail="")
            self._stages[stage] = (task, time.monotonic())
        task, started = self._stages[stage]
        if told["done"] == 1:  # the next run of the same stage: its partitions come on top
            self._earlier[stage] = int(self._bars.tasks[task].completed)
        self._rows[stage] = self._rows.get(stage, 0) + (0 if told["kept"] else told["rows"])
        rows, seconds = self._rows[stage], max(time.monotonic() - started, 0.001)
        rate = f"{rows:,} rows, {rows / seconds:,.0f}/s" if rows else "kept" if told["kept"] else ""
        earlier = self._earlier.get(stage, 0)
        self._bars.update(
            task,
            completed=earlier + told["done"],
            total=earlier + told["of"],
            detail=f"{told['partition']}  {rate}",
        )


@contextmanager
def progress_shown(console: Console) -> Iterator[None]:
    """Show the progress of the stages while inside."""
    columns = (
        TextColumn("{task.description:<17}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console) as bars:
        handler = _Bars(bars)
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False
        try:
            yield
        finally:
            LOGGER.removeHandler(handler)


def show_summary(console: Console, summary: Summary, settings: Settings) -> None:
    """The end of a run: what came of it, where it is, what to do next."""
    decided = summary.matched + summary.ambiguous + summary.below_floor + summary.no_candidates
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("partitions", f"{summary.partitions:,}")
    table.add_row("songs read", f"{summary.songs:,}")
    if summary.set_aside:
        table.add_row("files set aside", f"{summary.set_aside:,}")
    share = f"  ({summary.matched / decided:.1%} of those answered)" if decided else ""
    table.add_row("matched", f"{summary.matched:,}{share}")
    table.add_row("ambiguous", f"{summary.ambiguous:,}")
    table.add_row("unmatched", f"{summary.below_floor + summary.no_candidates:,}")
    if summary.pending or summary.error:
        table.add_row("pending, errors", f"{summary.pending:,}, {summary.error:,}")
    table.add_row("requests spent", f"{summary.requests_spent:,}")
    table.add_row("requests saved", f"{summary.requests_saved:,}")
    table.add_row("time", f"{summary.seconds:,.1f} s")
    console.print()
    console.print(table)
    if summary.tables:
        rows = Table("table", "rows", box=None, pad_edge=False, header_style="bold")
        rows.columns[1].justify = "right"
        for name, count in summary.tables.items():
            rows.add_row(name, f"{count:,}")
        console.print()
        console.print(rows)
    for title, lines in (("Set aside", summary.set_aside_files), ("Note", summary.notes)):
        for line in lines:
            console.print(f"[yellow]{title}:[/] ", end="")
            console.print(line, markup=False, highlight=False)
    for line in summary.failed:
        console.print("[bold red]Failed:[/] ", end="")
        console.print(line, markup=False, highlight=False)
    if summary.interrupted:
        console.print(
            "[bold yellow]Interrupted.[/] What was made is kept; the same command goes on from here."
        )
        return
    if summary.spotify == "sandbox":
        console.print()
        console.print(SANDBOX_BANNER)
    if not summary.failed:
        console.print()
        console.print(f"Tables     {settings.published}", highlight=False)
        console.print(f"Report     {settings.report}", highlight=False)
        console.print(f"Summary    {settings.data / 'last_run.json'}", highlight=False)
        console.print("Look at    music-assets ui      (Dagster's UI, with this run in it)", highlight=False)

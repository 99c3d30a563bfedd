"""What commands print alike: progress bars, tables of names and values, and the sandbox's banner.

Where the progress comes from is in `music_assets.progress`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from music_assets.progress import LOGGER

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

SANDBOX_BANNER = (
    "[bold yellow]Sandbox:[/] every Spotify value here is invented, to try the project without an account.\n"
    "For real values, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET."
)


def shown(value: Any) -> str:
    """A value as text, a dash for none."""
    return "–" if value in (None, "") else str(value)


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 song`, `2 songs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def facts_table(facts: Mapping[str, Any], title: str | None = None) -> Table:
    """Names in bold, values beside them, folded where they are long."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(shown(value)))
    return table


class _Bars(logging.Handler):
    """Draws one bar per stage from the records of `music_assets.progress`."""

    def __init__(self, bars: Progress) -> None:
        super().__init__()
        self._bars = bars
        self._stages: dict[str, tuple[TaskID, float]] = {}  # with the time of the first record
        self._rows: dict[str, int] = {}
        self._earlier: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, "progress", None)
        if progress is None:
            return
        stage = progress["stage"]
        if stage not in self._stages:
            task = self._bars.add_task(stage, total=0, detail="")
            self._stages[stage] = (task, time.monotonic())
        task, started = self._stages[stage]
        if progress["done"] == 1:  # the next run of the same stage: its partitions are added
            self._earlier[stage] = int(self._bars.tasks[task].completed)
        self._rows[stage] = self._rows.get(stage, 0) + (0 if progress["unchanged"] else progress["rows"])
        rows, seconds = self._rows[stage], max(time.monotonic() - started, 0.001)
        rate = (
            f"{rows:,} rows, {rows / seconds:,.0f}/s"
            if rows
            else "unchanged"
            if progress["unchanged"]
            else ""
        )
        earlier = self._earlier.get(stage, 0)
        self._bars.update(
            task,
            completed=earlier + progress["done"],
            total=earlier + progress["of"],
            detail=f"{progress['partition']}  {rate}",
        )


@contextmanager
def progress_shown(console: Console) -> Iterator[None]:
    """Show the progress of the stages while inside."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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

"""What commands print alike: counts, progress bars, tables of names and values, and the sandbox's banner.

Titles, file names and the messages of services come from elsewhere: `Console`, `printable` and `write_json`
keep what is in them from steering the terminal. Where the progress comes from is in `music_assets.progress`.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
import orjson
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from music_assets.progress import LOGGER

UNFOLDED = 10_000  # characters: more than any line has
SANDBOX_BANNER = Text.from_markup(
    "[bold yellow]Sandbox:[/] every Spotify value here is invented, as is what open sources give, of real "
    "songs too: it is to try the project without an account.\n"
    "For real values, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET, or "
    "MUSIC_ASSETS_SPOTIFY=off for the open sources alone."
)

# Unicode's control characters but for tab and newline, its line separators, and its marks and overrides of
# the writing direction: they begin commands to the terminal, or hide and reorder what is shown.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """A text of others as a terminal may get it: what would steer the terminal is replaced by `�`."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


class Console(rich.console.Console):
    """A console that shows every text as it is written, but for what would steer the terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def write_json(value: Any) -> None:
    """Write JSON: as it is for a file or a program, printable for a terminal."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_OMIT_MICROSECONDS).decode()
    click.echo(printable(text) if sys.stdout.isatty() else text)


def shown(value: Any) -> str:
    """A value as text, a dash for none."""
    return "–" if value in (None, "") else str(value)


def moment(value: datetime | str) -> str:
    """A time in UTC, or its ISO 8601 text, to the second: `2026-11-26 13:50:18 UTC`."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 song`, `2 songs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def some(names: Sequence[str]) -> str:
    """Up to ten names, and whether there are more."""
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def named_line(name: str, text: str) -> str:
    """A name with its text beside it, folded to the terminal; in a file it is one line."""
    width = max(40, shutil.get_terminal_size((UNFOLDED, 24)).columns)
    indent = f"{name:<16} "
    folded = textwrap.wrap(
        printable(text), width - len(indent), break_long_words=False, break_on_hyphens=False
    )
    return indent + f"\n{'':<{len(indent)}}".join(folded)


def facts_table(facts: Mapping[str, Any], title: str | None = None) -> Table:
    """Names in bold, values beside them, folded where they are long."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, shown(value))
    return table


class _Bars(logging.Handler):
    """Draws one bar per stage from the records of `music_assets.progress`, with details as there is room."""

    def __init__(self, bars: Progress, room: int) -> None:
        super().__init__()
        self._bars = bars
        self._room = room
        self._tasks: dict[str, TaskID] = {}
        self._rows: Counter[str] = Counter()
        self._earlier: Counter[str] = Counter()  # partitions of earlier runs of the same stage

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, "progress", None)
        if progress is None:
            return
        stage = progress["stage"]
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=0, detail="")
        task = self._bars.tasks[self._tasks[stage]]
        if progress["done"] == 1:
            self._earlier[stage] = int(task.completed)
        self._rows[stage] += 0 if progress["unchanged"] else progress["rows"]
        rows, parts = self._rows[stage], list(filter(None, [progress["partition"]]))
        if rows:
            parts += [f"{rows:,} rows", f"{rows / max(task.elapsed or 0, 0.001):,.0f}/s"]
        elif progress["unchanged"]:
            parts.append("unchanged")
        while parts and len("  ".join(parts)) > self._room:
            parts.pop()
        self._bars.update(
            task.id,
            completed=self._earlier[stage] + progress["done"],
            total=self._earlier[stage] + progress["of"],
            detail="  ".join(parts),
        )


@contextmanager
def progress_shown(console: Console) -> Iterator[None]:
    """Show the progress of the stages while inside."""
    bar = 24 if console.width >= 110 else 6
    columns = (
        TextColumn("{task.description:<23}"),
        BarColumn(bar_width=bar),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console) as bars:
        # What is left beside names, numbers up to a million, times, and the spaces between them.
        handler = _Bars(bars, max(0, console.width - 23 - bar - 15 - 8 - 4))
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False
        try:
            yield
        finally:
            LOGGER.removeHandler(handler)

"""The researcher's overrides: a CSV of `track_id, spotify_track_id, note`, a row an MSD track.

`spotify_track_id` is Spotify's id of the track, or `none` where the song is on Spotify in no version that
would do; `note` says why, for those who read the tables. The file is one person's own work, so anything odd
in it is an error that names the line, and nothing is passed over.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from music_assets.sources.corrections.errors import CorrectionsError, read_text

TRACK_ID = re.compile(r"TR[0-9A-Z]{16}")
SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")

_COLUMNS = ("track_id", "spotify_track_id", "note")
_REQUIRED = frozenset(_COLUMNS[:2])
_TOLD = 5  # problems that one message names


@dataclass(frozen=True)
class Override:
    """What a person says a track is: a Spotify track, or none (`spotify_track_id` is None)."""

    track_id: str
    spotify_track_id: str | None
    note: str


def read_overrides(path: Path) -> dict[str, Override]:
    """The overrides in a CSV, by MSD track id.

    Raises:
        CorrectionsError: the file cannot be read, or lines of it cannot be meant; the message names them.
    """
    try:
        lines = csv.reader(read_text(path).splitlines(), skipinitialspace=True, strict=True)
        rows = [(lines.line_num, [cell.strip() for cell in row]) for row in lines]
    except csv.Error as error:
        raise CorrectionsError(f"{path}, line {lines.line_num}: it is not CSV ({error}).") from None
    filled = [(number, cells) for number, cells in rows if any(cells)]
    if not filled:
        raise CorrectionsError(f"{path} is empty: its first line names the columns, {', '.join(_COLUMNS)}.")
    (first, header), *entries = filled
    _check_header(path, first, header)
    problems: list[str] = []
    found: dict[str, Override] = {}
    seen_at: dict[str, int] = {}
    for number, cells in entries:
        values = dict(zip(header, cells, strict=False))
        wrong = [*_wrong(header, cells, values)]
        track_id = values["track_id"]
        if not wrong and track_id in found:
            wrong = [f"{track_id} stands on line {seen_at[track_id]} already; keep one of the two"]
        problems += [f"line {number}: {problem}" for problem in wrong]
        if not wrong:
            given = values["spotify_track_id"]
            id_ = None if given.lower() == "none" else given
            found[track_id], seen_at[track_id] = Override(track_id, id_, values.get("note", "")), number
    if problems:
        more = f"; and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
        raise CorrectionsError(f"{path}: {'; '.join(problems[:_TOLD])}{more}.")
    return found


def _check_header(path: Path, number: int, header: list[str]) -> None:
    known = ", ".join(_COLUMNS)
    if missing := _REQUIRED - set(header):
        raise CorrectionsError(
            f"{path}, line {number}: the first line names no column {sorted(missing)[0]}; it takes {known}."
        )
    if unknown := [name for name in header if name not in _COLUMNS]:
        raise CorrectionsError(f"{path}, line {number}: {unknown[0]!r} is no column of it; it takes {known}.")
    if len(set(header)) < len(header):
        raise CorrectionsError(f"{path}, line {number}: a column is named twice; it takes {known}.")


def _wrong(header: list[str], cells: list[str], values: dict[str, str]) -> Iterator[str]:
    """What is wrong with a line, whatever stands on the others."""
    if len(cells) != len(header):
        yield (
            f"{len(cells)} values where the first line names {len(header)} columns "
            "(a note with a comma goes in double quotes)"
        )
        values.setdefault("track_id", "")
        return
    if not TRACK_ID.fullmatch(values["track_id"]):
        yield f"{values['track_id']!r} is no MSD track id (TR and 16 more characters)"
    given = values["spotify_track_id"]
    if given.lower() != "none" and not SPOTIFY_ID.fullmatch(given):
        yield f"{given!r} is no Spotify track id: give its 22 letters and digits, or none"

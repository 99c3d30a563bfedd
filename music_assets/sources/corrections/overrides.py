"""The researcher's overrides: a CSV of `track_id, spotify_track_id, note`, one row per MSD track.

`spotify_track_id` is Spotify's id of the track, or `none` where the song is not on Spotify in an acceptable
version; `note` says why, for those who read the tables. The file is one person's own work, so anything odd
in it is an error that names the line, and nothing is skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from music_assets.ids import is_msd_track_id, is_spotify_id
from music_assets.sources.corrections.errors import CorrectionsError, read_text

_COLUMNS = ("track_id", "spotify_track_id", "note")
_NAMED = 5  # problems that one message names


@dataclass(frozen=True)
class Override:
    """The Spotify track that a person assigned to a track; None where there is none."""

    track_id: str
    spotify_track_id: str | None
    note: str


def read_overrides(path: Path) -> dict[str, Override]:
    """The overrides in a CSV, by MSD track id.

    Raises:
        CorrectionsError: The file cannot be read, or lines are invalid; the message names them.
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
    if len(set(header)) < len(header) or not set(_COLUMNS[:2]) <= set(header) <= set(_COLUMNS):
        raise CorrectionsError(
            f"{path}, line {first}: the columns must be {', '.join(_COLUMNS)} (note may be missing), each "
            f"once, not {', '.join(header)}."
        )
    problems: list[str] = []
    found: dict[str, Override] = {}
    seen_at: dict[str, int] = {}
    for number, cells in entries:
        values = dict(zip(header, cells, strict=False))
        wrong = [*_wrong(header, cells, values)]
        track_id = values["track_id"]
        if not wrong and track_id in found:
            wrong = [f"{track_id} is on line {seen_at[track_id]} already; keep one of the two"]
        problems += [f"line {number}: {problem}" for problem in wrong]
        if not wrong:
            given = values["spotify_track_id"]
            id_ = None if given.lower() == "none" else given
            found[track_id], seen_at[track_id] = Override(track_id, id_, values.get("note", "")), number
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise CorrectionsError(f"{path}: {'; '.join(problems[:_NAMED])}{more}.")
    return found


def _wrong(header: list[str], cells: list[str], values: dict[str, str]) -> Iterator[str]:
    """What is wrong with a line, whatever is on the others."""
    if len(cells) != len(header):
        yield (
            f"{len(cells)} values where the first line names {len(header)} columns "
            "(a note with a comma goes in double quotes)"
        )
        values.setdefault("track_id", "")
        return
    if not is_msd_track_id(values["track_id"]):
        yield f"{values['track_id']!r} is not an MSD track id (TR and 16 more characters)"
    given = values["spotify_track_id"]
    if given.lower() != "none" and not is_spotify_id(given):
        yield f"{given!r} is not a Spotify track id: give its 22 letters and digits, or none"

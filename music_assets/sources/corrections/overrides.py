"""The researcher's overrides: a CSV of `track_id, spotify_track_id, note`, one row per MSD track.

`spotify_track_id` is Spotify's id of the track, or `none` where the song is not on Spotify in an acceptable
version; `note` says why, for those who read the tables. The file is one person's own work, so anything odd
in it is an error that names the line, and nothing is skipped.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from music_assets.ids import is_msd_track_id, is_spotify_id
from music_assets.sources.corrections.errors import CorrectionsError, read_text

_COLUMNS = ("track_id", "spotify_track_id", "note")
_NAMED = 5  # problems that one message names


class Override(NamedTuple):
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
    (first, header), *entries = [row for row in rows if any(row[1])] or [(1, [""])]
    if len(set(header)) < len(header) or not set(_COLUMNS[:2]) <= set(header) <= set(_COLUMNS):
        raise CorrectionsError(
            f"{path}, line {first}: the columns must be {', '.join(_COLUMNS)} (note may be missing), each "
            f"once, not {', '.join(header) or 'none'}."
        )
    problems: list[str] = []
    found: dict[str, Override] = {}
    for number, cells in entries:
        track_id, given, note = (dict(zip(header, cells, strict=False)).get(name, "") for name in _COLUMNS)
        id_ = None if given.lower() == "none" else given
        if len(cells) != len(header):
            problem = f"{len(cells)} values for {len(header)} columns (quote a note that has a comma)"
        elif not is_msd_track_id(track_id):
            problem = f"{track_id!r} is not an MSD track id (TR and 16 more characters)"
        elif id_ is not None and not is_spotify_id(id_):
            problem = f"{given!r} is not a Spotify track id: give its 22 letters and digits, or none"
        elif track_id in found:
            problem = f"{track_id} is on an earlier line already; keep one of the two"
        else:
            found[track_id] = Override(track_id, id_, note)
            continue
        problems.append(f"line {number}: {problem}")
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise CorrectionsError(f"{path}: {'; '.join(problems[:_NAMED])}{more}.")
    return found

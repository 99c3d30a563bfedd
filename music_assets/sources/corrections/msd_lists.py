"""The MSD's own lists of what is wrong in it, as its authors publish them.

`sid_mismatches.txt`  one line per wrong link, `ERROR: <SO… TR…> artist - title != artist - title`: the song's
                      metadata (SO…) and the track's audio (TR…) are of different songs. 19,094 lines.
`msd_duplicates.txt`  tracks that are the same recording: a line with `%` opens a group, the lines below it
                      are track ids, `#` begins a comment.

Both are downloads of the MSD's site. Lines that cannot be parsed are left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from music_assets.ids import MSD_SONG_ID, MSD_TRACK_ID, is_msd_track_id
from music_assets.sources.corrections.errors import read_text

_MISMATCH = re.compile(rf"ERROR:\s*<\s*{MSD_SONG_ID.pattern}\s+({MSD_TRACK_ID.pattern})\s*>")
_SHOWN = 40  # characters of a line that a warning shows
_Lines = list[tuple[int, str]]  # with their numbers


class MsdList(NamedTuple):
    """A list as read: its content by track id, and the lines that were left out, by number."""

    name: str
    by_track: Mapping[str, str]
    malformed: _Lines

    @property
    def warning(self) -> str | None:
        """The lines left out, in a sentence; None where there are none."""
        if not self.malformed:
            return None
        number, line = self.malformed[0]
        more = f", as were {len(self.malformed) - 1:,} more" if len(self.malformed) > 1 else ""
        return f"{self.name}: line {number}, {line[:_SHOWN]!r}, cannot be parsed and was left out{more}."


def read_sid_mismatches(path: Path) -> MsdList:
    """The wrong links: by track id, what the list says of it. `CorrectionsError` if it cannot be read."""
    by_track: dict[str, str] = {}
    malformed = []
    for number, line in _lines(path):
        if match := _MISMATCH.match(line):
            by_track[match[1]] = line[match.end() :].strip()
        else:
            malformed.append((number, line))
    return MsdList(path.name, by_track, malformed)


def read_duplicates(path: Path) -> MsdList:
    """The smallest track id of its group, by track id. `CorrectionsError` if it cannot be read."""
    groups: list[list[str]] = []
    seen: set[str] = set()
    malformed = []
    for number, line in _lines(path):
        if line.startswith("%"):
            groups.append([])
        elif groups and is_msd_track_id(line) and line not in seen:
            groups[-1].append(line)
            seen.add(line)
        elif not line.startswith("#"):  # also an id before any group, or in a second one
            malformed.append((number, line))
    by_track = {track_id: min(group) for group in groups if len(group) > 1 for track_id in group}
    return MsdList(path.name, by_track, malformed)


def _lines(path: Path) -> _Lines:
    """The lines that are not blank, numbered from 1."""
    numbered = enumerate(read_text(path).split("\n"), start=1)
    return [(number, line.strip()) for number, line in numbered if line.strip()]

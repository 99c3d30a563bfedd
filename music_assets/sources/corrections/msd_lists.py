"""The MSD's own lists of what is wrong in it, as its authors publish them.

`sid_mismatches.txt`  a line a wrong link, `ERROR: <SO… TR…> artist - title != artist - title`: the song's
                      metadata (SO…) and the track's audio (TR…) are of different songs. 19,094 lines.
`msd_duplicates.txt`  tracks that are the same recording: a line with `%` opens a group, the lines below it
                      are track ids, `#` begins a comment.

Both are downloads of the MSD's site, which describes them so. Lines that are not understood are left out and
named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from music_assets.sources.corrections.errors import read_text
from music_assets.sources.corrections.overrides import TRACK_ID

_MISMATCH = re.compile(rf"ERROR:\s*<\s*SO[A-Z0-9]{{16}}\s+({TRACK_ID.pattern})\s*>")
_TOLD = 40  # characters of a line that a note shows


@dataclass(frozen=True)
class MsdList:
    """A list as read: what it says by track id, and the lines not understood, by number."""

    said: Mapping[str, str]
    malformed: tuple[tuple[int, str], ...]

    def note(self, path: Path) -> str | None:
        """The lines left out, in a sentence; None where there are none."""
        if not self.malformed:
            return None
        number, line = self.malformed[0]
        such = f"line {number}, {line[:_TOLD]!r}"
        if len(self.malformed) == 1:
            return f"{path.name}: {such}, is not understood and was left out."
        count = f"{len(self.malformed):,}"
        return f"{path.name}: {count} lines are not understood and were left out, such as {such}."


def read_sid_mismatches(path: Path) -> MsdList:
    """The wrong links: by track id, what the list says of it.

    Raises:
        CorrectionsError: the file cannot be read.
    """
    said: dict[str, str] = {}
    malformed = []
    for number, line in _lines(path):
        match = _MISMATCH.match(line)
        if match:
            said[match[1]] = line[match.end() :].strip()
        else:
            malformed.append((number, line))
    return MsdList(said, tuple(malformed))


def read_duplicates(path: Path) -> MsdList:
    """The duplicates: by track id, the smallest track id of its group.

    Raises:
        CorrectionsError: the file cannot be read.
    """
    groups: list[list[str]] = []
    seen: set[str] = set()
    malformed = []
    for number, line in _lines(path):
        if line.startswith("%"):
            groups.append([])
        elif line.startswith("#"):
            continue
        elif groups and TRACK_ID.fullmatch(line) and line not in seen:
            groups[-1].append(line)
            seen.add(line)
        else:  # also an id before any group, or in a second one
            malformed.append((number, line))
    said = {track_id: min(group) for group in groups if len(group) > 1 for track_id in group}
    return MsdList(said, tuple(malformed))


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    """The lines that are not blank, numbered from 1."""
    numbered = enumerate(read_text(path).split("\n"), start=1)
    return [(number, line.strip()) for number, line in numbered if line.strip()]

"""All corrections together, handed out a partition at a time.

An MSD track id says its partition: the third and fourth character. So a change in one of the files touches
the partitions it speaks of and no others.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from music_assets.sources.corrections.msd_lists import read_duplicates, read_sid_mismatches
from music_assets.sources.corrections.overrides import Override, read_overrides


@dataclass(frozen=True)
class OfPartition:
    """What is known of a partition's tracks, each by MSD track id.

    `mismatched` are tracks the MSD lists as wrongly linked; `duplicate_group` is the smallest track id of
    those that are the same recording.
    """

    overrides: Mapping[str, Override] = field(default_factory=dict)
    mismatched: frozenset[str] = frozenset()
    duplicate_group: Mapping[str, str] = field(default_factory=dict)

    @property
    def as_text(self) -> str:
        """All of it as one text, the same for the same corrections; empty where there are none."""
        if not (self.overrides or self.mismatched or self.duplicate_group):
            return ""
        overrides = [(one.track_id, one.spotify_track_id, one.note) for one in self.overrides.values()]
        groups = sorted(self.duplicate_group.items())
        return json.dumps([sorted(overrides, key=lambda one: one[0]), sorted(self.mismatched), groups])


class Corrections:
    """What the files say; nothing, where none is named. `notes` are sentences about lines left out."""

    def __init__(
        self,
        overrides: Mapping[str, Override] | None = None,
        mismatched: Iterable[str] = (),
        duplicate_group: Mapping[str, str] | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        self.notes = tuple(notes)
        self._overrides = _by_letters((overrides or {}).items())
        self._mismatched = _by_letters((track_id, track_id) for track_id in mismatched)
        self._groups = _by_letters((duplicate_group or {}).items())

    @classmethod
    def read(
        cls,
        overrides: Path | None = None,
        sid_mismatches: Path | None = None,
        msd_duplicates: Path | None = None,
    ) -> Corrections:
        """Read the files that are named.

        Raises:
            CorrectionsError: a file cannot be read, or the overrides cannot be meant.
        """
        by_hand = read_overrides(overrides) if overrides else {}
        mismatches = read_sid_mismatches(sid_mismatches) if sid_mismatches else None
        duplicates = read_duplicates(msd_duplicates) if msd_duplicates else None
        notes = [
            found.note(path)
            for found, path in ((mismatches, sid_mismatches), (duplicates, msd_duplicates))
            if found and path
        ]
        return cls(
            by_hand,
            mismatches.said if mismatches else (),
            duplicates.said if duplicates else None,
            [note for note in notes if note],
        )

    def of(self, letters: str) -> OfPartition:
        """What is known of the tracks of one partition, such as `AB`."""
        return OfPartition(
            self._overrides.get(letters, {}),
            frozenset(self._mismatched.get(letters, {})),
            self._groups.get(letters, {}),
        )


Said = TypeVar("Said")


def _by_letters(said: Iterable[tuple[str, Said]]) -> dict[str, dict[str, Said]]:
    found: defaultdict[str, dict[str, Said]] = defaultdict(dict)
    for track_id, value in said:
        found[track_id[2:4]][track_id] = value
    return dict(found)

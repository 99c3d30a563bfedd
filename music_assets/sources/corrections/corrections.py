"""All corrections together, one partition at a time.

A track id names its partition, so a change in one of the files affects the partitions of its tracks and no
others. Reading the files is in `overrides` and `msd_lists`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from music_assets.ids import partition_of
from music_assets.sources.corrections.msd_lists import read_duplicates, read_sid_mismatches
from music_assets.sources.corrections.overrides import Override, read_overrides


@dataclass(frozen=True)
class PartitionCorrections:
    """What is known of a partition's tracks, each by MSD track id.

    `mismatched` are tracks the MSD lists as wrongly linked; `duplicate_group` is the smallest track id of
    those that are the same recording.
    """

    overrides: dict[str, Override] = field(default_factory=dict)
    mismatched: set[str] = field(default_factory=set)
    duplicate_group: dict[str, str] = field(default_factory=dict)

    @property
    def as_text(self) -> str:
        """All of it as one text, the same for the same corrections; empty where there are none."""
        if not (self.overrides or self.mismatched or self.duplicate_group):
            return ""
        overrides = [override for _, override in sorted(self.overrides.items())]
        return json.dumps([overrides, sorted(self.mismatched), sorted(self.duplicate_group.items())])


class Corrections:
    """All corrections; `warnings` are sentences about lines that were left out."""

    def __init__(
        self,
        overrides: Mapping[str, Override] | None = None,
        mismatched: Iterable[str] = (),
        duplicate_group: Mapping[str, str] | None = None,
        warnings: Iterable[str] = (),
    ) -> None:
        self.warnings = tuple(warnings)
        self._partitions: defaultdict[str, PartitionCorrections] = defaultdict(PartitionCorrections)
        for track_id, override in (overrides or {}).items():
            self._partitions[partition_of(track_id)].overrides[track_id] = override
        for track_id in mismatched:
            self._partitions[partition_of(track_id)].mismatched.add(track_id)
        for track_id, group in (duplicate_group or {}).items():
            self._partitions[partition_of(track_id)].duplicate_group[track_id] = group

    @classmethod
    def read(
        cls,
        overrides: Path | None = None,
        sid_mismatches: Path | None = None,
        msd_duplicates: Path | None = None,
    ) -> Corrections:
        """Read the files that are named; `CorrectionsError` if one cannot be used."""
        mismatches = read_sid_mismatches(sid_mismatches) if sid_mismatches else None
        duplicates = read_duplicates(msd_duplicates) if msd_duplicates else None
        return cls(
            read_overrides(overrides) if overrides else None,
            mismatches.by_track if mismatches else (),
            duplicates.by_track if duplicates else None,
            [one.warning for one in (mismatches, duplicates) if one and one.warning],
        )

    @property
    def overridden(self) -> set[str]:
        """The MSD tracks that the overrides name."""
        return {track_id for known in self._partitions.values() for track_id in known.overrides}

    def partition(self, key: str) -> PartitionCorrections:
        """The corrections of one partition, such as `AB`."""
        return self._partitions.get(key) or PartitionCorrections()

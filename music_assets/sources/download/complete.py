"""What of the MSD lies below a folder, against what a whole copy has.

Counts directories and file names; no file is opened. Reading them is in `music_assets.sources.msd`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple


class Size(NamedTuple):
    """How large a whole copy is."""

    name: str
    directories: frozenset[str]
    songs: int


# http://millionsongdataset.com/pages/getting-dataset/
FULL_SET = Size("full set", frozenset(a + b for a, b in product(ascii_uppercase, repeat=2)), 1_000_000)
SUBSET = Size(
    "subset",
    frozenset([f"A{b}" for b in ascii_uppercase] + [f"B{b}" for b in "ABCDEFGHI"]),
    10_000,
)


@dataclass
class MsdCount:
    """What was counted: song files by two-letter directory, `misplaced` ones apart.

    A file is misplaced whose name does not begin with `TR` and the letters of its folders.
    """

    songs_in: dict[str, int] = field(default_factory=dict)
    misplaced: int = 0

    @property
    def songs(self) -> int:
        return sum(self.songs_in.values())

    @property
    def expected(self) -> Size:
        """The whole copy this can be: the subset, unless there are directories that it lacks."""
        return SUBSET if set(self.songs_in) <= SUBSET.directories else FULL_SET

    @property
    def missing(self) -> list[str]:
        """The directories a whole copy has and this one lacks, sorted."""
        return sorted(self.expected.directories - set(self.songs_in))

    @property
    def is_whole(self) -> bool:
        return not self.missing and self.songs == self.expected.songs

    def __str__(self) -> str:
        whole = self.expected
        return (
            f"{self.songs:,} of {whole.songs:,} songs in {len(self.songs_in)} of {len(whole.directories)} "
            f"directories of the {whole.name}"
        )


def count_msd(root: Path) -> MsdCount:
    """Count the song files of the folder that holds `A/` to `Z/`.

    A million names over a network take minutes. Raises OSError where a directory cannot be listed.
    """
    count = MsdCount()
    for key in sorted(FULL_SET.directories):
        folder = root / key[0] / key[1]
        if not folder.is_dir():
            continue
        found = 0
        for third in _letters(folder):
            begin = f"TR{key}{third}"
            names = [name for name in os.listdir(folder / third) if _is_song(name)]
            right = sum(name.startswith(begin) for name in names)
            found, count.misplaced = found + right, count.misplaced + len(names) - right
        if found:
            count.songs_in[key] = found
    return count


def _letters(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(one.name for one in entries if one.name in ascii_uppercase and one.is_dir())


def _is_song(name: str) -> bool:
    return name.endswith(".h5") and not name.startswith(".")

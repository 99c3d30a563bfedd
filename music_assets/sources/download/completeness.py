"""How much of the MSD is below a folder, compared with a whole copy, by names; no file is opened."""

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
SUBSET = Size("subset", frozenset(key for key in FULL_SET.directories if "AA" <= key <= "BI"), 10_000)


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
        for third in ascii_uppercase:
            folder = root / key[0] / key[1] / third
            if not folder.is_dir():
                continue
            names = [name for name in os.listdir(folder) if name.endswith(".h5") and name[0] != "."]
            right = sum(name.startswith(f"TR{key}{third}") for name in names)
            count.misplaced += len(names) - right
            if right:
                count.songs_in[key] = count.songs_in.get(key, 0) + right
    return count

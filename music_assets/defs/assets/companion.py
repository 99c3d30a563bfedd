"""What the MSD's companion sets have of each song, where somebody put their files into the downloads.

Which sets there are, and how their files are read, is in `music_assets.sources.companion`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from music_assets.defs.assets.common import OPEN
from music_assets.defs.resources import CompanionResource
from music_assets.defs.stages import stage
from music_assets.errors import MusicAssetsError
from music_assets.staging.partitions import Staged
from music_assets.staging.rows import Row
from music_assets.tables import STAGED, row_columns

if TYPE_CHECKING:
    from music_assets.sources.companion import Companion

# Each set's values by name, and the columns they go to; a list of genres goes to two.
_COLUMNS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "tagtraum": {
        "cd1": ("tagtraum_cd1", "tagtraum_cd1_minority"),
        "cd2": ("tagtraum_cd2", "tagtraum_cd2_other"),
        "cd2c": ("tagtraum_cd2c",),
    },
    "lastfm": {"tags": ("lastfm_tags",)},
    "secondhandsongs": {
        "clique": ("shs_clique",),
        "works": ("shs_works",),
        "performance": ("shs_performance",),
        "split": ("shs_split",),
    },
    "taste_profile": {"plays": ("taste_plays",), "users": ("taste_users",)},
    "musixmatch": {"mxm_tid": ("mxm_tid",), "split": ("mxm_split",), "words": ("mxm_words",)},
}


@dataclass(frozen=True)
class Opened:
    """What a session gives: the sets, None where there are none, and why they cannot be used."""

    companion: Companion | None = None
    problems: list[str] = field(default_factory=list)


def files_in_use(companion: CompanionResource) -> Callable[[str], str]:
    """The rows depend on the files that are there."""
    now = companion.identity()
    return lambda key: now


@contextmanager
def companion_sets(keys: Sequence[str], companion: CompanionResource) -> Iterator[Opened]:
    """The sets, opened for a run; where they cannot be used, the next run tries these partitions again."""
    try:
        opened = companion.open() if keys else None
    except MusicAssetsError as error:
        yield Opened(problems=[str(error)])
        return
    if opened is None:
        yield Opened()
        return
    with closing(opened):
        yield Opened(opened)


@stage(
    "companion_songs",
    inputs=("msd_songs",),
    version="1",
    depends_on=files_in_use,
    session=companion_sets,
    attributes={"group": OPEN, "kinds": {"duckdb", "python"}},
    description=(
        "What companion sets of the MSD have of the partition's tracks: genres (tagtraum), tags (Last.fm), "
        "groups of covers (SecondHandSongs), plays (Taste Profile), words of lyrics (musiXmatch). Of the "
        "files that are in `companion` below the downloads, each under its own terms; empty without any."
    ),
)
def companion_songs(msd_songs: list[Row], session: Opened, companion: CompanionResource) -> Staged:
    found = {}
    notes = list(session.problems)
    if session.companion is not None:
        found = session.companion.rows({song["track_id"]: song["song_id"] for song in msd_songs})
        notes += (
            f"{name}: {lines:,} odd {'line was' if lines == 1 else 'lines were'} set aside"
            for name, lines in session.companion.set_aside.items()
        )
    tracks = Counter(name for sets in found.values() for name in sets)
    metadata: dict[str, Any] = {"sets": dict(tracks.most_common())}
    if session == Opened():
        metadata["missing"] = f"no file is in {companion.folder}; docs/companion.md lists those there can be"
    rows = [_row(track_id, sets) for track_id, sets in sorted(found.items())]
    return Staged(rows, metadata, {"reasons": notes}, complete=not session.problems)


def _row(track_id: str, sets: Mapping[str, Mapping[str, Any]]) -> Row:
    row: Row = dict.fromkeys(row_columns(STAGED["companion_songs"]))
    row["track_id"] = track_id
    for name, values in sets.items():
        for value, columns in _COLUMNS[name].items():
            parts = values.get(value)
            row |= zip(columns, parts if name == "tagtraum" and parts else [parts], strict=False)
    return row

"""Songs to write and read in tests of MSD files: folders of them, aggregate and summary files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from music_assets.sandbox.msd.writer import Song, write_song_file, write_songs

TRACK = "TRABCDE128F4230A1B"  # is stored in A/B/C


def song(track_id: str = TRACK, **fields: Any) -> dict[str, Any]:
    """A song with little in it beside the given fields."""
    plain = {
        "track_id": track_id,
        "song_id": "SO" + track_id[2:],
        "title": "Paper Engine",
        "artist_id": "AR0000000000000001",
        "artist_name": "Brass Parsnip",
        "duration": 200.5,
    }
    return plain | fields


def terms(*names: str) -> list[dict[str, Any]]:
    return [{"term": name, "frequency": 0.5, "weight": 0.25} for name in names]


def song_path(root: Path, track_id: str) -> Path:
    """Where a track's file is below a root."""
    return root / track_id[2] / track_id[3] / track_id[4] / f"{track_id}.h5"


def write_in_place(root: Path, *songs: dict[str, Any]) -> list[Path]:
    """Write each song where the MSD would have it."""
    paths = [song_path(root, one["track_id"]) for one in songs]
    for path, one in zip(paths, songs, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_song_file(path, one)
    return paths


def write_aggregate_file(path: str | Path, songs: Sequence[Song]) -> None:
    """Write many songs into one file, as the MSD's aggregate files are."""
    write_songs(path, songs)


def write_summary_file(path: str | Path, songs: Sequence[Song]) -> None:
    """Write the three tables of many songs, and no arrays, as the MSD's summary file is."""
    write_songs(path, songs, arrays=False)

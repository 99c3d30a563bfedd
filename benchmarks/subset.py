"""Write the 10,000 songs of the MSD's subset in the MSD's layout, to try things at that scale.

    python -m benchmarks.subset OUT [--songs N] [--csv PATH]

The songs come from a CSV of MSD field names (one row a track), as `read_songs(...).to_csv` makes
one of a real subset. Tags and similar artists, which it has not, are as many as real files have,
and the analysis arrays are small: a file has some 85 KB instead of 280.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pandas as pd

from music_assets.sandbox.msd.writer import write_sample, write_song_file

CSV = Path(__file__).resolve().parents[2] / "shared" / "data" / "msd_subset_10k.csv.gz"
TERMS, SIMILAR = 30, 100  # of a song; the medians of real files
AT_ONCE = 100  # songs a task


def songs_of(csv: Path, songs: int | None) -> list[dict[str, Any]]:
    """The songs of the CSV by track id, each with tags."""
    frame = pd.read_csv(csv, nrows=songs).sort_values("track_id")
    artists = sorted(frame["artist_id"].unique())
    terms = [{"term": f"term {n}", "frequency": 1 - n / 50, "weight": 1 - n / 60} for n in range(TERMS)]
    rows: list[dict[str, Any]] = frame.to_dict("records")
    for number, row in enumerate(rows):
        similar = itertools.islice(itertools.cycle(artists), number, number + SIMILAR)
        row |= {"terms": terms, "similar_artists": list(similar)}
    return rows


def write(root: Path, songs: list[dict[str, Any]]) -> int:
    """Write these songs where the MSD would have them; returns how many."""
    for song in songs:
        track_id = song["track_id"]
        folder = root.joinpath(*track_id[2:5])
        folder.mkdir(parents=True, exist_ok=True)
        write_song_file(folder / f"{track_id}.h5", song)
    return len(songs)


def written_subset(root: Path, songs: int) -> Path:
    """The subset below a folder, or the sandbox's sample where its CSV is not at hand."""
    if not CSV.is_file():
        print("There is no CSV of the subset's songs beside the repository: the sandbox's sample is used.")
        return write_sample(root / "msd")
    for _ in write_all(root / "msd", songs_of(CSV, songs)):
        pass
    return root / "msd"


def write_all(root: Path, songs: list[dict[str, Any]]) -> Iterator[int]:
    """Write songs on all cores; gives how many are done, as they are."""
    done = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, len(songs), AT_ONCE)
        tasks = [pool.submit(write, root, songs[start : start + AT_ONCE]) for start in starts]
        for task in as_completed(tasks):
            done += task.result()
            yield done


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the songs of the MSD's subset in the MSD's layout.")
    parser.add_argument("out", type=Path, help="folder to write A/… and B/… into")
    parser.add_argument("--songs", type=int, help="only so many (default: all of the CSV)")
    parser.add_argument("--csv", type=Path, default=CSV, help="metadata of the songs, in MSD field names")
    options = parser.parse_args()
    if not options.csv.is_file():
        parser.error(f"{options.csv} does not exist; name the CSV of songs with --csv")

    began = time.perf_counter()
    songs = songs_of(options.csv, options.songs)
    for done in write_all(options.out, songs):
        print(f"\r{done:,} of {len(songs):,} songs", end="", flush=True)
    print(f" in {time.perf_counter() - began:.0f} s, below {options.out}")


if __name__ == "__main__":
    main()

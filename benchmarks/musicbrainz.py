"""How long it takes to link a million songs to MusicBrainz, and how much memory: index, join, decision.

    python -m benchmarks.musicbrainz [--rows N] [--songs N] [--run N]

A canonical dump of invented names is written: artists have some 25 recordings each, some of them live or
remastered. Of the songs eight in ten are in it, as the MSD would spell them (`_` for a comma, "(Album
Version)", a slip of the pen); nine in ten know their artist's id. Then, as in `musicbrainz_recordings`: the
index is built, the songs of a run are joined with it (26 partitions of 1,480 songs), and each is decided.
The peak is of this process, DuckDB's memory with it.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
import uuid
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

from music_assets.resolution.recordings import link, wanted
from music_assets.sources.musicbrainz import MusicBrainz, MusicBrainzFiles

_PARTS = ("ha se lo mi ru ta", "rb lt nd k", "our e ing a")
_WORDS = ["".join(parts) for parts in product(*map(str.split, _PARTS))]
_HEADER = (
    "id,artist_credit_id,artist_mbids,artist_credit_name,release_mbid,release_name,recording_mbid,"
    "recording_name,combined_lookup,score\n"
)
_EACH = 25  # recordings of an artist
_VERSIONS = ("", "", "", "", "", "", " (live)", " (demo)", " (remastered)", ", Part 2")
_SPELT = ("", "", "", "", " (Album Version)", " (LP Version)", " (Live)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--songs", type=int, default=1_000_000)
    parser.add_argument("--run", type=int, default=26 * 1480, help="songs joined at once")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "canonical_musicbrainz_data.csv")
        with path.open("w", encoding="utf-8") as file:
            file.write(_HEADER)
            file.writelines(map(_row, range(given.rows)))
        size = path.stat().st_size
        started = time.perf_counter()
        files = MusicBrainzFiles.find(Path(folder))
        assert files is not None
        with MusicBrainz.open(files, Path(folder, "cache")) as musicbrainz:
            print(
                f"index of {given.rows:,} rows ({size / 1e6:,.0f} MB): {time.perf_counter() - started:,.1f} s"
            )
            index = sum(one.stat().st_size for one in Path(folder, "cache").glob("*.duckdb"))
            print(f"the index takes {index / 1e6:,.0f} MB")
            _link_all(musicbrainz, given.songs, given.run, given.rows)
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def _link_all(musicbrainz: MusicBrainz, songs: int, run: int, rows: int) -> None:
    methods: Counter[str] = Counter()
    joined = decided = 0.0
    for first in range(0, songs, run):
        batch = [_song(number, rows) for number in range(first, min(first + run, songs))]
        started = time.perf_counter()
        look = musicbrainz.candidates(map(wanted, batch))
        joined += time.perf_counter() - started
        started = time.perf_counter()
        found = look([song["track_id"] for song in batch])
        for song in batch:
            one = link(song, found.get(song["track_id"], ()))
            methods[one.method if one else "none"] += 1
        decided += time.perf_counter() - started
    print(f"{songs:,} songs: joined in {joined:,.1f} s, decided in {decided:,.1f} s")
    for method, count in methods.most_common():
        print(f"  {method:<36} {count:>9,}  {count / songs:.1%}")


def _row(number: int) -> str:
    artist, title = number // _EACH, _title(number) + _VERSIONS[number % len(_VERSIONS)]
    return (
        f"{number},{artist},{_mbid(1, artist)},{_name(artist)},{_mbid(2, number)},{_title(number + 7)},"
        f'{_mbid(3, number)},"{title}",x,{number}\n'
    )


def _song(number: int, rows: int) -> dict[str, Any]:
    dice = random.Random(number)
    of = dice.randrange(rows) if dice.random() < 0.8 else rows + number
    title = _title(of) + dice.choice(_SPELT)
    if dice.random() < 0.03:
        title = title.replace("ng", "gn", 1)
    return {
        "track_id": f"TR{number:016d}",
        "song_id": f"SO{number:016d}",
        "title": title.replace(", ", "_ "),
        "artist_name": _name(of // _EACH),
        "artist_mbid": _mbid(1, of // _EACH) if dice.random() < 0.9 else None,
        "release": _title(of + 3),
    }


def _title(number: int) -> str:
    dice = random.Random(number * 31 + 7)
    return " ".join(dice.choice(_WORDS) for _ in range(dice.randint(1, 4)))


def _name(artist: int) -> str:
    return f"{_title(-artist - 2)} {artist}"


def _mbid(kind: int, number: int) -> str:
    return str(uuid.UUID(int=(hash((kind, number)) % 2**64) << 64 | number))


if __name__ == "__main__":
    main()

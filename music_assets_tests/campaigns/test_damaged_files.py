"""Mutants of real MSD files: each is read as HDF5 reads it, or set aside with a reason, in bounded time.

A damaged byte may be one that reading does not need: then the song is that of the file before it was damaged.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sources.msd import MsdRead, read_msd
from music_assets.sources.msd.errors import UnreadableFile
from music_assets.sources.msd.hdf5 import fast_reader, isolated
from music_assets.sources.msd.records import Record
from music_assets_tests.campaigns.world import LONG
from music_assets_tests.sources.msd.test_both_readers import assert_same
from music_assets_tests.support.msd_songs import TRACK, song, write_aggregate_file, write_in_place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

MUTANTS = 20_000 if LONG else 400
SEED = 7


def mutant(content: bytes, dice: random.Random) -> bytes:
    """One to four bytes changed, mostly where the structure is, or a part cut, zeroed or moved."""
    bad = bytearray(content)
    kind = dice.choice(["bit", "bytes", "bytes", "cut", "zeros", "copy"])
    within = dice.choice([8192, 65536, len(bad)])
    for _ in range(1 if kind == "bit" else dice.randint(1, 4)):
        place = dice.randrange(min(within, len(bad)))
        size = dice.choice([1, 2, 8, 64, 512])
        if kind == "bit":
            bad[place] ^= 1 << dice.randrange(8)
        elif kind == "bytes":
            bad[place] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
        elif kind == "cut":
            del bad[place : place + size]
        elif kind == "zeros":
            bad[place : place + size] = bytes(len(bad[place : place + size]))
        else:
            begins = dice.randrange(len(bad))
            bad[place : place + size] = bad[begins : begins + size]
    return bytes(bad)


def mutants(files: list[Path], folder: Path) -> Iterator[tuple[Path, Path]]:
    """The path of each mutant in turn, with the file it was made of."""
    dice = random.Random(SEED)
    for _ in range(MUTANTS):
        whole = dice.choice(files)
        path = folder / whole.name
        path.write_bytes(mutant(whole.read_bytes(), dice))
        yield path, whole
        path.unlink()


def by_hdf5(path: Path) -> Record | None:
    try:
        count, records = isolated.read(str(path))
        found = list(records)
        return found[0] if count == 1 else None
    except UnreadableFile:
        return None


def test_a_damaged_file_is_read_right_or_set_aside(shared: Path, tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    for path, whole in mutants(sorted((shared / "msd").rglob("*.h5")), tmp_path):
        read = read_msd(path)
        if read.set_aside:
            ((named, reason),) = read.set_aside
            assert named == path and reason and len(read.songs) == 0
            outcomes[reason.partition(":")[0] if "HDF5 aborts" in reason else "set aside"] += 1
            continue
        with path.open("rb") as file:
            record = fast_reader.read_record(file.fileno(), path.stat().st_size)
        expected = by_hdf5(path)
        if record is not None and expected is not None:
            assert_same(record, expected)
            outcomes["as HDF5 reads it"] += 1
        elif record is not None:
            assert_same_songs(read, read_msd(whole))
            outcomes["undamaged where it matters"] += 1
        else:
            outcomes["read by HDF5"] += 1
    assert sum(outcomes.values()) == MUTANTS
    assert outcomes["set aside"] and outcomes["as HDF5 reads it"]


def test_a_damaged_file_of_many_songs_stops_nothing(tmp_path: Path) -> None:
    many, (good,) = tmp_path / "many.h5", write_in_place(tmp_path / "msd", song())
    write_aggregate_file(many, list(sample_songs())[:100])
    (tmp_path / "mutants").mkdir()
    for path, _ in mutants([many], tmp_path / "mutants"):
        read = read_msd([path, good])
        assert TRACK in read.songs["track_id"].tolist()
        assert len(read.songs) > 1 or read.set_aside


def assert_same_songs(one: MsdRead, other: MsdRead) -> None:
    for mine, theirs in zip(one[:2], other[:2], strict=True):
        pd.testing.assert_frame_equal(
            mine.drop(columns="msd_file", errors="ignore"), theirs.drop(columns="msd_file", errors="ignore")
        )

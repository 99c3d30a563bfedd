"""The songs of the sample: where they are stored, and that they stay the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from music_assets.defs.partitions import KEYS
from music_assets.sandbox.msd.songs import LETTERS, SONGS, sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.sources.msd import MsdRoot


def test_the_songs_are_those_of_every_release() -> None:
    digest = hashlib.sha256(json.dumps(sample_songs()).encode()).hexdigest()
    # Other songs need another version of the sample in `writer`, and the README's numbers of matches.
    assert digest.startswith("b89363b3b4071bdd")  # pragma: allowlist secret


def test_it_is_stored_in_the_named_directories() -> None:
    songs = sample_songs()
    assert len(songs) == SONGS
    assert {song["track_id"][2:4] for song in songs} == set(LETTERS)


def test_twice_as_many_songs_as_directories_leave_none_empty() -> None:
    songs = sample_songs(KEYS, 2 * len(KEYS))
    assert {song["track_id"][2:4] for song in songs} == set(KEYS)
    assert len({song["track_id"] for song in songs}) == 2 * len(KEYS)


def test_another_sample_is_written_as_the_msd_has_it(tmp_path: Path) -> None:
    root = MsdRoot.open(write_sample(tmp_path, sample_songs(["AA", "ZZ"], 8)))
    assert root.partitions() == ["AA", "ZZ"]
    assert sum(len(root.read(key).songs) for key in root.partitions()) == 8

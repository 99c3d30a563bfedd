"""The manifest of a partition: what passed may be loaded, what failed is named, and nothing is read twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from music_assets.staging import manifests
from music_assets.staging.manifests import ManifestEntry
from music_assets.staging.partitions import Staged, write_partition
from music_assets.staging.rows import encode
from music_assets.staging.store import StagedFile, StagingStore, checksum
from music_assets_tests.support.staged_rows import row

KINDS = ("spotify_artists", "artist_votes", "audio_features")


@pytest.fixture
def store(tmp_path: Path) -> StagingStore:
    """A partition with an artist and no votes; of features nothing was staged."""
    store = StagingStore(str(tmp_path))
    write(store, "spotify_artists", [row("spotify_artists", spotify_artist_id="a")])
    write(store, "artist_votes", [])
    return store


def write(store: StagingStore, kind: str, rows: list[dict[str, Any]]) -> StagedFile:
    return write_partition(store, kind, "AB", Staged(rows), fingerprint="", run_id="run")


def by_another_program(store: StagingStore, content: list[dict[str, Any]], **known: Any) -> None:
    """Write a file as a program would that knows our format and not our validation."""
    encoded = encode(content, "AB")
    file = StagedFile(
        "spotify_artists", "AB", "", encoded.rows, len(encoded.content), checksum(encoded.content), "", ""
    )
    store.write(replace(file, **known), encoded.content)


def record(store: StagingStore) -> dict[str, ManifestEntry]:
    return manifests.record(store, "staged_json", KINDS, "AB")


def copy_manifest(store: StagingStore, kind: str) -> Any:
    return store.read_json("staged_json", "AB", f".{kind}.manifest")


def test_what_passed_is_recorded_also_as_copy_reads_it(store: StagingStore) -> None:
    entries = record(store)
    assert sorted(entries) == ["artist_votes", "spotify_artists"]
    assert all(entry.passed for entry in entries.values())
    assert manifests.read(store, "staged_json", "AB") == entries
    file = store.staged_file("spotify_artists", "AB")
    assert file is not None
    entry = {"url": store.url("spotify_artists", "AB"), "mandatory": True}
    assert copy_manifest(store, "spotify_artists") == {
        "entries": [{**entry, "meta": {"content_length": file.bytes}}]
    }
    assert copy_manifest(store, "artist_votes") is None  # COPY fails where there is nothing to load


@pytest.mark.parametrize("damage", [b"", b"half of it"], ids=["emptied", "cut"])
def test_a_damaged_file_is_left_out_and_the_others_pass(store: StagingStore, damage: bytes) -> None:
    Path(store.path("spotify_artists", "AB")).write_bytes(damage)
    entries = record(store)
    assert not entries["spotify_artists"].passed and entries["artist_votes"].passed
    assert "Run again: spotify_artists rebuilds AB" in entries["spotify_artists"].problems[0]
    assert copy_manifest(store, "spotify_artists") is None
    write(store, "spotify_artists", [row("spotify_artists", spotify_artist_id="a")])
    assert all(entry.passed for entry in record(store).values())


def test_a_file_that_passed_is_not_read_again(store: StagingStore) -> None:
    before = record(store)
    Path(store.path("spotify_artists", "AB")).unlink()
    assert record(store) == before


def test_a_file_of_another_program_passes_if_it_is_right(store: StagingStore) -> None:
    by_another_program(store, [row("spotify_artists", spotify_artist_id="b")])
    assert record(store)["spotify_artists"].passed


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"popularity": "loud"}, "popularity is not a whole number that fits in 1 row, such as b"),
        ({"mood": "blue"}, "field 'mood' is not a column (1 row)"),
    ],
)
def test_a_file_of_another_program_is_validated(
    store: StagingStore, values: dict[str, Any], problem: str
) -> None:
    by_another_program(store, [{**row("spotify_artists", spotify_artist_id="b"), **values}])
    assert problem in record(store)["spotify_artists"].problems


def test_a_stamp_of_another_file_does_not_let_one_pass(store: StagingStore) -> None:
    ours = store.staged_file("spotify_artists", "AB")
    assert ours is not None
    wrong = row("spotify_artists", spotify_artist_id="b", popularity="loud")
    by_another_program(store, [wrong], validation=ours.validation)
    assert not record(store)["spotify_artists"].passed


def test_a_wrong_count_of_rows_is_named(store: StagingStore) -> None:
    by_another_program(store, [row("spotify_artists", spotify_artist_id="b")], rows=2)
    assert record(store)["spotify_artists"].problems == ("it has 1 rows, 2 were written",)

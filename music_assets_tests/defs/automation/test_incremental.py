"""What a change makes again: a file its partition, a matcher its scores, a column its loads; nothing else."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from music_assets.cli.job import run_job
from music_assets.cli.summary import Summary
from music_assets.defs.assets import mapped_rows, mapping
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample, write_song_file
from music_assets.settings import Settings
from music_assets.staging.store import StagingStore
from music_assets.tables import STAGED

pytestmark = pytest.mark.slow  # a run each

DIRECTORIES = ("AA", "AB", "BZ")


@dataclasses.dataclass
class Deployment:
    settings: Settings

    @property
    def warehouse(self) -> str:
        return self.settings.warehouse.removeprefix("duckdb:///")

    def run(self) -> Summary:
        summary = run_job(self.settings)
        assert summary.failed == []
        return summary

    def made(self) -> dict[tuple[str, str], str]:
        """The run that made each staged file, by kind and partition."""
        store = StagingStore(self.settings.staging)
        found = {}
        for kind in STAGED:
            for key in DIRECTORIES:
                receipt = store.staged_file(kind, key)
                assert receipt is not None
                found[kind, key] = receipt.run_id
        return found

    def loaded(self) -> dict[tuple[str, str], str]:
        """The run that loaded each slice."""
        return {
            (table, slice_): run_id
            for table, slice_, run_id in self.query('SELECT "table", slice, run_id FROM meta.loads')
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.warehouse) as database:
            return database.execute(sql).fetchall()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder = tmp_path_factory.mktemp("incremental")
    write_sample(folder / "msd", sample_songs(DIRECTORIES, 12))
    deployment = Deployment(Settings.from_environment({}, data=str(folder / "data"), msd=str(folder / "msd")))
    assert deployment.run().songs == 12
    return deployment


@pytest.fixture
def deployment(filled: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """A copy of what a run has filled, which a test may change."""
    shutil.copytree(filled.settings.data.parent, tmp_path / "copy", copy_function=shutil.copy2)
    data, msd = str(tmp_path / "copy" / "data"), str(tmp_path / "copy" / "msd")
    yield Deployment(Settings.from_environment({}, data=data, msd=msd))


def changed(before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    assert before.keys() == after.keys()
    return {one for one in after if after[one] != before[one]}


def test_nothing_is_made_again_where_nothing_has_changed(deployment: Deployment) -> None:
    made, loaded = deployment.made(), deployment.loaded()
    assert deployment.run().requests_spent == 0
    assert (deployment.made(), deployment.loaded()) == (made, loaded)


def test_a_touched_file_makes_its_partition_again_and_no_other(deployment: Deployment) -> None:
    made, loaded = deployment.made(), deployment.loaded()
    song = next(song for song in sample_songs(DIRECTORIES, 12) if song["track_id"][2:4] == "AB")
    (path,) = Path(str(deployment.settings.msd)).rglob(f"{song['track_id']}.h5")
    write_song_file(path, {**song, "loudness": -1.5})
    os.utime(path)
    summary = deployment.run()
    assert summary.requests_spent == 0  # a song's loudness is nothing Spotify is asked about
    again = changed(made, deployment.made())
    assert {key for _, key in again} == {"AB"}
    assert ("msd_songs", "AB") in again
    assert {key for _, key in changed(loaded, deployment.loaded())} == {"AB"}
    assert deployment.query(f"SELECT loudness FROM msd.songs WHERE track_id = '{song['track_id']}'") == [
        (-1.5,)
    ]


def test_another_matcher_scores_again_and_reads_and_asks_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, loaded = deployment.made(), deployment.loaded()
    monkeypatch.setattr(mapped_rows, "matcher_version", lambda: "another")
    monkeypatch.setattr(mapping.mapped_songs, "version", "another")
    assert deployment.run().requests_spent == 0
    again = changed(made, deployment.made())
    assert {key for kind, key in again if kind == "mapped_songs"} == set(DIRECTORIES)
    assert {kind for kind, _ in again} <= {
        "mapped_songs",
        "artist_votes",
        "spotify_artists",
        "audio_features",
    }
    # Rows that came out the same are not loaded again; scores say who gave them, so they are.
    assert {kind for kind, _ in changed(loaded, deployment.loaded())} == {"mapped_songs"}
    assert deployment.query("SELECT DISTINCT matcher_version FROM mapped.songs") == [("another",)]


def test_a_new_column_is_loaded_again_from_what_is_staged(deployment: Deployment) -> None:
    """A warehouse that was filled before the column was declared."""
    with duckdb.connect(deployment.warehouse) as database:
        for table in ("staging.msd_songs", "msd.songs"):
            database.execute(f"ALTER TABLE {table} DROP COLUMN msd_file")
    made, loaded = deployment.made(), deployment.loaded()
    assert deployment.run().requests_spent == 0
    assert deployment.made() == made
    assert changed(loaded, deployment.loaded()) == {("msd_songs", key) for key in DIRECTORIES}
    assert deployment.query("SELECT count(*) FROM msd.songs WHERE msd_file IS NULL") == [(0,)]

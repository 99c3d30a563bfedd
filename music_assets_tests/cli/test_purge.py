"""`music-assets purge`: nothing of Spotify's is left anywhere, MSD data stays, and the next run works."""

from __future__ import annotations

import gzip
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from music_assets.cli.erase import Purge, Removed, spotify_kinds
from music_assets.cli.job import run_job
from music_assets.cli.lock import data_folder_lock
from music_assets.cli.main import cli
from music_assets.cli.purge import _show
from music_assets.defs.wiring import resources
from music_assets.sandbox.msd.writer import write_sample
from music_assets.sandbox.process import running_sandbox
from music_assets.sandbox.spotify.catalogue import ensure_catalogue
from music_assets.settings import Settings
from music_assets.sources.ledger import Key, Response, open_ledger
from music_assets.sources.msd import MsdRoot
from music_assets.staging.store import StagingStore
from music_assets.tables import LOADS, METADATA, PUBLISHED, SPOTIFY
from music_assets_tests.support.staged import staged_rows
from music_assets_tests.support.standin import Standin

FIRST, SECOND = "AA", "AB"  # partitions, asked about one after the other


@dataclass(frozen=True)
class World:
    """An MSD, the sandbox that answers about it, and a data folder made of them."""

    msd: Path
    sandbox_url: str
    data: Path
    between: datetime  # what was asked for FIRST is older

    def settings(self, data: Path, **more: Any) -> Settings:
        mine = {"data": str(data), "msd": str(self.msd), "sandbox_url": self.sandbox_url}
        # Labs and dumps would leave Spotify too little to count.
        return Settings.from_environment({}, skip_sources="labs,echonest,musicbrainz", **mine, **more)

    def copy(self, folder: Path) -> Settings:
        """The data folder as it was made, to purge."""
        shutil.copytree(self.data, folder / "data")
        return self.settings(folder / "data")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The sandbox keeps its catalogue elsewhere: what is of Spotify in the data folder, the run put there."""
    folder = tmp_path_factory.mktemp("purge")
    msd = write_sample(folder / "msd")
    root = MsdRoot.open(msd)
    songs = {key: root.read(key).songs for key in (FIRST, SECOND)}
    ensure_catalogue(
        folder / "catalogue.sqlite",
        ((key, root.fingerprint(key), partial(songs.__getitem__, key)) for key in songs),
    )
    with running_sandbox(folder / "catalogue.sqlite", mode="extended") as sandbox:
        url = sandbox.base_url.removesuffix("/v1/")
        made = World(msd, url, folder / "data", datetime.now(UTC))
        settings = made.settings(made.data)
        assert run_job(settings, f"{FIRST},{SECOND}").failed == []
        # One partition is asked about after the other.
        last, first = (
            choose(
                datetime.fromisoformat(row["fetched_at"])
                for row in staged_rows(settings, "spotify_search", key)
            )
            for choose, key in ((max, FIRST), (min, SECOND))
        )
        assert last < first
        yield replace(made, between=first.replace(tzinfo=UTC))


def purge(settings: Settings, *options: str, **more: Any) -> Result:
    environment = {"MUSIC_ASSETS_SPOTIFY": "sandbox", "COLUMNS": "240"}
    return CliRunner(env=environment).invoke(cli, ["purge", "--data", str(settings.data), *options], **more)


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.published), read_only=True) as database:
        return database.execute(sql).fetchall()


def distinctive(settings: Settings) -> list[str]:
    """Values of Spotify's that nothing else has: ids, urls, ISRCs, and names that no MSD song has."""
    msd = " ".join(str(row) for row in rows(settings, "SELECT title, artist_name, release FROM msd.songs"))
    values = rows(
        settings,
        "SELECT unnest([spotify_track_id, url, isrc, spotify_album_id, spotify_artist_id, name, album_name]) "
        "FROM spotify.tracks UNION SELECT unnest([spotify_artist_id, url, name]) FROM spotify.artists",
    )
    found = sorted({str(value) for (value,) in values if value and len(value) > 7 and value not in msd})
    assert len(found) > 100
    return found[:: len(found) // 40]  # some of each


def found_in(folder: Path, values: list[str]) -> set[str]:
    """The top folders and files below `folder` that hold any of these values, packed or not."""
    wanted = [value.encode() for value in values]
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            content += gzip.decompress(content) if path.suffix == ".gz" else b""
            if any(value in content for value in wanted):
                found.add(path.relative_to(folder).parts[0])
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """All files but those by which processes agree."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".sqlite-shm", ".sqlite-wal")
    }


def answers(settings: Settings) -> int:
    which = "purpose <> 'popularity' AND attempts > 0"
    with closing(sqlite3.connect(settings.ledger)) as ledger:
        return int(ledger.execute(f"SELECT count(*) FROM responses WHERE {which}").fetchone()[0])


def test_after_a_purge_of_all_nothing_of_spotifys_is_left(world: World, tmp_path: Path) -> None:
    settings = world.copy(tmp_path)
    values = distinctive(settings)
    msd = rows(settings, "SELECT * FROM msd.songs ORDER BY ALL")
    # They are found where they are, and never in Dagster's storage.
    assert found_in(settings.data, values) == {"ledger", "published", "staging", "warehouse.duckdb"}
    killed = [settings.published.with_name(".music_assets.duckdb.1"), settings.data / ".warehouse.duckdb.1"]
    killed.append(settings.data / "staging" / "spotify_tracks" / "A" / "A.json.gz.1.part")
    for path in killed:
        path.write_text(values[0])

    told = purge(settings, "--all", "--yes")
    assert told.exit_code == 0, told.output
    assert found_in(settings.data, values) == set()
    assert answers(settings) == 0
    assert rows(settings, "SELECT * FROM msd.songs ORDER BY ALL") == msd
    assert rows(settings, "SELECT DISTINCT match_status FROM analytics.songs") == [("pending",)]
    assert "Out of reach, and yours to remove:" in told.output


def announced(told: Result) -> int:
    """The requests that asking again was said to take."""
    said = re.search(r"about ([\d,]+) requests?", told.output)
    assert said is not None, told.output
    return int(said[1].replace(",", ""))


def test_a_purge_by_age_leaves_what_is_newer(world: World, tmp_path: Path) -> None:
    settings = world.copy(tmp_path)
    matches = f"SELECT track_id, match_status FROM analytics.songs WHERE substr(track_id, 3, 2) = '{SECOND}'"
    newer = rows(settings, f"{matches} ORDER BY ALL")
    list(Purge(settings, world.between).run())
    assert rows(settings, f"{matches} ORDER BY ALL") == newer
    assert rows(settings, matches.replace(SECOND, FIRST).replace("track_id, m", "DISTINCT m")) == [
        ("pending",)
    ]
    for table in ("spotify.tracks", "spotify.artists", "spotify.audio_features"):
        (held,) = rows(settings, f"SELECT min(fetched_at), count(*) FROM {table}")
        assert held[0].replace(tzinfo=UTC) >= world.between and held[1] > 0, table
    store = StagingStore(settings.staging)
    assert {slice_ for kind in spotify_kinds() for slice_ in store.keys(kind)} == {SECOND}
    assert store.keys("msd_songs") == [FIRST, SECOND]


def test_what_is_young_enough_is_left_alone(world: World, tmp_path: Path) -> None:
    settings = world.copy(tmp_path)
    kept = rows(settings, "SELECT * FROM analytics.songs ORDER BY ALL")
    told = purge(settings, "--yes")
    assert told.exit_code == 0, told.output
    assert announced(told) == 0
    for dry in (["--dry-run"], []):  # nothing of it is counted, not even the report
        told = purge(settings, "--yes", *dry)
        assert re.findall(r"^ +(\d[\d,]*) (?:files?|rows?|responses?) ", told.output, re.M) == []
        assert settings.report.exists()
    assert rows(settings, "SELECT * FROM analytics.songs ORDER BY ALL") == kept
    assert StagingStore(settings.staging).keys("spotify_search") == [FIRST, SECOND]


def test_ids_and_our_own_scores_stay_if_wanted(world: World, tmp_path: Path) -> None:
    settings = world.copy(tmp_path)
    ours = "SELECT track_id, spotify_track_id, status, score, rank, accepted FROM mapped.songs ORDER BY ALL"
    ids, values = rows(settings, ours), distinctive(settings)
    names = [value for value in values if not re.fullmatch(r"[0-9A-Za-z]{22}", value)]
    assert purge(settings, "--all", "--keep-ids", "--yes").exit_code == 0
    assert rows(settings, ours) == ids
    assert found_in(settings.data, names) == set()
    shown = rows(settings, "SELECT count(spotify_track_id), count(spotify_name) FROM analytics.songs")
    assert shown[0][0] > 0 and shown[0][1] == 0


def test_a_dry_run_counts_what_a_purge_removes_and_changes_nothing(world: World, tmp_path: Path) -> None:
    settings = world.copy(tmp_path)
    before = contents(settings.data)
    counted = list(Purge(settings, None, dry_run=True).run())
    assert contents(settings.data) == before
    removed = list(Purge(settings, None).run())
    assert counted == [one for one in removed if one.unit != "tables"]
    by_place = {one.place: one.count for one in counted}
    assert by_place["staged spotify_tracks"] >= 4  # two files, each with its receipt
    assert by_place["staging.mapped_songs"] > 0
    assert "Nothing was removed" in purge(settings, "--all", "--dry-run").output


@pytest.mark.parametrize("steps", [1, 12])
def test_a_purge_that_was_cut_short_can_be_repeated(world: World, tmp_path: Path, steps: int) -> None:
    settings = world.copy(tmp_path)
    values = distinctive(settings)
    cut = Purge(settings, None).run()
    done: list[Removed] = [next(cut) for _ in range(steps)]
    cut.close()
    assert len(done) == steps and found_in(settings.data, values)
    list(Purge(settings, None).run())
    assert found_in(settings.data, values) == set()


def test_nothing_is_removed_without_a_yes_or_while_a_run_is_at_work(world: World, tmp_path: Path) -> None:
    settings = world.copy(tmp_path)
    before = contents(settings.data)
    told = purge(settings, "--all", input="n\n")
    assert told.exit_code == 1
    assert 0 < told.output.index("staging.mapped_songs") < told.output.index("Remove it?")
    with data_folder_lock(settings.data):
        told = purge(settings, "--all", "--yes")
        assert told.exit_code == 2
        assert "is in use by another run" in told.output
    with closing(open_ledger(settings.ledger, source="sandbox")) as ledger, ledger.request_lock():
        told = purge(settings, "--all", "--yes")
        assert told.exit_code == 2
        assert "in use by process" in told.output
    assert contents(settings.data) == before
    assert purge(settings, "--all", "--older-than", "3").exit_code == 2


@pytest.mark.parametrize("kind", ["missing", "empty", "another's"])
@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_a_folder_without_data_is_refused_and_left_alone(tmp_path: Path, kind: str, option: str) -> None:
    folder = tmp_path / "nothing"
    if kind != "missing":
        folder.mkdir()
    if kind == "another's":
        (folder / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    told = purge(Settings.from_environment({}, data=str(folder)), "--all", option)
    assert told.exit_code == 2
    assert f"There is no data in {folder}" in told.output
    assert sorted(tmp_path.rglob("*")) == before


def test_the_ledger_of_the_real_spotify_is_purged_beside_the_sandboxs(tmp_path: Path) -> None:
    """Without credentials the sandbox is in use: the other's answers must not be forgotten for that."""
    settings = Settings.from_environment({}, data=str(tmp_path))
    with closing(open_ledger(tmp_path / "ledger" / "api.sqlite", source="api")) as ledger:
        key = Key("track", "TR", "search")
        ledger.put_many([Response(key, "answered", "q", datetime.now(UTC), "development", {})])
        of_listenbrainz = Key("artist", "an-mbid", "popularity")  # CC0: no terms limit how long it is kept
        ledger.put_many([Response(of_listenbrainz, "answered", "q", datetime.now(UTC), "keyless", {})])
        settled = Key("track", "TR", "settled")  # a note of ours, which takes no request
        ledger.put_many([Response(settled, "answered", "q", datetime.now(UTC), "development", {}, 0)])
        cached = sum(ledger.count_states().values())  # which doctor and status show
        removed = list(Purge(settings, None).run())
        assert ledger.count() == {"popularity": 1} and not ledger.get_many([settled])
    (responses,) = [one for one in removed if one.unit == "responses"]
    assert responses.count == 1 and responses.place.startswith(f"of {cached} in the ledger ")


def test_every_table_with_a_column_of_spotifys_is_purged() -> None:
    """Staged ones are found by themselves, published ones are filled again."""
    holding = {
        table.fullname
        for table in METADATA.sorted_tables
        if any(column.info["source"] == SPOTIFY for column in table.columns)
    }
    assert holding <= {f"staging.{kind}" for kind in spotify_kinds()} | set(PUBLISHED)
    without_time = [
        kind for kind in spotify_kinds() if "fetched_at" not in METADATA.tables[f"staging.{kind}"].c
    ]
    assert without_time == []


@pytest.mark.slow
@pytest.mark.parametrize("by_age", [True, False])
def test_the_next_run_asks_again_for_what_is_gone_as_was_said_before(
    world: World, tmp_path: Path, by_age: bool
) -> None:
    settings = world.copy(tmp_path)
    matches = "SELECT track_id, spotify_track_id, match_status FROM analytics.songs ORDER BY ALL"
    before = rows(settings, matches)
    wanted = Purge(settings, world.between if by_age else None)
    said = wanted.requests_again()
    list(wanted.run())
    again = run_job(settings, f"{FIRST},{SECOND}")
    assert again.failed == []
    # A song that is not found takes a second try, and batches are of a partition.
    assert again.requests_spent == pytest.approx(said, rel=0.2)
    assert rows(settings, matches) == before
    assert run_job(settings, f"{FIRST},{SECOND}").requests_spent == 0


@pytest.mark.slow
def test_s3_and_redshift_are_purged_with_their_earlier_versions(
    world: World, tmp_path: Path, standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.s3.put_bucket_versioning(Bucket=standin.bucket, VersioningConfiguration={"Status": "Enabled"})
    here = world.copy(tmp_path)
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", standin.new_database())
    monkeypatch.setenv("MUSIC_ASSETS_LEDGER", here.ledger)
    settings = Settings.from_environment(
        data=str(tmp_path / "there"),
        msd=str(world.msd),
        sandbox_url=world.sandbox_url,
        skip_sources="labs,echonest,musicbrainz",
        staging=f"s3://{standin.bucket}/purge",
        s3_endpoint=standin.s3_endpoint,
    )
    assert run_job(settings, f"{FIRST},{SECOND}").failed == []

    def versions(kind: str) -> int:
        listed = standin.s3.list_object_versions(Bucket=standin.bucket, Prefix=f"purge/{kind}/")
        return len(listed.get("Versions", [])) + len(listed.get("DeleteMarkers", []))

    def held(name: str) -> int:
        table = METADATA.tables[name]
        with resources(settings)["warehouse"].open().transaction("looking") as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    songs = held("msd.songs")
    assert versions("spotify_search") and held("spotify.tracks")
    list(Purge(settings, world.between).run())
    assert held("spotify.tracks") > 0 and held(LOADS.fullname) > 0
    removed = list(Purge(settings, None).run())
    assert {kind: versions(kind) for kind in spotify_kinds()} == dict.fromkeys(spotify_kinds(), 0)
    assert versions("msd_songs") > 0 and held("msd.songs") == held("analytics.songs") == songs
    for table in METADATA.sorted_tables:
        if table.schema == "spotify" or (table.schema == "staging" and table.name in spotify_kinds()):
            assert held(table.fullname) == 0, table.fullname
    assert sum(one.count for one in removed if one.unit == "responses") > 0
    assert run_job(settings, f"{FIRST},{SECOND}").failed == []
    assert held("spotify.tracks") > 0


@pytest.mark.parametrize(("count", "is_told"), [(0, True), (1, False)])
def test_that_there_is_nothing_to_remove_is_told(
    count: int, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    _show([Removed("of 5 in the ledger", count, "responses")])
    assert ("There is nothing to remove." in capsys.readouterr().out) == is_told

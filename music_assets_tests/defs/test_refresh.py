"""A refresh, day by day: what is asked again, within which share, what is recorded, and what is not repeated.

Over the sandbox in both access modes, on a clock that is moved; the tables are DuckDB's.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import AssetsDefinition, DagsterInstance, materialize

from music_assets.cli.job import run_job
from music_assets.defs import partitions, stages
from music_assets.defs.assets import staging
from music_assets.defs.assets.tables import published_tables
from music_assets.defs.automation.facts import Loads, days_to_load
from music_assets.defs.registry import STAGES_BY_DAY
from music_assets.defs.resources import RefreshResource, SpotifyResource
from music_assets.defs.stage_assets import stage_asset
from music_assets.defs.stages import Plan
from music_assets.defs.wiring import resources
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets.staging.partitions import Staged, write_partition
from music_assets.staging.rows import encode
from music_assets.staging.store import StagedFile, StagingStore
from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.manifest import CopyFrom
from music_assets_tests.support.faults import Raw
from music_assets_tests.support.sandbox import SandboxServer, catalogue, running_server, songs_frame
from music_assets_tests.support.staged_rows import Folder, Place, row

FIRST = datetime(2027, 1, 15, 8, tzinfo=UTC)  # the server's clock begins here
LONG_AGO = "2026-12-01T00:00:00"
PUBLISHED = ("spotify/tracks", "spotify/artists", "spotify/popularity_history", "spotify/artist_releases")
STAGES = [
    stage_asset(one, partitions_def=partitions.days, policy=partitions.days_policy) for one in STAGES_BY_DAY
]
REFRESH: list[AssetsDefinition] = [*STAGES, staging.staged_json_refresh, *staging.refresh_tables]
TABLES = [published_tables[name.replace("/", ".")] for name in PUBLISHED]
QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture(scope="module")
def songs_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("catalogue"), songs_frame(60))


@pytest.fixture(scope="module")
def _servers(songs_catalogue: Path) -> Iterator[dict[str, SandboxServer]]:
    with running_server(songs_catalogue) as one, running_server(songs_catalogue, mode="extended") as two:
        yield {"development": one, "extended": two}


@dataclasses.dataclass
class Deployment:
    """A deployment whose staging tables hold matches, with the Spotify they are of."""

    server: SandboxServer
    settings: Settings
    tracks: list[str]  # matched, by id
    artists: list[str]  # of these tracks, by id

    @property
    def warehouse(self) -> Warehouse:
        opened: Warehouse = resources(self.settings)["warehouse"].open()
        return opened

    @property
    def store(self) -> StagingStore:
        return StagingStore(self.settings.staging)

    def refresh(
        self, publish: bool = False, day: str | None = None, per_day: int | None = None, **more: Any
    ) -> dict[str, dict[str, Any]]:
        """Materialize a refresh of the clock's day, and the tables that show it where that is wanted.

        Returns:
            The metadata of each asset, and under `all` what the stages of tracks and artists say together.
        """
        spotify = self.settings.spotify.model_copy(update={"requests_per_day": per_day})
        settings = self.settings.model_copy(update={"spotify": spotify})
        made = {**resources(settings), "refresh": RefreshResource(share=0.2, **more)}
        about: dict[str, Any] = {"resources": made, "run_config": QUIET}
        with DagsterInstance.ephemeral() as instance:
            runs = [materialize(REFRESH, instance=instance, partition_key=day or self.day, **about)]
            if publish:
                runs.append(materialize(TABLES, instance=instance, **about))
        shown: dict[str, dict[str, Any]] = {
            event.asset_key.to_user_string(): {  # type: ignore[union-attr]
                name: value.value for name, value in event.materialization.metadata.items()
            }
            for run in runs
            for event in run.get_asset_materialization_events()
        }
        artists, tracks = shown["spotify_artists_refresh"], shown["spotify_tracks_refresh"]
        shown["all"] = {
            **tracks,
            "artists": artists["dagster/partition_row_count"],
            "tracks": tracks["dagster/partition_row_count"],
            "missing": sorted({*artists["missing"], *tracks["missing"]}),
            **{name: artists[name] + tracks[name] for name in ("with_popularity", "requests_spent")},
        }
        return shown

    @property
    def day(self) -> str:
        """The day it is by the server's clock."""
        return datetime.fromtimestamp(self.server.clock(), UTC).date().isoformat()

    def sent(self) -> dict[str, int]:
        """Requests to Spotify since the last look."""
        others = ("token", "reccobeats")
        counts = {kind: count for kind, count in self.server.sandbox.requests.items() if kind not in others}
        self.server.sandbox.requests.clear()
        return counts

    def days_pass(self, days: float = 1) -> None:
        self.server.clock.now += days * 86400

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.warehouse.transaction("looking") as connection:
            return [tuple(one) for one in connection.exec_driver_sql(sql)]

    def history(self) -> Counter[str]:
        """How many rows of the history each day has."""
        return Counter(str(day) for (day,) in self.rows("SELECT date FROM spotify.popularity_history"))

    def load(self, kind: str, slice_: str, rows: list[dict[str, Any]]) -> None:
        place = Place(self.warehouse, Folder(self.settings.data))
        place.warehouse.load(CopyFrom(kind, (place.stage(kind, slice_, rows),)), "run")


def track(id_: str, **more: Any) -> dict[str, Any]:
    """A track as a partition has it: whole, and seen long ago."""
    about = {"isrc": "X", "name": "Before", "source": "sandbox", "fetched_at": LONG_AGO}
    return row("spotify_tracks", spotify_track_id=id_, **{**about, **more})


@contextmanager
def deployment_in(server: SandboxServer, folder: Path, catalogue: Path) -> Iterator[Deployment]:
    """Sixty matched tracks and their artists, each seen by one partition."""
    with closing(sqlite3.connect(catalogue)) as db:
        found = db.execute("SELECT id, artist_ids FROM tracks ORDER BY number LIMIT 60").fetchall()
    artist_of = {id_: artists.split()[0] for id_, artists in found}
    settings = Settings.from_environment(
        {"MUSIC_ASSETS_SPOTIFY_MODE": "extended" if server.sandbox.extended else "development"},
        data=str(folder / "data"),
        sandbox_url=server.address.base_url.removesuffix("/v1/"),
    )
    deployment = Deployment(server, settings, sorted(artist_of), sorted(set(artist_of.values())))
    (folder / "data").mkdir()
    deployment.load("spotify_tracks", "AA", [track(id_) for id_ in deployment.tracks])
    deployment.load(
        "mapped_songs",
        "AA",
        [
            row(
                "mapped_songs",
                track_id=f"TRAA{number}",
                spotify_track_id=id_,
                accepted=True,
                source="sandbox",
            )
            for number, id_ in enumerate(deployment.tracks)
        ],
    )
    votes = Counter(artist_of.values())
    about = {"agreement": 1.0, "source": "sandbox", "fetched_at": LONG_AGO}
    deployment.load(
        "artist_votes",
        "AA",
        [
            row("artist_votes", artist_id=f"AR{id_}", spotify_artist_id=id_, votes=count, **about)
            for id_, count in votes.items()
        ],
    )
    yield deployment


@pytest.fixture
def deployment(
    request: pytest.FixtureRequest,
    _servers: dict[str, SandboxServer],
    songs_catalogue: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    server = _servers[request.param].reset()
    monkeypatch.setattr(SpotifyResource, "clock", lambda self: server.clock())
    _move_dagsters_clock(monkeypatch, server.clock)
    with deployment_in(server, tmp_path, songs_catalogue) as found:
        yield found


def _move_dagsters_clock(monkeypatch: pytest.MonkeyPatch, clock: Callable[[], float]) -> None:
    """Dagster knows no partition of a day that has not come."""
    monkeypatch.setattr("dagster._time._mockable_get_current_timestamp", clock)
    now = "dagster._time._mockable_get_current_datetime"
    monkeypatch.setattr(now, lambda: datetime.fromtimestamp(clock(), UTC))


in_development = pytest.mark.parametrize("deployment", ["development"], indirect=True)
with_extended_access = pytest.mark.parametrize("deployment", ["extended"], indirect=True)
in_both = pytest.mark.parametrize("deployment", ["development", "extended"], indirect=True)
slow = pytest.mark.slow  # a second a refresh


@with_extended_access
def test_a_few_days_bring_a_row_of_history_each_and_repeat_nothing(deployment: Deployment) -> None:
    everything = len(deployment.tracks) + len(deployment.artists)
    for day in range(1, 3):
        told = deployment.refresh(publish=True)
        releases = len(deployment.artists) if day == 1 else 0  # once a month
        assert deployment.sent() == {"tracks": 2, "artists": 1 + releases}
        assert told["all"]["tracks"] == len(deployment.tracks)
        assert told["all"]["with_popularity"] == everything
        assert deployment.history() == {f"2027-01-{14 + past}": everything for past in range(1, day + 1)}
        before = deployment.rows("SELECT * FROM spotify.popularity_history ORDER BY ALL")
        again = deployment.refresh(publish=True)
        assert deployment.sent() == {}
        assert again["all"]["requests_spent"] == 0
        assert deployment.rows("SELECT * FROM spotify.popularity_history ORDER BY ALL") == before
        deployment.days_pass()
    assert deployment.rows("SELECT count(*), count(popularity) FROM spotify.tracks") == [(60, 60)]
    assert deployment.rows("SELECT count(*) FROM spotify.tracks WHERE name = 'Before'") == [(0,)]


@in_development
def test_the_popularity_that_spotify_does_not_give_is_reccobeats(deployment: Deployment) -> None:
    told = deployment.refresh(publish=True)["all"]
    assert told["access"] == "development"
    assert told["missing"] == ["available_markets", "followers", "popularity"]
    assert (told["tracks"], told["artists"]) == (60, 0)
    assert 40 < told["with_popularity"] < 60  # it does not know every track
    sent = deployment.sent()  # releases come ten a page
    assert sent.keys() == {"tracks", "artists"} and sent["tracks"] == 60
    assert sent["artists"] >= len(deployment.artists)
    assert deployment.history() == {deployment.day: told["with_popularity"]}
    assert deployment.rows("SELECT count(*) FROM spotify.tracks WHERE name <> 'Before'") == [(60,)]


@in_development
def test_where_spotify_is_off_tracks_are_refreshed_from_reccobeats(deployment: Deployment) -> None:
    off = deployment.settings.spotify.model_copy(update={"source": "off"})
    deployment.settings = deployment.settings.model_copy(update={"spotify": off})
    for day in range(1, 3):
        told = deployment.refresh(publish=True)["all"]
        assert 40 < told["tracks"] == told["with_popularity"] < 60 and told["artists"] == 0
        assert deployment.sent() == {} and len(deployment.history()) == day
        deployment.days_pass()


@slow
@in_both
def test_values_of_spotifys_are_in_no_metadata(deployment: Deployment) -> None:
    told = str(deployment.refresh(publish=True))
    names = deployment.rows("SELECT name FROM spotify.tracks")
    assert not [name for (name,) in names if name in told]
    assert not [id_ for id_ in deployment.tracks + deployment.artists if id_ in told]


@slow
@in_development
def test_a_share_of_what_is_left_of_the_day_is_spent(deployment: Deployment) -> None:
    asked: set[str] = set()
    for _ in range(2):
        told = deployment.refresh(publish=True, per_day=60)
        assert told["all"]["requests_allowed"] == 12
        assert deployment.sent() == {"tracks": 8, "artists": 4}
        deployment.refresh(publish=True, per_day=60)
        assert deployment.sent() == {}  # what is left of the day is no new share
        fresh = deployment.rows("SELECT spotify_track_id FROM spotify.tracks WHERE name <> 'Before'")
        assert len({id_ for (id_,) in fresh} - asked) == 8  # others than yesterday's
        asked |= {id_ for (id_,) in fresh}
        deployment.days_pass()


@slow
@in_development
def test_where_nothing_is_left_nothing_is_asked(deployment: Deployment) -> None:
    told = deployment.refresh(per_day=4)
    assert (told["all"]["requests_allowed"], deployment.sent()) == (0, {})


@slow
@in_development
def test_what_lacks_its_details_comes_first_and_then_the_stalest(deployment: Deployment) -> None:
    within_album, older, by_hand = deployment.tracks[20], deployment.tracks[30], "0" * 22
    deployment.load("spotify_tracks", "AB", [track(older, fetched_at="2026-11-01T00:00:00")])
    deployment.load("spotify_tracks", "AC", [])
    others = [track(id_) for id_ in deployment.tracks if id_ not in (within_album, older)]
    newer = track(within_album, isrc=None, fetched_at="2027-01-14T00:00:00")
    deployment.load("spotify_tracks", "AA", [*others, newer])
    hand = {"spotify_track_id": by_hand, "accepted": True, "by_hand": True, "source": "overrides"}
    deployment.load("mapped_songs", "AB", [row("mapped_songs", track_id="TRAB1", **hand)])
    deployment.refresh(requests=5)  # 4 are for tracks, the fifth for releases
    taken = deployment.rows(
        "SELECT spotify_track_id FROM staging.spotify_tracks_refresh WHERE slice = '2027-01-15'"
    )
    first_of_others = min(row["spotify_track_id"] for row in others)
    assert {id_ for (id_,) in taken} == {by_hand, within_album, older, first_of_others}


@slow
@in_development
def test_a_track_without_isrc_is_not_asked_for_first_for_ever(deployment: Deployment) -> None:
    vanished = deployment.tracks[7]
    others = [track(id_) for id_ in deployment.tracks if id_ != vanished]
    deployment.load("spotify_tracks", "AA", [*others, track(vanished, isrc=None)])
    deployment.server.sandbox.faults.gone = frozenset([vanished])
    for _ in range(2):
        deployment.refresh(requests=2)
        deployment.days_pass()
    days = deployment.rows(
        "SELECT slice, count(vanished_at) FROM staging.spotify_tracks_refresh GROUP BY ALL ORDER BY ALL"
    )
    assert days == [("2027-01-15", 1), ("2027-01-16", 0)]


@pytest.mark.parametrize("deployment", [pytest.param("development", marks=slow), "extended"], indirect=True)
def test_tracks_that_vanished_are_recorded_and_found_again(deployment: Deployment) -> None:
    gone = deployment.tracks[3]
    deployment.server.sandbox.faults.gone = frozenset([gone])
    told = deployment.refresh(publish=True)["all"]
    assert (told["tracks"], told["vanished"]) == (60, 1)
    about = f"SELECT name, isrc, vanished_at FROM spotify.tracks WHERE spotify_track_id = '{gone}'"
    ((name, isrc, since),) = deployment.rows(about)
    assert (name, isrc, since) == ("Before", "X", FIRST.replace(tzinfo=None))
    assert deployment.rows("SELECT count(vanished_at) FROM spotify.tracks") == [(1,)]
    deployment.days_pass()
    assert deployment.refresh(publish=True)["all"]["vanished"] == 1
    assert deployment.rows(about)[0][2] == since  # the first time it was said
    deployment.server.sandbox.faults.gone = frozenset()
    deployment.days_pass()
    assert deployment.refresh(publish=True)["all"]["vanished"] == 0
    assert deployment.rows(about)[0][2] is None and deployment.rows(about)[0][0] != "Before"


@in_development
def test_relinked_tracks_are_recorded(deployment: Deployment) -> None:
    """In a market: elsewhere development mode gives no other track than the one requested."""
    in_germany = deployment.settings.spotify.model_copy(update={"market": "DE"})
    deployment.settings = deployment.settings.model_copy(update={"spotify": in_germany})
    copy: dict[str, Any] = {"type": "track", "id": "9" * 22, "name": "A Copy", "artists": []}
    copy["external_ids"] = {"isrc": "USRC17607839"}
    deployment.server.sandbox.faults.script.append(Raw(200, json.dumps(copy).encode(), {}))
    assert deployment.refresh(publish=True)["all"]["relinked"] >= 1
    ((id_, to),) = deployment.rows(
        "SELECT spotify_track_id, relinked_to FROM spotify.tracks WHERE name = 'A Copy'"
    )
    assert id_ in deployment.tracks and to == "9" * 22


@slow
@in_development
def test_a_refresh_whose_budget_ends_goes_on_the_same_day(deployment: Deployment) -> None:
    deployment.server.sandbox.faults.quota_per_day = 10
    told = deployment.refresh(publish=True, requests=200)["all"]
    assert 0 < told["tracks"] <= 10 and told["go_on_at"]
    deployment.sent()
    deployment.server.sandbox.faults.quota_per_day = None
    deployment.days_pass(0.5)
    with closing(sqlite3.connect(deployment.settings.ledger)) as ledger, ledger:
        ledger.execute("DELETE FROM state WHERE name LIKE '%pause%'")  # the quota came back early
    again = deployment.refresh(publish=True, requests=200)["all"]
    assert (again["tracks"], again["go_on_at"]) == (60, "")
    assert deployment.sent()["tracks"] == 60 - told["tracks"]
    assert deployment.rows("SELECT count(*) FROM spotify.tracks WHERE name <> 'Before'") == [(60,)]


@slow
@in_development
def test_a_killed_refresh_requests_nothing_twice(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(store: StagingStore, kind: str, *args: Any, **more: Any) -> StagedFile:
        if kind == "spotify_tracks_refresh":
            raise KeyboardInterrupt
        return write_partition(store, kind, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(stages, "write_partition", killed)
        with pytest.raises(KeyboardInterrupt):
            deployment.refresh()
    assert deployment.sent() == {"tracks": 60}
    assert deployment.refresh()["all"]["tracks"] == 60
    assert "tracks" not in deployment.sent()


@in_development
def test_releases_since_2011_are_listed_for_the_artists_with_most_songs(deployment: Deployment) -> None:
    told = deployment.refresh(publish=True, requests=36)["artist_releases"]
    assert 0 < told["artists"] < 12 <= deployment.sent()["artists"] <= 14  # ten releases a page
    most = deployment.rows(
        f"SELECT spotify_artist_id FROM staging.artist_votes ORDER BY votes DESC, 1 LIMIT {told['artists']}"
    )
    asked = deployment.rows("SELECT DISTINCT spotify_artist_id FROM staging.artist_releases")
    assert sorted(asked) == sorted(most)
    (years,) = deployment.rows("SELECT min(release_year), count(*) FROM spotify.artist_releases")
    assert years[0] >= 2011 and years[1] == told["releases"] > 0


@slow
@in_development
def test_an_artist_is_asked_about_once_in_so_many_days(deployment: Deployment) -> None:
    for days, asked in ((0, len(deployment.artists)), (9, 0), (1, len(deployment.artists))):
        deployment.days_pass(days)
        deployment.refresh(releases_every_days=10)
        sent = deployment.sent().get("artists", 0)
        assert sent >= asked and bool(sent) == bool(asked)  # ten releases a page


@slow
@in_both
def test_a_new_warehouse_gets_the_slices_of_all_days(deployment: Deployment) -> None:
    for _ in range(2):
        deployment.refresh(publish=True)
        deployment.days_pass()
    held = deployment.rows("SELECT * FROM staging.spotify_tracks_refresh ORDER BY ALL")
    assert held
    releases = deployment.rows("SELECT * FROM spotify.artist_releases ORDER BY ALL")
    Path(deployment.settings.warehouse.removeprefix("duckdb:///")).unlink()
    deployment.sent()
    missing = days_to_load(Plan(deployment.store, {}), Loads.read(deployment.warehouse))
    assert missing == ["2027-01-15", "2027-01-16"]
    for day in missing:
        deployment.refresh(day=day, publish=True)
    assert deployment.sent() == {}
    assert deployment.rows("SELECT * FROM staging.spotify_tracks_refresh ORDER BY ALL") == held
    assert deployment.rows("SELECT * FROM spotify.artist_releases ORDER BY ALL") == releases
    assert days_to_load(Plan(deployment.store, {}), Loads.read(deployment.warehouse)) == []


@slow
@in_development
def test_the_file_of_a_past_day_gets_the_columns_declared_since(deployment: Deployment) -> None:
    day = "2027-01-14"
    old = {name: value for name, value in track(deployment.tracks[0]).items() if name != "relinked_to"}
    write_partition(
        deployment.store, "spotify_tracks_refresh", day, Staged([old]), fingerprint="0", run_id="r"
    )
    deployment.refresh(day=day)
    assert deployment.sent() == {}  # a past day cannot be requested again
    assert deployment.rows(f"SELECT count(*) FROM staging.spotify_tracks_refresh WHERE slice = '{day}'") == [
        (1,)
    ]


@slow
@in_development
def test_a_wrong_file_of_another_program_is_refused_and_the_others_are_loaded(deployment: Deployment) -> None:
    deployment.refresh()
    rows = "SELECT * FROM staging.spotify_tracks_refresh ORDER BY spotify_track_id"
    loaded = deployment.rows(rows)
    assert len(loaded) == 60
    encoded = encode([track(deployment.tracks[0], popularity="loud")], deployment.day)
    kind = "spotify_tracks_refresh"
    write_partition(deployment.store, kind, deployment.day, Staged(encoded), fingerprint="0", run_id="r")
    with DagsterInstance.ephemeral() as instance:
        done = materialize(
            REFRESH,
            selection=[staging.staged_json_refresh, *staging.refresh_tables],
            instance=instance,
            partition_key=deployment.day,
            resources=resources(deployment.settings),
            run_config=QUIET,
        )
    (event,) = done.asset_materializations_for_node("staged_json_refresh")
    assert event.metadata["refused"].value == 1
    (problem,) = event.metadata["problems"].value
    assert problem.startswith("spotify_tracks_refresh: popularity is not a whole number")
    assert deployment.rows(rows) == loaded


@slow
def test_the_main_job_refreshes_where_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sample(tmp_path / "msd", sample_songs(("AA", "AB"), 12))
    settings = Settings.from_environment({}, data=str(tmp_path / "data"), msd=str(tmp_path / "msd"))
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    def history(day: datetime) -> int:
        sql = f"SELECT count(*) FROM spotify.popularity_history WHERE date = '{day.date()}'"
        with duckdb.connect(str(settings.published), read_only=True) as database:
            (count,) = database.execute(sql).fetchall()
        return int(count[0])

    first = run_job(settings)
    monkeypatch.setattr(SpotifyResource, "clock", lambda self: tomorrow.timestamp())
    _move_dagsters_clock(monkeypatch, tomorrow.timestamp)
    assert run_job(settings).requests_spent == 0
    second = run_job(settings, refresh=True)
    third = run_job(settings, refresh=True)
    assert first.failed + second.failed + third.failed == []
    assert second.requests_spent > 0 and third.requests_spent == 0
    assert (
        history(datetime.now(UTC)) > history(tomorrow) > 0
    )  # candidates that are no match are not refreshed
    assert second.tables["spotify.artist_releases"] > 0


@slow
def test_in_development_mode_the_main_job_lists_releases_too(tmp_path: Path) -> None:
    """Ten a page, where a larger one is refused; the sandbox of `auto` has extended access."""
    write_sample(tmp_path / "msd", sample_songs(("AA",), 12))
    settings = Settings.from_environment(
        {"MUSIC_ASSETS_SPOTIFY_MODE": "development"}, data=str(tmp_path / "data"), msd=str(tmp_path / "msd")
    )
    runs = [run_job(settings), run_job(settings, refresh=True)]
    assert [run.failed for run in runs] == [[], []]
    assert runs[1].tables["spotify.artist_releases"] > 0

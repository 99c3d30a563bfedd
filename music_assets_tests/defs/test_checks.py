"""The checks: what each finds, on tables that are right but for one thing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    AssetMaterialization,
    AssetSelection,
    DagsterInstance,
    build_asset_check_context,
    materialize,
)
from sqlalchemy import Connection, delete, insert, update

from music_assets.definitions import build_defs
from music_assets.defs.checks import OTHERS_LOAD, REFERENCES, build_checks
from music_assets.defs.instance import dagster_instance
from music_assets.defs.resources import StagingResource, WarehouseResource
from music_assets.tables import LOADS, PUBLISHED, STAGED

NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
SONGS = 60  # a partition
TRACK, ARTIST = "spotify-track", "spotify-artist"


def track_id(letters: str, number: int) -> str:
    return f"TR{letters}A{number:03d}128F4290"


def complete(table: str, **values: Any) -> dict[str, Any]:
    """A row of a published table; what may not be NULL and is not given is false."""
    row: dict[str, Any] = {column.name: None for column in PUBLISHED[table].columns}
    return {**row, **values}


def rows() -> dict[str, list[dict[str, Any]]]:
    """Tables that are right: two partitions of an artist's songs, matched but for every tenth."""
    ids = [track_id(letters, number) for letters in ("AA", "AB") for number in range(SONGS)]
    status = {id_: "below_floor" if place % 10 == 0 else "matched" for place, id_ in enumerate(ids)}
    about = {"source": "sandbox", "fetched_at": NOW}
    return {
        "msd.songs": [
            complete("msd.songs", track_id=id_, artist_id="AR1", duration=200.0, year=1999, key=0, mode=1)
            for id_ in ids
        ],
        "msd.artists": [complete("msd.artists", artist_id="AR1", artist_latitude=-90.0, songs=2 * SONGS)],
        "spotify.tracks": [complete("spotify.tracks", spotify_track_id=TRACK, popularity=100, **about)],
        "spotify.artists": [complete("spotify.artists", spotify_artist_id=ARTIST, popularity=0, **about)],
        "spotify.audio_features": [
            complete("spotify.audio_features", spotify_track_id=TRACK, key=-1, **about)
        ],
        "spotify.popularity_history": [],
        "listenbrainz.popularity_history": [],
        "spotify.artist_releases": [],
        "mapped.songs": [
            complete(
                "mapped.songs",
                track_id=id_,
                spotify_track_id=TRACK,
                status=status[id_],
                rank=1,
                accepted=status[id_] == "matched",
                **about,
            )
            for id_ in ids
        ],
        "mapped.artists": [
            complete("mapped.artists", artist_id="AR1", spotify_artist_id=ARTIST, rank=1, votes=9)
        ],
        "analytics.songs": [
            complete("analytics.songs", track_id=id_, match_status=status[id_], year=1999) for id_ in ids
        ],
        "analytics.artists": [complete("analytics.artists", artist_id="AR1", songs=2 * SONGS)],
    }


class Deployment:
    def __init__(self, folder: Path, instance: DagsterInstance) -> None:
        self.instance = instance
        self.resource = WarehouseResource(
            url=f"duckdb:///{folder / 'warehouse.duckdb'}", published=str(folder / "copy.duckdb")
        )
        with self.connection() as connection:
            for name, found in rows().items():
                if found:
                    connection.execute(insert(PUBLISHED[name]), found)

    def connection(self) -> Any:
        return self.resource.open().transaction("testing")

    def results(self) -> dict[str, AssetCheckResult]:
        """Every check's result, by table and name."""
        found = {}
        for check in build_checks(retention_days=180):
            if "warehouse" in check.required_resource_keys:
                for result in self._run(check):
                    assert result.asset_key is not None
                    found[f"{'.'.join(result.asset_key.path[1:])} {result.check_name}"] = result
        return found

    def failing(self) -> dict[str, AssetCheckResult]:
        return {name: result for name, result in self.results().items() if not result.passed}

    def _run(self, check: AssetChecksDefinition) -> Iterator[AssetCheckResult]:
        context = build_asset_check_context(instance=self.instance)
        results: Any = check(context, warehouse=self.resource)
        yield from results


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("right")
    with dagster_instance(folder / "dagster") as instance:
        yield Deployment(folder, instance)


@pytest.fixture
def deployment(right: Deployment) -> Iterator[Deployment]:
    """Tables that a test may spoil; they are right again after it."""
    yield right
    with right.connection() as connection:
        for table in (*PUBLISHED.values(), *STAGED.values(), LOADS):
            connection.execute(delete(table))
        for name, found in rows().items():
            if found:
                connection.execute(insert(PUBLISHED[name]), found)


def test_a_check_can_be_executed_alone(right: Deployment) -> None:
    name, key = "rows_are_kept", AssetKey(["warehouse", "msd", "songs"])
    assert [(each.check_name, each.passed) for each in executed(right, key, name)] == [(name, True)]


def executed(deployment: Deployment, key: AssetKey, name: str) -> list[AssetCheckEvaluation]:
    """What comes of a check in a run of its own."""
    done = materialize(
        build_checks(retention_days=180),
        selection=AssetSelection.checks(AssetCheckKey(key, name)),
        resources={"warehouse": deployment.resource, "staging": StagingResource(url="nowhere")},
        instance=deployment.instance,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    return [*done.get_asset_check_evaluations()]


def test_right_tables_pass_all(right: Deployment) -> None:
    results = right.results()
    assert [name for name, result in results.items() if not result.passed] == []
    assert len(results) >= 40
    assert {name.split()[0] for name in results} == set(PUBLISHED)


def songs(name: str = "msd.songs") -> Any:
    return PUBLISHED[name]


FIRST = track_id("AA", 1)


# Each makes one check fail.
MISLEADING: dict[str, Any] = {
    "msd.songs key_is_unique": insert(songs()).values(track_id=FIRST, artist_id="AR1"),
    "mapped.artists mapped_artists_spotify_artist_id_is_in_spotify_artists": insert(
        songs("mapped.artists")
    ).values(artist_id="AR1", spotify_artist_id="nobody"),
    "mapped.songs mapped_songs_spotify_track_id_is_in_spotify_tracks": update(songs("mapped.songs"))
    .values(spotify_track_id="x")
    .where(songs("mapped.songs").c.track_id == FIRST),
    "analytics.songs msd_songs_track_id_is_in_analytics_songs": delete(songs("analytics.songs")).where(
        songs("analytics.songs").c.track_id == FIRST
    ),
    "msd.songs rows_are_those_loaded": insert(STAGED["msd_songs"]).values(slice="AA", track_id=FIRST),
    "spotify.audio_features rows_are_those_loaded": insert(LOADS).values(
        table="audio_features", slice="AA", rows=7
    ),
}


def test_what_would_mislead_readers_blocks(deployment: Deployment) -> None:
    with deployment.connection() as connection:
        for statement in MISLEADING.values():
            connection.execute(statement)
    failing = deployment.failing()
    assert set(failing) == set(MISLEADING)
    assert {result.severity for result in failing.values()} == {AssetCheckSeverity.ERROR}
    blocking = {spec.name for check in build_checks(180) for spec in check.check_specs if spec.blocking}
    assert {name.split()[1] for name in MISLEADING} <= blocking


@pytest.mark.parametrize(
    ("ago", "severity"),
    [(timedelta(hours=1), AssetCheckSeverity.ERROR), (-timedelta(hours=1), AssetCheckSeverity.WARN)],
)
def test_a_reference_is_warned_of_alone_where_another_run_has_loaded_since(
    deployment: Deployment, ago: timedelta, severity: AssetCheckSeverity
) -> None:
    table, name = "mapped.songs", "mapped_songs_spotify_track_id_is_in_spotify_tracks"
    by_another = {"table": "a", "slice": "AA", "rows": 0, "run_id": "another", "loaded_at": NOW - ago}
    with deployment.connection() as connection:
        connection.execute(MISLEADING[f"{table} {name}"])
        connection.execute(insert(LOADS).values(by_another))
    (found,) = executed(deployment, AssetKey(["warehouse", *table.split(".")]), name)
    assert (found.passed, found.severity) == (False, severity)
    assert (found.description == OTHERS_LOAD) == (severity is AssetCheckSeverity.WARN)


def test_values_out_of_range_are_warned_of(deployment: Deployment) -> None:
    wrong: dict[str, dict[str, float]] = {
        "msd.songs": {"duration": -1.0, "year": 1899, "key": 12, "mode": 2},
        "msd.artists": {"artist_latitude": 90.5, "artist_longitude": -181.0},
        "spotify.tracks": {"popularity": 101},
        "spotify.artists": {"popularity": -1},
        "spotify.audio_features": {"valence": 1.5},
        "analytics.songs": {"match_score": 1.1, "year": NOW.year + 2},
    }
    with deployment.connection() as connection:
        for name, values in wrong.items():
            connection.execute(update(PUBLISHED[name]).values(values))
    failing = {name: result for name, result in deployment.results().items() if not result.passed}
    assert set(failing) == {f"{name} values_are_in_range" for name in wrong}
    for name, values in wrong.items():
        result = failing[f"{name} values_are_in_range"]
        assert result.severity == AssetCheckSeverity.WARN
        assert set(result.metadata["columns"].value) == set(values)


def set_statuses(connection: Connection, letters: str, status: str, count: int) -> None:
    table = songs("analytics.songs")
    ids = [track_id(letters, number) for number in range(count)]
    connection.execute(update(table).values(match_status=status).where(table.c.track_id.in_(ids)))


def test_a_partition_matched_unlike_the_others_is_warned_of(deployment: Deployment) -> None:
    with deployment.connection() as connection:
        set_statuses(connection, "AB", "no_candidates", SONGS)
    ((name, result),) = deployment.failing().items()
    assert name == "analytics.songs match_rates_are_alike"
    assert "AB 0.0%" in str(result.description)


def test_chance_is_no_reason_to_warn(deployment: Deployment) -> None:
    with deployment.connection() as connection:
        set_statuses(connection, "AB", "below_floor", SONGS // 5)
    assert deployment.failing() == {}


def test_many_pending_songs_are_warned_of(deployment: Deployment) -> None:
    with deployment.connection() as connection:
        set_statuses(connection, "AA", "pending", SONGS // 2)
    ((name, result),) = deployment.failing().items()
    assert name == "analytics.songs few_songs_are_pending"
    assert "30 of 120 songs are pending" in str(result.description)


def test_values_kept_too_long_are_warned_of(deployment: Deployment) -> None:
    with deployment.connection() as connection:
        connection.execute(update(songs("spotify.tracks")).values(fetched_at=NOW - timedelta(days=179)))
        connection.execute(update(songs("spotify.artists")).values(fetched_at=NOW - timedelta(days=181)))
    assert set(deployment.failing()) == {"spotify.artists values_are_fresh"}


def test_a_table_that_lost_rows_is_warned_of(tmp_path: Path) -> None:
    with dagster_instance(tmp_path / "dagster") as instance:
        deployment = Deployment(tmp_path, instance)
        for count in (2 * SONGS + 7, 2 * SONGS):  # the last run's, and this one's: 6 % fewer
            key, metadata = ["warehouse", "msd", "songs"], {"dagster/row_count": count}
            instance.report_runless_asset_event(AssetMaterialization(key, metadata=metadata))
        ((name, result),) = deployment.failing().items()
    assert name == "msd.songs rows_are_kept"
    assert result.description == "120 rows, 127 before"


def test_every_check_says_what_to_do() -> None:
    specs = [spec for check in build_checks(180) for spec in check.check_specs]
    assert len(specs) == len({spec.key for spec in specs})
    for spec in specs:
        assert len(str(spec.description).split(". ")) >= 2, spec.key


def test_what_a_check_looks_into_is_filled_before_its_table() -> None:
    """A backfill may fill tables in several runs, and orders those by the graph alone."""
    graph = build_defs().resolve_asset_graph()
    for table, _, other, _ in REFERENCES:
        first, last = sorted(
            (AssetKey(["warehouse", *name.split(".")]) for name in (table, other)),
            key=lambda key: list(PUBLISHED).index(".".join(key.path[1:])),
        )
        assert first in graph.get(last).parent_keys, f"{table} and {other}"

"""Updating published tables where something has changed gives what filling them as a whole would give."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from music_assets.tables import CHANGES, FILLED, METADATA, PUBLISHED, STAGED, STAGED_BY_DAY, key_columns
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.published import APPENDED, key_of, query, reads, sources
from music_assets_tests.support.staged_rows import Place, row
from music_assets_tests.warehouse.test_published import SLICES, made_up

KINDS = [*STAGED, *STAGED_BY_DAY]
History = dict[tuple[Any, ...], tuple[Any, ...]]


def load_some(place: Place[Any], chance: random.Random) -> None:
    """Replace some slices of some kinds, perhaps by nothing, and load them in any order."""
    for kind in chance.sample(KINDS, chance.choice([1, 2, len(KINDS)])):
        slices = chance.sample(list(SLICES), chance.choice([1, 1, 3]))
        rows = [made_up(kind, slice_, chance)[: chance.choice([0, 3, 14])] for slice_ in slices]
        named = [SLICES[slice_] if kind in STAGED_BY_DAY else slice_ for slice_ in slices]
        files = [place.stage(kind, slice_, some) for slice_, some in zip(named, rows, strict=True)]
        place.load(*files)


def keyed(name: str, rows: Iterable[Any]) -> History:
    keys = key_columns(PUBLISHED[name])
    return {tuple(one._mapping[key] for key in keys): tuple(one) for one in rows}


def compare(connection: Connection, histories: dict[str, History]) -> None:
    """Every table with its query; the histories with what their queries gave over time."""
    for name, table in PUBLISHED.items():
        wanted = [*connection.execute(select(query(name).subquery()))]
        found = [*connection.execute(select(table))]
        if name not in APPENDED:
            assert sorted(map(repr, found)) == sorted(map(repr, wanted)), name
            continue
        at = [*table.columns.keys()].index("fetched_at")
        history = histories.setdefault(name, {})
        for key, one in keyed(name, wanted).items():
            if key not in history or one[at] > history[key][at]:
                history[key] = one
        assert keyed(name, found) == history, name


def check(place: Place[Any], seed: int, steps: int) -> None:
    chance = random.Random(seed)
    histories: dict[str, History] = {}
    for _ in range(steps):
        load_some(place, chance)
        if chance.random() < 0.3:  # a run that ends before all tables are updated, and a load after it
            for name in list(PUBLISHED)[: chance.randrange(len(PUBLISHED))]:
                place.warehouse.update(PUBLISHED[name])
            with place.warehouse.transaction("looking") as connection:
                for name in APPENDED:
                    histories[name] = keyed(name, connection.execute(select(PUBLISHED[name])))
            load_some(place, chance)
        for table in PUBLISHED.values():
            place.warehouse.update(table)
        with place.warehouse.transaction("looking") as connection:
            compare(connection, histories)
    assert place.rows(CHANGES, "key") == []
    assert {name for (name,) in place.rows(FILLED, "table")} == set(PUBLISHED)


@pytest.mark.parametrize("seed", range(2))
def test_tables_are_what_filling_them_gives(duckdb_place: Place[DuckDBWarehouse], seed: int) -> None:
    check(duckdb_place, seed, steps=4)


@pytest.mark.slow
def test_tables_are_what_filling_them_gives_on_redshift(redshift_place: Place[Any]) -> None:
    check(redshift_place, seed=7, steps=6)


def track(id_: str, **values: Any) -> dict[str, Any]:
    about = {"source": "api", "isrc": "X", "fetched_at": "2026-11-23T03:00:00"}
    return row("spotify_tracks", spotify_track_id=id_, **{**about, **values})


def test_rows_of_other_keys_are_left_alone(place: Place[Any]) -> None:
    """What nothing says has changed is not looked at: here somebody's own change, which stays."""
    table = PUBLISHED["spotify.tracks"]
    place.load(place.stage("spotify_tracks", "AA", [track("a", name="first"), track("b", name="second")]))
    place.load(
        place.stage("spotify_tracks", "AB", [track("a", name="other", fetched_at="2026-11-22T03:00:00")])
    )
    assert place.warehouse.update(table) == 2
    with place.warehouse.transaction("somebody else") as connection:
        connection.execute(update(table).where(table.c.spotify_track_id == "a").values(name="by hand"))
    place.load(
        place.stage("spotify_tracks", "AC", [track("b", name="newer", fetched_at="2026-11-24T03:00:00")])
    )
    assert place.warehouse.update(table) == 2
    assert place.rows(table, "spotify_track_id", "name") == [("a", "by hand"), ("b", "newer")]
    # The slice that had the winning row has it no more: the next best counts.
    place.load(place.stage("spotify_tracks", "AA", [track("c", name="third")]))
    assert place.warehouse.update(table) == 3
    assert place.rows(table, "spotify_track_id", "name") == [("a", "other"), ("b", "newer"), ("c", "third")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE msd.songs DROP COLUMN tempo",  # as a version without it had made the table
        "DROP TABLE staging.msd_songs",
        "DROP TABLE msd.songs",
        "UPDATE meta.filled SET version = 'that of another query'",
        "DELETE FROM meta.filled",  # what changes rows without recording which
        "DROP TABLE meta.changes",
    ],
)
def test_what_cannot_be_followed_is_filled_as_a_whole(
    duckdb_place: Place[DuckDBWarehouse], change: str
) -> None:
    files = [duckdb_place.stage(kind, "AA", made_up(kind, "AA", random.Random(kind))) for kind in STAGED]
    for file in files:
        duckdb_place.load(file)
    for table in PUBLISHED.values():
        duckdb_place.warehouse.update(table)
    with duckdb_place.warehouse.transaction("from outside") as connection:
        connection.execute(delete(PUBLISHED["analytics.songs"]))
        connection.exec_driver_sql(change)
    for file in files:
        duckdb_place.load(file)
    for table in PUBLISHED.values():
        duckdb_place.warehouse.update(table)
    with duckdb_place.warehouse.transaction("looking") as connection:
        held = {name: keyed(name, connection.execute(select(PUBLISHED[name]))) for name in APPENDED}
        compare(connection, held)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_table_that_a_query_reads_leads_to_its_key(name: str) -> None:
    """Otherwise the table would be filled as a whole each time that one changes."""
    found = sources(name)
    if name == "companion.songs":  # covers of one song are compared with each other
        assert found == {}
        return
    assert set(found) == {table.fullname for table in reads(name)}
    assert key_of(PUBLISHED[name]) in key_columns(PUBLISHED[name])
    for full, source in found.items():
        assert source.column in METADATA.tables[full].c
        if source.link is not None:
            table, column = source.link
            assert column in METADATA.tables[table].c
            assert table in found  # what changes there is recorded by its own rows
        else:
            assert source.column == key_of(PUBLISHED[name]) or name in APPENDED

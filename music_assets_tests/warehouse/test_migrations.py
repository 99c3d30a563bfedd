"""Tables become what is declared, on each engine, and no row is lost; what cannot be is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Column, Integer, Table, text

from music_assets.tables import LOADS, METADATA, STAGED, STAGED_BY_DAY
from music_assets.warehouse.errors import WarehouseError
from music_assets_tests.support.staged_rows import Place, row

KIND = "artist_votes"
TABLE = STAGED[KIND]


@pytest.fixture
def redshift_place(own_redshift_place: Place[Any]) -> Place[Any]:
    return own_redshift_place


@pytest.fixture
def vote() -> dict[str, Any]:
    return row(KIND, artist_id="a", spotify_artist_id="s", votes=3, source="sandbox")


@pytest.fixture
def change(place: Place[Any]) -> Iterator[Callable[..., None]]:
    """Change the tables by SQL, as an older or a newer version would have left them."""

    def run(*statements: str) -> None:
        with place.warehouse.transaction("changing") as connection:
            for statement in statements:
                connection.execute(text(statement))

    yield run


@pytest.fixture
def declare() -> Iterator[Callable[..., None]]:
    """Declare one more column for the time of a test."""
    added: list[tuple[Table, Column[Any]]] = []

    def add(table: Table, column: Column[Any]) -> None:
        table.append_column(column)
        added.append((table, column))

    yield add
    for table, column in added:
        table._columns.remove(column)  # type: ignore[attr-defined]


def test_a_new_column_is_added_and_rows_stay(
    place: Place[Any], vote: dict[str, Any], declare: Callable[..., None]
) -> None:
    place.load(place.stage(KIND, "AA", [vote]))
    declare(TABLE, Column("wishes", Integer, comment="How many wished for it, 100% of them."))
    assert place.rows(TABLE, "artist_id", "votes", "wishes") == [("a", 3, None)]
    newer = {**vote, "wishes": 7}
    place.load(place.stage(KIND, "AB", [newer]))
    assert place.rows(TABLE, "slice", "wishes") == [("AA", None), ("AB", 7)]
    assert comments(place, TABLE)["wishes"] == "How many wished for it, 100% of them."


def comments(place: Place[Any], table: Table) -> dict[str, str]:
    """The comments of a table's columns, as the warehouse has them; of the table itself under ``."""
    sql = (
        "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = '{0}' AND table_name = '{1}' "
        "UNION ALL SELECT '', comment FROM duckdb_tables() WHERE schema_name = '{0}' AND table_name = '{1}'"
        if type(place.warehouse).__name__ == "DuckDBWarehouse"
        else "SELECT coalesce(attname::varchar, ''), description FROM pg_description LEFT JOIN pg_attribute "
        "ON attrelid = objoid AND attnum = objsubid AND objsubid > 0 WHERE objoid = '{0}.{1}'::regclass"
    )
    with place.warehouse.transaction("looking") as connection:
        rows = connection.execute(text(sql.format(table.schema, table.name)))
        return {str(name): str(comment) for name, comment in rows}


def test_every_table_and_column_has_its_comment(place: Place[Any]) -> None:
    for table in METADATA.sorted_tables:
        declared = {column.name: column.comment for column in table.columns} | {"": table.comment}
        assert comments(place, table) == declared


def test_a_comment_that_has_changed_is_written_anew(place: Place[Any], change: Callable[..., None]) -> None:
    change(f"COMMENT ON COLUMN {TABLE.fullname}.votes IS 'old words'")
    assert comments(place, TABLE)["votes"] == TABLE.c.votes.comment


def test_a_column_of_another_time_is_left_alone(
    place: Place[Any], vote: dict[str, Any], change: Callable[..., None]
) -> None:
    change(f"ALTER TABLE {TABLE.fullname} ADD COLUMN mood INTEGER", f"UPDATE {TABLE.fullname} SET mood = 1")
    assert place.load(place.stage(KIND, "AA", [vote])).loaded == {"AA": 1}
    assert place.rows(TABLE, "artist_id", "votes") == [("a", 3)]


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ("ALTER TABLE {0} DROP COLUMN votes", "ALTER TABLE {0} ADD COLUMN votes BIGINT"),
            "votes is bigint in the warehouse, and declared as integer",
        ),
        (("ALTER TABLE {0} DROP COLUMN artist_id",), "lacks artist_id, which must not be NULL"),
    ],
    ids=["another type", "a new key"],
)
def test_what_cannot_be_changed_is_refused_with_what_to_do(
    place: Place[Any],
    vote: dict[str, Any],
    change: Callable[..., None],
    statements: tuple[str, ...],
    said: str,
) -> None:
    place.load(place.stage(KIND, "AA", [vote]))
    change(*(statement.format(TABLE.fullname) for statement in statements))
    with pytest.raises(WarehouseError) as raised:
        place.load(place.stage(KIND, "AB", [vote]))
    message = str(raised.value)
    assert said.lower() in message.lower()
    assert f"DROP TABLE {TABLE.fullname};" in message
    assert "run all partitions again" in message


def test_a_table_that_was_dropped_is_made_and_loaded_again(
    place: Place[Any], vote: dict[str, Any], change: Callable[..., None]
) -> None:
    """As the refusal advises: its slices count as loaded no more."""
    manifest = place.stage(KIND, "AA", [vote])
    place.load(manifest)
    change(f"DROP TABLE {TABLE.fullname}")
    assert place.load(manifest).loaded == {"AA": 1}
    assert place.rows(TABLE, "artist_id") == [("a",)]
    assert place.rows(LOADS, "slice") == [("AA",)]


DAY, OLD_DAY = "2026-11-26", "2026-11-25"


@pytest.mark.parametrize(
    ("kind", "key"), [("spotify_tracks", "spotify_track_id"), ("spotify_artists", "spotify_artist_id")]
)
def test_days_among_the_partitions_move_to_the_table_of_refreshes(
    place: Place[Any], change: Callable[..., None], kind: str, key: str
) -> None:
    """As the version before had them; neither they nor the partitions are loaded again."""
    manifests = [
        place.stage(kind, slice_, [row(kind, name=f"of {slice_}", source="sandbox", **{key: "a"})])
        for slice_ in ("AA", DAY, OLD_DAY)
    ]
    place.load(*manifests)
    change(f"DROP TABLE staging.{kind}_refresh")
    loads = place.rows(LOADS, "slice", "checksum", "run_id", "loaded_at")
    refreshed, partitions = STAGED_BY_DAY[f"{kind}_refresh"], STAGED[kind]
    assert place.rows(refreshed, "slice", "name") == [
        (OLD_DAY, f"of {OLD_DAY}"),
        (DAY, f"of {DAY}"),
    ]
    assert place.rows(partitions, "slice", "name") == [("AA", "of AA")]
    assert place.rows(LOADS, "slice", "checksum", "run_id", "loaded_at") == loads
    assert place.rows(LOADS, "table", "slice") == [
        (kind, "AA"),
        (f"{kind}_refresh", OLD_DAY),
        (f"{kind}_refresh", DAY),
    ]
    of_days = [replace(one, kind=f"{kind}_refresh") for one in manifests[1:]]
    assert place.load(*of_days).unchanged == {DAY: 1, OLD_DAY: 1}
    assert place.load(manifests[0]).unchanged == {"AA": 1}

"""Loading, on each engine: slices replaced whole, once, and never lost."""

from __future__ import annotations

import gzip
import threading
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    Date,
    DateTime,
    String,
    cast,
    func,
    literal,
    select,
    text,
    update,
)

from music_assets.tables import LOADS, METADATA, PUBLISHED, STAGED
from music_assets.warehouse.errors import SandboxRefused, WarehouseError
from music_assets_tests.support.staged_rows import Place, row

KIND = "artist_votes"


def vote(artist: str, votes: int = 1, **values: Any) -> dict[str, Any]:
    return row(KIND, artist_id=artist, spotify_artist_id="s", votes=votes, source="sandbox", **values)


def votes(place: Place[Any]) -> list[tuple[Any, ...]]:
    return place.rows(STAGED[KIND], "slice", "artist_id", "votes")


def test_slices_are_loaded_and_noted(place: Place[Any]) -> None:
    done = place.load(
        place.stage(KIND, "AA", [vote("a"), vote("b")]), place.stage(KIND, "AB", [vote("a", 5)])
    )
    assert done.loaded == {"AA": 2, "AB": 1}
    assert votes(place) == [("AA", "a", 1), ("AA", "b", 1), ("AB", "a", 5)]
    assert place.rows(LOADS, "slice", "rows", "run_id") == [("AA", 2, "run"), ("AB", 1, "run")]


def test_every_kind_of_value_arrives_as_it_was(place: Place[Any]) -> None:
    song = row(
        "msd_songs",
        track_id="TRAAAAA",
        title="Tes̈t \\ \"quoted\" 'n' 50%\ttab, 日本",
        release="",
        year=1999,
        duration=0.1 + 0.2,
        artist_7digitalid=2**40,
    )
    place.load(place.stage("msd_songs", "AA", [song]))
    names = ("track_id", "title", "release", "year", "duration", "artist_7digitalid", "artist_name")
    assert place.rows(STAGED["msd_songs"], *names) == [tuple(song[name] for name in names)]


def test_lists_and_days_arrive_as_they_were(place: Place[Any]) -> None:
    mapped = row(
        "mapped_songs",
        track_id="TRAAAAA",
        status="matched",
        accepted=True,
        reasons=["title equal", 'a "b" \\ c'],
        fetched_at="2026-11-22T10:11:12",
    )
    place.load(place.stage("mapped_songs", "AA", [mapped]))
    ((accepted, fetched_at),) = place.rows(STAGED["mapped_songs"], "accepted", "fetched_at")
    assert (accepted, fetched_at.isoformat()) == (True, mapped["fetched_at"])
    ((reasons,),) = place.rows(STAGED["mapped_songs"], "reasons")
    assert reasons == mapped["reasons"]


def test_a_slice_that_is_there_is_not_loaded_again(place: Place[Any]) -> None:
    manifest = place.stage(KIND, "AA", [vote("a")])
    place.load(manifest, run="first")
    place.staging.spoil(manifest.url, None)  # it is not even opened
    assert place.load(manifest, run="second").unchanged == {"AA": 1}
    assert place.rows(LOADS, "run_id") == [("first",)]


def test_a_changed_slice_replaces_its_old_rows_alone(place: Place[Any]) -> None:
    place.load(place.stage(KIND, "AA", [vote("a")]), place.stage(KIND, "AB", [vote("b")]))
    place.load(place.stage(KIND, "AA", [vote("c", 7)]))
    assert votes(place) == [("AA", "c", 7), ("AB", "b", 1)]


def test_an_empty_file_does_not_empty_a_filled_slice(place: Place[Any]) -> None:
    place.load(place.stage(KIND, "AA", [vote("a")]))
    empty = place.stage(KIND, "AA", [])
    assert place.load(empty).protected == {"AA": 1}
    assert votes(place) == [("AA", "a", 1)]


WRONG = gzip.compress(
    b'{"slice":"AB","artist_id":"d","spotify_artist_id":"s","votes":1}\n'
    b'{"slice":"AB","artist_id":"e","spotify_artist_id":"s","votes":"many"}\n'
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"cannot be read|No such file"),
        (b"broken", "has 6 bytes, its manifest says"),
        (WRONG, "many"),
    ],
    ids=["missing", "another size", "wrong type"],
)
def test_a_load_that_fails_names_the_file_and_leaves_everything_as_it_was(
    place: Place[Any], content: bytes | None, said: str
) -> None:
    place.load(place.stage(KIND, "AA", [vote("a")]))
    good = place.stage(KIND, "AA", [vote("c")])
    bad = place.stage(KIND, "AB", [vote("d"), vote("e")])
    place.staging.spoil(bad.url, content)
    if content == WRONG:  # the gate was passed by another file of this size
        bad = type(bad)(**{**vars(bad), "bytes": len(WRONG)})
    with pytest.raises(WarehouseError, match=said) as raised:
        place.load(good, bad)
    message = str(raised.value)
    assert "staging.artist_votes: slice AB: " in message
    assert bad.url in message
    assert "slice AA" not in message
    assert votes(place) == [("AA", "a", 1)]
    assert place.rows(LOADS, "slice", "rows") == [("AA", 1)]


def test_a_file_with_other_rows_than_its_manifest_is_not_loaded(place: Place[Any]) -> None:
    place.load(place.stage(KIND, "AA", [vote("a")]))
    whole = place.stage(KIND, "AA", [vote("x"), vote("y")])
    short = gzip.compress(b'{"slice":"AA","artist_id":"x","spotify_artist_id":"s"}\n')
    place.staging.spoil(whole.url, short)
    whole = type(whole)(**{**vars(whole), "bytes": len(short)})
    with pytest.raises(WarehouseError, match="slice AA: 1 rows arrived .* manifest says 2"):
        place.load(whole)
    assert votes(place) == [("AA", "a", 1)]


def test_sandbox_rows_are_refused_where_others_read(place: Place[Any]) -> None:
    place.warehouse.is_local = False
    with pytest.raises(SandboxRefused, match=r"1 rows for staging.artist_votes come from the sandbox"):
        place.load(place.stage(KIND, "AA", [vote("a")]))
    assert votes(place) == []


@pytest.mark.parametrize("first", ["sandbox", "api"])
def test_rows_of_the_sandbox_and_of_real_sources_never_share_a_table(place: Place[Any], first: str) -> None:
    second = {"sandbox": "api", "api": "sandbox"}[first]
    by_hand = {"artist_id": "c", "source": "overrides"}  # stands beside either
    place.load(place.stage(KIND, "AA", [vote("a") | {"source": first}, vote("c") | by_hand]))
    with pytest.raises(SandboxRefused, match="the sandbox's rows beside those of real sources"):
        place.load(place.stage(KIND, "AB", [vote("b") | {"source": second}]))
    assert votes(place) == [("AA", "a", 1), ("AA", "c", 1)]
    place.load(place.stage(KIND, "AA", [vote("b") | {"source": second}]))  # in its place
    assert votes(place) == [("AA", "b", 1)]


def test_filling_replaces_the_whole_table(place: Place[Any]) -> None:
    table = PUBLISHED["spotify.popularity_history"]
    day = cast(literal("2026-11-22"), Date)
    at = cast(literal("2026-11-22 03:00:00"), DateTime)
    one = select(cast(literal("track"), String(8)), literal("50% 'x'"), day, literal(50), literal("api"), at)
    assert place.warehouse.fill(table, one) == 1
    assert place.warehouse.fill(table, one) == 1
    assert place.rows(table, "entity", "id", "popularity") == [("track", "50% 'x'", 50)]


def test_an_expression_can_be_grouped_by_and_a_percent_sign_is_one(place: Place[Any]) -> None:
    place.load(place.stage(KIND, "AA", [vote("a%", 11), vote("b%%", 21), vote("c", 32)]))
    table = STAGED[KIND]
    last = (table.c.votes % 10).label("last")
    with place.warehouse.transaction("looking") as connection:
        digits = connection.execute(select(last, func.count()).group_by(last).order_by(last)).all()
        some = connection.execute(select(table.c.artist_id).where(table.c.artist_id.like("%:%", escape=None)))
        assert some.all() == []
        some = connection.execute(select(table.c.artist_id).where(table.c.artist_id.endswith("b%%")))
        assert some.scalars().all() == ["b%%"]
        assert connection.execute(text("SELECT '5% %% :'")).scalar_one() == "5% %% :"
    assert [tuple(one) for one in digits] == [(1, 2), (2, 1)]


def test_runs_that_load_the_same_slice_take_turns(place: Place[Any]) -> None:
    """Ten at once, of two slices each: every load is whole, the last one stays, nothing is doubled."""
    place.load(place.stage(KIND, "AA", [vote("a")]), place.stage(KIND, "AB", [vote("a")]))
    loads = [
        [place.stage(KIND, "AA", [vote("a", n)]), place.stage(KIND, "AB", [vote("a", n), vote("b", n)])]
        for n in range(10, 20)
    ]
    errors: list[BaseException] = []

    def load(run: int) -> None:
        try:
            place.load(*loads[run], run=f"run {run}")
        except BaseException as error:
            errors.append(error)

    place.warehouse.wait_s = 60  # of DuckDB: the others' turns
    threads = [threading.Thread(target=load, args=(run,)) for run in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    ((_, run),) = {(1, run) for (run,) in place.rows(LOADS, "run_id")}
    n = 10 + int(run.removeprefix("run "))
    assert votes(place) == [("AA", "a", n), ("AB", "a", n), ("AB", "b", n)]


@pytest.mark.parametrize(
    ("kind", "staged", "column", "wrong"),
    [
        ("msd_songs", {"track_id": "TRAAAAA128F4230A1B", "year": 1999}, "year", 2025),
        ("msd_songs", {"track_id": "TRAAAAA128F4230A1B", "title": None}, "title", "none"),
        ("msd_songs", {"track_id": "TRAAAAA128F4230A1B", "duration": 200.5}, "duration", 200.4),
        ("msd_artists", {"artist_id": "AR1", "other_names": ["a", "b"]}, "other_names", None),
        (
            "spotify_tracks",
            {"spotify_track_id": "s", "fetched_at": "2026-11-01 12:00:00"},
            "fetched_at",
            None,
        ),
    ],
)
def test_a_value_that_arrives_as_another_is_noticed(
    place: Place[Any],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    staged: dict[str, Any],
    column: str,
    wrong: Any,
) -> None:
    """Whatever the engine made of it: nothing of that load stays."""
    table = METADATA.tables[f"staging.{kind}"]
    copy_files = place.warehouse.copy_files

    def copy_wrongly(connection: Connection, *args: Any) -> None:
        copy_files(connection, *args)
        connection.execute(update(table).values({column: wrong}))

    manifest = place.stage(kind, "AA", [row(kind, **staged)])
    monkeypatch.setattr(place.warehouse, "copy_files", copy_wrongly)
    with pytest.raises(WarehouseError, match=f"slice AA: {column} is .* and not .* Nothing was loaded"):
        place.load(manifest)
    monkeypatch.undo()
    assert place.rows(table, "slice") == []
    place.load(manifest)
    assert len(place.rows(table, "slice")) == 1

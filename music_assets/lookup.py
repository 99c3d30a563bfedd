"""The question everybody has: here are ids, what is known of them?

Ids in, rows of `analytics.songs` out, as a pandas frame. For anything else the published tables are
open to SQL: `music-assets query`, or DuckDB on the published copy.

Tried on DuckDB and on the tests' stand-in for Redshift, not on a cluster.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from music_assets.errors import MusicAssetsError
from music_assets.tables import PUBLISHED

if TYPE_CHECKING:
    import pandas as pd

_SONGS = PUBLISHED["analytics.songs"]
# How an id looks, and the columns of `analytics.songs` it may be in.
_KINDS: tuple[tuple[re.Pattern[str], tuple[tuple[str, str], ...]], ...] = (
    (re.compile(r"TR[A-Z0-9]{16}"), (("track", "track_id"),)),
    (re.compile(r"SO[A-Z0-9]{16}"), (("song", "song_id"),)),
    (re.compile(r"AR[A-Z0-9]{16}"), (("artist", "artist_id"),)),
    (
        re.compile(r"[A-Za-z0-9]{22}"),
        (("spotify_track", "spotify_track_id"), ("spotify_artist", "spotify_artist_id")),
    ),
)
# `spotify:track:…` and `https://open.spotify.com/track/…?si=…` hold an id as well.
_LINK = re.compile(r"(?:spotify:|https?://open\.spotify\.com/(?:[a-z-]+/)?)(?:track|artist)[:/](\w{22})\b.*")
_BATCH = 1000  # ids an INSERT


class LookupFailed(MusicAssetsError, ValueError):
    """The tables cannot be read, or a column is asked for that they do not have."""


def lookup(
    ids: str | Iterable[object],
    *,
    warehouse: str | Path | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """What `analytics.songs` has of these ids.

    Ids of all kinds may be mixed, thousands at once: MSD tracks (TR…), songs (SO…), artists (AR…), and
    Spotify's ids, URIs and links of tracks and artists. An id of Spotify's finds the MSD tracks whose
    accepted match it is, or whose match credits that artist first.

    Args:
        ids: one id, or any iterable of them (a list, a column of a frame).
        warehouse: a DuckDB file, a data folder, or a SQLAlchemy URL; unset, the published copy below
            `MUSIC_ASSETS_DATA`. Read only; a file that a run is writing to cannot be read meanwhile,
            the published copy always can.
        columns: which columns of `analytics.songs`, in which order; all unless given.

    Returns:
        A frame with `id` (as it was given), `id_kind` (`track`, `song`, `artist`, `spotify_track`,
        `spotify_artist`), `found`, and the columns. The order is that of `ids`, twice the same id gives
        twice the same rows. An id of several tracks has a row for each, by `track_id`. An id that is
        unknown has one row with `found` false and nothing else: `frame[~frame.found].id` lists them.
        Units are those of the data dictionary: seconds, dB, BPM. Lists are Python lists.

    Raises:
        LookupFailed: there is nothing to read, or no such column; the message says what to do.
    """
    import pandas as pd

    wanted = _columns(columns)
    given = [ids] if isinstance(ids, str) else list(ids)
    bare = [_bare(one) for one in given]
    engine, place = reading_engine(warehouse)
    try:
        with engine.connect() as connection:
            found = _found(connection, bare, wanted)
    except SQLAlchemyError as error:
        raise LookupFailed(
            f"The tables at {place} cannot be read: {_first_line(error)} "
            "Fill them with `music-assets run`, or read the published copy."
        ) from error
    finally:
        engine.dispose()
    rows: list[list[Any]] = []
    for as_given, id_ in zip(given, bare, strict=True):
        matches = found.get(id_ or "", [])
        rows += [[as_given, kind, True, *values] for kind, values in matches]
        if not matches:
            rows.append([as_given, _only_kind(id_), False, *[None] * len(wanted)])
    names = ["id", "id_kind", "found", *(column.name for column in wanted)]
    frame = pd.DataFrame(
        {name: [row[place] for row in rows] for place, name in enumerate(names)}, columns=names
    )
    return frame.astype({"found": bool, **{column.name: _dtype(column) for column in wanted}})


def _columns(names: Sequence[str] | None) -> list[Column[Any]]:
    if names is None:
        return list(_SONGS.columns)
    for name in names:
        if name not in _SONGS.c:
            near = difflib.get_close_matches(name, [column.name for column in _SONGS.c], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ", see docs/data_dictionary.md."
            raise LookupFailed(f"analytics.songs has no column {name!r}{hint}")
    return [_SONGS.c[name] for name in dict.fromkeys(names)]


def _bare(given: object) -> str | None:
    """The id in what was given; None for what is none."""
    if not isinstance(given, str):
        return None
    text = given.strip()
    link = _LINK.fullmatch(text)
    return link[1] if link else text


def _places(id_: str | None) -> tuple[tuple[str, str], ...]:
    """The kinds an id may be of, each with its column."""
    for pattern, places in _KINDS:
        if id_ and pattern.fullmatch(id_):
            return places
    return ()


def _only_kind(id_: str | None) -> str | None:
    """The kind that an unknown id shows by its looks; None where it could be of two, or of none."""
    places = _places(id_)
    return places[0][0] if len(places) == 1 else None


def _found(
    connection: Connection, ids: Iterable[str | None], wanted: list[Column[Any]]
) -> dict[str, list[tuple[str, list[Any]]]]:
    """For each id that is there: its rows, each with the kind of the id, by track."""
    by_place: dict[tuple[str, str], list[str]] = {}
    for id_ in dict.fromkeys(ids):
        for place in _places(id_):
            by_place.setdefault(place, []).append(str(id_))
    asked = Table(
        "lookup_ids",
        MetaData(),
        Column("kind", String(16)),
        Column("id", String(22)),
        prefixes=["TEMPORARY"],
    )
    asked.create(connection)
    for (kind, _), some in by_place.items():
        for start in range(0, len(some), _BATCH):
            batch = [{"kind": kind, "id": id_} for id_ in some[start : start + _BATCH]]
            connection.execute(insert(asked).values(batch))  # one statement, not one a row
    found: dict[str, list[tuple[str, list[Any]]]] = {}
    for kind, column in by_place:
        rows = (
            select(asked.c.id, *(one.label(f"c{n}") for n, one in enumerate(wanted)))
            .join_from(asked, _SONGS, _SONGS.c[column] == asked.c.id)
            .where(asked.c.kind == kind)
            .order_by(asked.c.id, _SONGS.c.track_id)
        )
        for id_, *values in connection.execute(rows):
            found.setdefault(id_, []).append((kind, values))
    return found


def reading_engine(warehouse: str | Path | None) -> tuple[Engine, str]:
    """An engine that reads a file, a data folder or a URL, and how to name the place."""
    if isinstance(warehouse, str) and "://" in warehouse:
        try:
            url = make_url(warehouse)
        except ArgumentError:
            raise LookupFailed("The warehouse is not a SQLAlchemy URL, a file or a folder.") from None
        if url.get_backend_name() == "redshift":
            from music_assets.warehouse.redshift_url import RedshiftUrl

            redshift = RedshiftUrl(url, is_local=False)
            return redshift.engine(), str(redshift)
        if url.get_backend_name() != "duckdb":
            return create_engine(url, poolclass=NullPool), url.render_as_string(hide_password=True)
        path = Path(url.database or "")
    else:
        path = Path(warehouse) if warehouse is not None else _data_folder()
        if path.is_dir() or warehouse is None:
            path = path / "published" / "music_assets.duckdb"
    if not path.is_file():
        raise LookupFailed(
            f"There is no warehouse {path}. Fill it with `music-assets run`, or name another with "
            "`warehouse=` or MUSIC_ASSETS_DATA."
        )
    # Attached to a database of our own: opened by itself, the file could not be open elsewhere in this
    # process (a notebook) with other settings, and read only it locks out no other reader.
    engine = create_engine("duckdb:///:memory:", poolclass=NullPool)
    quoted = str(path.absolute()).replace("'", "''")

    @event.listens_for(engine, "connect")
    def attach(raw: Any, _: object) -> None:
        raw.execute(f"ATTACH '{quoted}' AS warehouse (READ_ONLY)")
        raw.execute("USE warehouse")

    return engine, str(path)


def _data_folder() -> Path:
    """The data folder of the environment or of `.env`, as the command line reads them."""
    from dotenv import dotenv_values

    return Path(
        os.environ.get("MUSIC_ASSETS_DATA") or dotenv_values(".env").get("MUSIC_ASSETS_DATA") or "data"
    )


def _dtype(column: Column[Any]) -> str:
    """The pandas type that holds a column's values and NULL."""
    if isinstance(column.type, Integer | BigInteger):
        return "Int64"
    if isinstance(column.type, Boolean):
        return "boolean"
    if isinstance(column.type, String):
        return "str"
    return {"DOUBLE": "float64", "DATETIME": "datetime64[us]"}.get(
        type(column.type).__name__.upper(), "object"
    )


def _first_line(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]

"""Ids in, rows of `analytics.songs` out: `lookup`, for notebooks and scripts.

Here as well: opening the published tables to read them, wherever they are (`reading`). Any other query is
SQL: `music-assets query`, or DuckDB on the published copy.
"""

from __future__ import annotations

import difflib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from music_assets.errors import MusicAssetsError
from music_assets.ids import parse_id

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Column, Connection, Engine

Found = dict[str, list[tuple[str, list[Any]]]]  # by id: its rows, each with the kind of the id

# The kinds of id, each with the columns of `analytics.songs` it may be in.
_KINDS = {
    "track": {"track": "track_id"},
    "song": {"song": "song_id"},
    "artist": {"artist": "artist_id"},
    "spotify": {"spotify_track": "spotify_track_id", "spotify_artist": "spotify_artist_id"},
    "isrc": {"isrc": "isrc"},
    "mbid": {"recording": "recording_mbid"},
}
_BATCH = 5_000  # ids per statement


class LookupFailed(MusicAssetsError, ValueError):
    """The tables cannot be read, or do not have the column or track in question."""


def lookup(
    ids: str | Iterable[object],
    *,
    warehouse: str | Path | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The rows of `analytics.songs` for these ids.

    Ids of all kinds may be mixed, thousands at once: MSD tracks (TR…), songs (SO…), artists (AR…), Spotify's
    ids, URIs and links of tracks and artists, ISRCs, and MusicBrainz ids of recordings. A Spotify id finds
    the MSD tracks whose accepted match it is, or whose match credits that artist first.

    Args:
        ids: one id, or any iterable of them (a list, a column of a frame).
        warehouse: a DuckDB file, a data folder, or a SQLAlchemy URL, read only; unset, the published copy
            below `MUSIC_ASSETS_DATA`, which can be read even while a run writes.
        columns: which columns of `analytics.songs`, in which order; all unless given.

    Returns:
        A frame with `id` (as given), `id_kind` (`track`, `song`, `artist`, `spotify_track`,
        `spotify_artist`, `isrc`, `recording`), `found`, and the columns, in the order of `ids`. An id of
        several tracks has one row per track, by `track_id`; an unknown one has one row with `found` false.
        Units are those of the data dictionary: seconds, dB, BPM. Lists are Python lists.

    Raises:
        LookupFailed: there is nothing to read, or no such column; the message says what to do.
    """
    import pandas as pd

    wanted = _columns(columns)
    given = [ids] if isinstance(ids, str) else list(ids)
    bare = [_bare(one) for one in given]
    with reading(warehouse) as (connection, _):
        found = _find(connection, bare, wanted)
    rows: list[list[Any]] = []
    for as_given, id_ in zip(given, bare, strict=True):
        matches = found.get(id_, [])
        rows += [[as_given, kind, True, *values] for kind, values in matches]
        if not matches:
            kinds = list(_kinds(id_))
            rows.append([as_given, kinds[0] if len(kinds) == 1 else None, False, *[None] * len(wanted)])
    names = ["id", "id_kind", "found", *(column.name for column in wanted)]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype({"found": bool, **{column.name: _dtype(column) for column in wanted}})


@contextmanager
def reading(warehouse: str | Path | None) -> Iterator[tuple[Connection, str]]:
    """A connection that reads a DuckDB file, a data folder or a URL, and what to call that place in messages.

    Raises:
        LookupFailed: there is nothing to read at that place, or a statement fails.
    """
    from sqlalchemy.exc import SQLAlchemyError

    engine, place = _engine(warehouse)
    try:
        with engine.connect() as connection:
            yield connection, place
    except SQLAlchemyError as error:
        first_line = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise LookupFailed(
            f"The tables at {place} cannot be read, or are of another version: {first_line} "
            "Fill them with `music-assets run`, or read the published copy."
        ) from error
    finally:
        engine.dispose()


def _columns(names: Sequence[str] | None) -> list[Column[Any]]:
    from music_assets.tables import PUBLISHED

    columns = PUBLISHED["analytics.songs"].c
    for name in names or ():
        if name not in columns:
            near = difflib.get_close_matches(name, columns.keys(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see docs/data_dictionary.md."
            raise LookupFailed(f"analytics.songs has no column {name!r}; {hint}")
    return list(columns) if names is None else [columns[name] for name in dict.fromkeys(names)]


def _bare(given: object) -> str:
    """The id in what was given, as its source writes it; empty where that is not a text."""
    if not isinstance(given, str):
        return ""
    found = parse_id(given)
    return found.value if found else given.strip()


def _kinds(id_: str) -> dict[str, str]:
    """The kinds an id may be of, each with its column."""
    found = parse_id(id_)
    return _KINDS[found.kind] if found else {}


def _find(connection: Connection, ids: Iterable[str], wanted: list[Column[Any]]) -> Found:
    """The rows of each id that is in the table, by track."""
    from sqlalchemy import select

    from music_assets.tables import PUBLISHED

    songs = PUBLISHED["analytics.songs"]
    by_kind: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for id_ in dict.fromkeys(ids):
        for kind_and_column in _kinds(id_).items():
            by_kind[kind_and_column].append(id_)
    found: Found = defaultdict(list)
    for (kind, name), some in by_kind.items():
        column = songs.c[name]
        rows = select(column.label("of_id"), *(one.label(f"c{n}") for n, one in enumerate(wanted)))
        for start in range(0, len(some), _BATCH):
            batch = rows.where(column.in_(some[start : start + _BATCH])).order_by(songs.c.track_id)
            for id_, *values in connection.execute(batch):
                found[id_].append((kind, values))
    return found


def _engine(warehouse: str | Path | None) -> tuple[Engine, str]:
    """An engine for a file, a data folder or a URL, and what to call that place."""
    from sqlalchemy import create_engine, event, make_url
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    if isinstance(warehouse, str) and "://" in warehouse:
        try:
            url = make_url(warehouse)
        except ArgumentError:
            raise LookupFailed("The warehouse is not a SQLAlchemy URL, a file or a folder.") from None
        if url.get_backend_name() == "redshift":
            from music_assets.warehouse.redshift_url import RedshiftUrl

            redshift = RedshiftUrl(url)
            return redshift.engine(), str(redshift)
        if url.get_backend_name() != "duckdb":
            return create_engine(url, poolclass=NullPool), url.render_as_string(hide_password=True)
        path = Path(url.database or "")
    else:
        path = Path(warehouse or _data_folder())
        if path.is_dir() or not warehouse:
            path = path / "published" / "music_assets.duckdb"
    if not path.is_file():
        raise LookupFailed(
            f"There is no warehouse {path}. Fill it with `music-assets run`, or name another data folder "
            "with --data or MUSIC_ASSETS_DATA (of `lookup()`: `warehouse=`)."
        )
    # Attached to a database in memory: opened by itself, the file could not be opened elsewhere in this
    # process (a notebook) with other settings; attached read only, it locks out no other reader.
    engine = create_engine("duckdb:///:memory:", poolclass=NullPool)
    quoted = str(path.absolute()).replace("'", "''")

    @event.listens_for(engine, "connect")
    def attach(raw: Any, _: object) -> None:
        raw.execute(f"ATTACH '{quoted}' AS warehouse (READ_ONLY)")
        raw.execute("USE warehouse")

    return engine, str(path)


def _data_folder() -> str:
    """The data folder of the environment or of `.env`, as the command line reads them."""
    from dotenv import dotenv_values

    return {**dotenv_values(".env"), **os.environ}.get("MUSIC_ASSETS_DATA") or "data"


def _dtype(column: Column[Any]) -> str:
    """The pandas type that holds a column's values and NULL."""
    dtypes = {int: "Int64", bool: "boolean", str: "str", float: "float64", datetime: "datetime64[us]"}
    return dtypes.get(column.type.python_type, "object")

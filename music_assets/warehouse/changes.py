"""Published tables, updated where they are out of date instead of being written anew every day.

Whatever replaces rows that a published table is made from records the keys of these rows, as they were and as
they are, in `meta.changes`, in its own transaction (`Replacing`). `update` then computes the rows of these
keys alone, by the table's own query over rows of these keys (`published.query`), and records in turn what
that changes for the tables made from it. The result is what filling the whole table gives.

A table is filled as a whole where `meta.filled` does not have it by the version of its query: the first time,
after a change of its query or of any table's columns, and after what changed rows without recording it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import (
    ColumnElement,
    Connection,
    SelectBase,
    String,
    Table,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)

from music_assets.tables import CHANGES, FILLED, METADATA, PUBLISHED
from music_assets.warehouse.published import key_of, query, reads, sources, sql

# How an engine appends a statement's rows to a table.
Insert = Callable[[Connection, Table, SelectBase], None]
# How a table's rows are put in place of those of the given keys (None: of all).
Write = Callable[[Connection, Table, SelectBase, ColumnElement[bool] | None], None]


@contextmanager
def replacing(
    connection: Connection, insert_rows: Insert, table: Table, which: ColumnElement[bool]
) -> Iterator[None]:
    """Within this context `which` rows of a table are replaced; what that changes is recorded."""
    _record(connection, insert_rows, table, which)
    yield
    _record(connection, insert_rows, table, which)


def update(connection: Connection, insert_rows: Insert, write: Write, table: Table) -> None:
    """Bring a published table up to date."""
    name, version = table.fullname, _version(table)
    mine = CHANGES.c.table == name
    if connection.execute(select(FILLED.c.version).where(FILLED.c.table == name)).scalar() != version:
        forget(connection, table)
        write(connection, table, query(name), None)
        connection.execute(insert(FILLED).values(table=name, version=version))
    elif connection.execute(select(func.count()).select_from(CHANGES).where(mine)).scalar_one():
        changed = table.c[key_of(table)].in_(select(CHANGES.c.key).where(mine))
        with replacing(connection, insert_rows, table, changed):
            write(connection, table, query(name, changed=True), changed)
    connection.execute(delete(CHANGES).where(mine))


def forget(connection: Connection, table: Table | None = None) -> None:
    """Have a table, and those made from it, filled as a whole with the next update; None: all of them.

    For whoever changes rows without recording which.
    """
    gone = delete(FILLED)
    if table is not None:
        gone = gone.where(FILLED.c.table.in_([table.fullname, *_readers(table)]))
    connection.execute(gone)


def _readers(table: Table) -> list[str]:
    """The published tables that are made from a table."""
    return [name for name in PUBLISHED if table in reads(name)]


def _record(connection: Connection, insert_rows: Insert, table: Table, which: ColumnElement[bool]) -> None:
    """Record the keys of published tables that these rows of `table` are part of."""
    filled = {*connection.execute(select(FILLED.c.table)).scalars()}
    for name in filled.intersection(_readers(table)):
        found = sources(name)
        if table.fullname not in found:
            forget(connection, PUBLISHED[name])
            continue
        source = found[table.fullname]
        column, where = table.c[source.column], which
        while source.link is not None:
            link, linked = METADATA.tables[source.link[0]], source.link[1]
            where = link.c[linked].in_(select(column).where(where))
            source = found[link.fullname]
            column = link.c[source.column]
        keys = select(cast(literal(name), String(64)), column).where(where, column.is_not(None)).distinct()
        insert_rows(connection, CHANGES, keys)


def _version(table: Table) -> str:
    """What a table's rows depend on beside what it is made from."""
    return hashlib.sha256(sql(table.fullname).encode()).hexdigest()

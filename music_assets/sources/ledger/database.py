"""The database of a ledger: a SQLite file on one machine, or PostgreSQL for several.

Here is all that differs between the two engines but the request lock (`lock`): how a setting names them, how
a connection is set up, how a transaction begins, and errors by our names. Tables and statements are the same
for both, in SQLAlchemy Core; a package with tables of its own beside the ledger's uses this, too.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, Table, create_engine, event, func, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from music_assets.sources.ledger import schema
from music_assets.sources.ledger.errors import LedgerUnusable

POSTGRES_SCHEMA = "music_assets"  # of our tables: the database may be Dagster's, too
_CREATING = 0x6D757369  # the advisory lock under which tables are created
_FORMS = (
    "MUSIC_ASSETS_LEDGER is a file's path, sqlite:///path, or postgresql://user@host:5432/database, with no "
    "password in it (that comes from PGPASSWORD or a .pgpass file)."
)
_NO_DYNAMODB = (
    "Only the program as of commit b89238b reads it, and nothing exports it: stay with that one, or name a "
    "PostgreSQL database in MUSIC_ASSETS_LEDGER and have everything requested again. The table is left alone."
)
_OF_A_FILE = (
    "If the disk is full, free some of it; if the file is damaged, put a backup in its place, or move it "
    "away to start an empty one (everything is then requested again)."
)
_OF_A_SERVER = (
    "Check that the database in MUSIC_ASSETS_LEDGER can be reached and lets this user in (the password comes "
    "from PGPASSWORD or a .pgpass file); then run again. What was answered is cached."
)
# Whoever is gone without a word is noticed within a minute, on either side: no lock outlives its machine.
_CONNECT = {
    "connect_timeout": 10,
    "application_name": "music-assets",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "options": "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
}


class Database:
    """One database, opened and migrated; safe to use from several threads.

    `where` names it in messages; `path` is None for PostgreSQL. SQLite writes through a log, so what is
    written outlives a kill of the process; with `synced` it outlives a power cut, too.
    """

    def __init__(self, setting: str | os.PathLike[str], *, synced: bool = True) -> None:
        url = _url_of(os.fspath(setting))
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(str(url.database)) if self.is_sqlite else None
        self.where = str(self.path or url)
        with self.named_errors():
            if self.path:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self.engine = _sqlite(url, synced) if self.is_sqlite else _postgres(url)
        if self.is_sqlite:
            self._migrate()
        self.create(schema.TABLES)

    @contextlib.contextmanager
    def named_errors(self) -> Iterator[None]:
        """Raise `LedgerUnusable` for what a database or its disk has against a statement."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            # Without the statement and its values, which SQLAlchemy adds.
            reason = str(error.orig if isinstance(error, DBAPIError) else error)
            advice = _OF_A_FILE if self.is_sqlite else _OF_A_SERVER
            raise LedgerUnusable(self.where, " ".join(reason.split()), advice) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with."""
        with self.named_errors(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: durable once its context has ended, undone where that ended with an error."""
        with self.named_errors(), self.engine.begin() as connection:
            if self.is_sqlite:  # at once: one that begins by reading may not get to write
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def create(self, tables: MetaData) -> None:
        """Create those of these tables that are missing."""
        schema_name = None if self.is_sqlite else POSTGRES_SCHEMA
        with self.reading() as connection:
            there = inspect(connection).get_table_names(schema=schema_name)
        if tables.tables.keys() <= set(there):
            return
        with self.writing() as connection:
            if schema_name:
                connection.execute(func.pg_advisory_xact_lock(_CREATING).select())
                connection.execute(CreateSchema(schema_name, if_not_exists=True))
            tables.create_all(connection)

    def upsert(self, table: Table, add: Collection[str] = ()) -> Any:
        """An insert that replaces the row of the same key; what is in the columns `add` is added to it."""
        insert = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        new, keys = insert.excluded, list(table.primary_key)
        values = {
            column.name: column + new[column.name] if column.name in add else new[column.name]
            for column in table.columns
            if column not in keys
        }
        return insert.on_conflict_do_update(index_elements=keys, set_=values)

    def vacuum(self, table: Table) -> None:
        """Have what was deleted leave the disk, as far as the engine can do that."""
        with self.reading() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.exec_driver_sql(f"VACUUM {POSTGRES_SCHEMA}.{table.name}")

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def _migrate(self) -> None:
        with self.reading() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > schema.VERSION:
            reason = f"it has version {version}, and this program knows {schema.VERSION} and earlier ones"
            raise LedgerUnusable(self.where, reason, "Update this program, or name another ledger.")
        if version < schema.VERSION:
            with self.writing() as connection:
                schema.migrate(connection)


def _url_of(setting: str) -> URL:
    """What a setting names. No message shows it: it may hold a password, by mistake."""
    scheme, is_url, rest = setting.partition("://")
    if not is_url:
        return URL.create("sqlite", database=setting)
    where = f"at {scheme}://…"
    if scheme == "dynamodb":
        raise LedgerUnusable(where, "this version keeps no ledger in DynamoDB", _NO_DYNAMODB)
    with contextlib.suppress(ArgumentError, ValueError):
        url = make_url(setting)
        if scheme == "sqlite" and url.database and rest.startswith("/"):
            return url
        if scheme in ("postgresql", "postgresql+psycopg2") and url.database:
            if url.password is not None or "password" in url.query:
                raise LedgerUnusable(where, "it must hold no password, as settings are shown", _FORMS)
            return url.set(drivername="postgresql+psycopg2")
    raise LedgerUnusable(where, "the setting has none of the known forms", _FORMS)


def _sqlite(url: URL, synced: bool) -> Engine:
    # `isolation_level` None: transactions begin where `writing` says so, and nowhere else.
    engine = create_engine(url, connect_args={"timeout": 30, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
        connection.execute("PRAGMA secure_delete = ON")  # what is purged is gone from the file

    return engine


def _postgres(url: URL) -> Engine:
    # A connection of the pool may have been dropped since it was last used, by a restart of the server.
    engine = create_engine(url, connect_args=_CONNECT, pool_pre_ping=True)
    return engine.execution_options(schema_translate_map={None: POSTGRES_SCHEMA})

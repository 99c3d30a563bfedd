"""The database of a ledger: a SQLite file on one machine, or PostgreSQL for several.

All that differs between the two but the request lock (`lock`): settings, connections, how a transaction
begins, and errors by our names. A package with tables of its own beside the ledger's uses this, too.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from music_assets.sources.ledger.errors import LedgerUnusable
from music_assets.sources.ledger.migrations import migrate
from music_assets.sources.ledger.schema import CHECKS, RESPONSES, TABLES, VERSION

POSTGRES_SCHEMA = "music_assets"  # of our tables: the database may be Dagster's, too
_CREATING = 0x6D757369  # the advisory lock under which tables are created
_FORMS = (
    "MUSIC_ASSETS_LEDGER is a file's path, sqlite:///path, or postgresql://user@host:5432/database, with no "
    "password in it (that comes from PGPASSWORD or a .pgpass file)."
)
_OF_A_FILE = "Free some space if the disk is full; if the file is damaged, put a backup in its place."
_OF_A_READ_ONLY_FILE = (
    "Allow this user to write to it and to its folder, or work on a copy of the data folder."
)
_OF_A_SERVER = (
    "Check that the database in MUSIC_ASSETS_LEDGER can be reached and lets this user in (the password comes "
    "from PGPASSWORD or a .pgpass file)."
)
# A connection whose other side is gone is noticed within a minute: no lock outlives its machine.
_CONNECT = {
    "connect_timeout": 10,
    "application_name": "music-assets",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    # Each statement is a transaction: with the isolation that a database may have for others, one that waited
    # for another would fail.
    "options": "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 "
    "-c default_transaction_isolation=read\\ committed",
}


class Database:
    """One database, opened and migrated; safe to use from several threads.

    `where` names it in messages; `path` is None for PostgreSQL. What is written to SQLite outlives a kill of
    the process; with `synced` a power cut, too. Who is only `reading` may read a file that this process
    cannot write to, as on a read-only disk.
    """

    def __init__(
        self, setting: str | os.PathLike[str], *, synced: bool = True, reading: bool = False
    ) -> None:
        url = _url_of(os.fspath(setting))
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(str(url.database)) if self.is_sqlite else None
        written = (self.path, self.path.parent) if self.path and reading else ()
        self.is_read_only = not all(os.access(path, os.W_OK) for path in written)
        self.where = str(self.path or url)
        with self.named_errors():
            if self.path and self.is_read_only:
                self.engine = _sqlite_to_read(self.path)
            elif self.path:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.engine = _sqlite(url, synced)
            else:
                self.engine = _postgres(url)
            # Of a file one connection stays open, and threads take turns: a connection per statement takes
            # longer than the statement, and several would read the file again after each other's writes.
            self._file = self.engine.connect() if self.is_sqlite else None
            self._turn = threading.RLock()
        if self.is_sqlite:
            self._migrate()
        self.create(TABLES)
        if not self.is_sqlite:
            self._migrate_postgres()

    @contextlib.contextmanager
    def named_errors(self) -> Iterator[None]:
        """Raise `LedgerUnusable` for what a database or its disk has against a statement."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            # Without the statement and its values, which SQLAlchemy adds.
            reason = str(error.orig if isinstance(error, DBAPIError) else error)
            advice = _OF_A_FILE if self.is_sqlite else _OF_A_SERVER
            if self.path and ("readonly" in reason or not os.access(self.path.parent, os.W_OK)):
                advice = _OF_A_READ_ONLY_FILE
            raise LedgerUnusable(self.where, " ".join(reason.split()), advice) from error

    @contextlib.contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        """A connection on which each statement is a transaction of its own, durable once it returns."""
        with self.named_errors():
            if self._file is None:
                with self.engine.connect() as connection:
                    yield connection
            else:
                with self._turn:
                    yield self._file

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction: durable once its context has ended, undone where that ended with an error."""
        with self.named_errors():
            if self._file is None:
                with self.engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
                    yield connection
                return
            with self._turn:
                # At once: one that begins by reading may not get to write.
                self._file.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    yield self._file
                    self._file.connection.commit()
                except BaseException:
                    self._file.connection.rollback()
                    raise

    def create(self, tables: sa.MetaData) -> None:
        """Create those of these tables, and of their indexes, that are missing."""
        schema = None if self.is_sqlite else POSTGRES_SCHEMA
        with self.connection() as connection:
            found = sa.inspect(connection)
            if tables.tables.keys() <= set(found.get_table_names(schema=schema)) and all(
                {index.name for index in table.indexes}
                <= {index["name"] for index in found.get_indexes(name, schema=schema)}
                for name, table in tables.tables.items()
            ):
                return
        with self.transaction() as connection:
            if schema:
                connection.execute(sa.func.pg_advisory_xact_lock(_CREATING).select())
                connection.execute(CreateSchema(schema, if_not_exists=True))
            tables.create_all(connection)
            for table in tables.tables.values():
                for index in table.indexes:
                    index.create(connection, checkfirst=True)

    def upsert(self, table: sa.Table, add: str | None = None) -> sa.Executable:
        """An insert that replaces the row of the same key; the number in the column `add` is added to it."""
        return _upsert(table, add, self.is_sqlite)

    def vacuum(self, table: sa.Table) -> None:
        """Have what was deleted leave the disk, as far as the engine can do that."""
        with self.connection() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                connection.exec_driver_sql(f"VACUUM {POSTGRES_SCHEMA}.{table.name}")

    def close(self) -> None:
        """Close the connections."""
        if self._file is not None:
            self._file.close()
        self.engine.dispose()

    def _migrate(self) -> None:
        with self.connection() as connection:
            if connection.exec_driver_sql("PRAGMA user_version").scalar() == VERSION:
                return
        with self.transaction() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            if version == VERSION:  # another process has just done it
                return
            if version not in (0, 2, 3):  # 0: a new file
                reason = f"it has version {version}, and this program reads versions 2 to {VERSION}"
                raise LedgerUnusable(self.where, reason, "Use the program that wrote it, or another ledger.")
            if version:
                migrate(connection, version)
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")

    def _migrate_postgres(self) -> None:
        def is_current(connection: sa.Connection) -> bool:
            columns = sa.inspect(connection).get_columns(RESPONSES.name, schema=POSTGRES_SCHEMA)
            return "checks" in {column["name"] for column in columns}

        with self.connection() as connection:
            if is_current(connection):
                return
        with self.transaction() as connection:
            connection.execute(sa.func.pg_advisory_xact_lock(_CREATING).select())
            connection.exec_driver_sql(f"SET LOCAL search_path TO {POSTGRES_SCHEMA}")
            if not is_current(connection):
                migrate(connection, 3)


@cache  # its construction takes longer than its execution
def _upsert(table: sa.Table, add: str | None, is_sqlite: bool) -> sa.Executable:
    insert: Any = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    keys = list(table.primary_key)
    values = {column.name: insert.excluded[column.name] for column in table.columns if column not in keys}
    if add:
        values[add] += table.c[add]
    if table is RESPONSES:
        values["checks"] = CHECKS
    return insert.on_conflict_do_update(index_elements=keys, set_=values)  # type: ignore[no-any-return]


def _url_of(setting: str) -> sa.URL:
    """What a setting names. No message shows it: it may hold a password, by mistake."""
    scheme, is_url, rest = setting.partition("://")
    if not is_url:
        return sa.URL.create("sqlite", database=setting)
    reason = "the setting has none of the known forms"
    if scheme == "dynamodb":
        reason = "a ledger in DynamoDB is read by commit b89238b only, and PostgreSQL takes its place"
    with contextlib.suppress(ArgumentError, ValueError):
        url = sa.make_url(setting)
        if scheme == "sqlite" and url.database and rest.startswith("/"):
            return url
        if scheme in ("postgresql", "postgresql+psycopg2") and url.database:
            if url.password is None and "password" not in url.query:
                return url.set(drivername="postgresql+psycopg2")
            reason = "the setting holds a password, and settings are shown"
    raise LedgerUnusable(f"at {scheme}://…", reason, _FORMS)


def _sqlite(url: sa.URL, synced: bool) -> sa.Engine:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
        connection.execute("PRAGMA secure_delete = ON")  # what is purged is gone from the file

    return engine


def _sqlite_to_read(path: Path) -> sa.Engine:
    """A file that this process cannot write to, nor may it leave files beside it that its owner cannot use.

    Who writes has a log beside it, with an index that readers share. Without a log nobody does, and the file
    is opened as `immutable`: SQLite would create both.
    """
    query = {"mode": "ro", "uri": "true"}
    if not Path(f"{path}-wal").exists():
        query["immutable"] = "1"
    url = sa.URL.create("sqlite", database=path.absolute().as_uri(), query=query)
    return sa.create_engine(url, isolation_level="AUTOCOMMIT")


def _postgres(url: sa.URL) -> sa.Engine:
    # A connection of the pool may have been dropped since it was last used, by a restart of the server.
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args=_CONNECT, pool_pre_ping=True)
    return engine.execution_options(schema_translate_map={None: POSTGRES_SCHEMA})

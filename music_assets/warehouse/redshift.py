"""The warehouse on AWS: Amazon Redshift, which reads staged files from S3 itself.

Here: transactions and their turns, COPY, and errors in words. How a connection is made is in
`redshift_url`, who may do what in `redshift_users`, what all engines share in `engine`.

Writers take turns by a lock of their own, taken first: with that no two of ours conflict (error 1023), and
readers, who do not know of it, never wait. Others' conflicts and lost connections are tried again,
from the start of the transaction; a load that was done after all is then found in `meta.loads`.

Slices are deleted and COPY fills the table itself: a temporary table in between would write all rows twice
and save nothing, since the same transaction holds counts against the manifests. The Redshift Database
Developer Guide (https://docs.aws.amazon.com/redshift/latest/dg/) has what is stated here about Redshift; this
was run on the stand-in of `music_assets_tests`, not on a cluster.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from sqlalchemy import Connection, Dialect, SelectBase, Table, column, insert, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy_redshift.dialect import RedshiftDialect_redshift_connector

from music_assets.tables import LOADS, METADATA, SCHEMAS
from music_assets.warehouse.engine import Warehouse, load_failed, wrong_objects
from music_assets.warehouse.errors import WarehouseError, WarehouseInterrupted, WarehouseInUse
from music_assets.warehouse.manifest import Files, Manifest, copy_manifest
from music_assets.warehouse.migrations import ExistingColumn, ExistingTable, steps
from music_assets.warehouse.redshift_url import RedshiftUrl
from music_assets.warehouse.redshift_users import User, to_daemon, to_loader, to_readers, to_user

_T = TypeVar("_T")
_ATTEMPTS = 5
_LONGEST_PAUSE = 30.0  # seconds
_TURN = "meta.writers"

# What passes by itself is in the message, anywhere in it; the SQLSTATE says only "internal error". The
# numbers are of the guide's "serializable isolation violation" and "concurrent DDL"; an OID that is gone is a
# table that another transaction has just replaced.
_PASSING = re.compile(
    r"\b10(?:18|23)\b|conflict with concurrent transaction|serializable isolation violation"
    r"|could not open relation with OID|relation with OID \d+ does not exist|deadlock detected",
    re.IGNORECASE,
)
_PASSING_STATES = ("08", "40", "57P01", "57P02", "57P03")  # SQLSTATE: connection, rollback, shutdown
_ALREADY = ("42P06", "42P07", "23505")  # another run has just made it
_TIMED_OUT = "57014"
_ARN = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@:/-]+")  # or several, one assuming the other

# Comments are joined: Redshift lists PostgreSQL's functions for them as unsupported.
_COLUMNS = f"""
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       of_column.description, of_table.description
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
LEFT JOIN pg_catalog.pg_description of_column ON of_column.objoid = c.oid AND of_column.objsubid = a.attnum
LEFT JOIN pg_catalog.pg_description of_table ON of_table.objoid = c.oid AND of_table.objsubid = 0
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname IN ({", ".join(f"'{schema}'" for schema in SCHEMAS)})
"""


class RedshiftWarehouse(Warehouse):
    """Redshift at `url`.

    `files` writes the manifest of each COPY, `iam_role` is the role it reads S3 by: an ARN, or `default`
    for the cluster's own.
    """

    needs_s3 = True

    def __init__(
        self, url: RedshiftUrl, files: Files, iam_role: str = "default", *, is_local: bool = False
    ) -> None:
        self.is_local = is_local
        self.pause = 1.0  # seconds before the second attempt, at most; doubled for each one more
        self._url = url
        self._engine = url.engine()
        self._files = files
        if iam_role != "default" and not _ARN.fullmatch(iam_role):
            raise WarehouseError(
                f"MUSIC_ASSETS_REDSHIFT_IAM_ROLE is {iam_role!r}: it takes a role's ARN "
                "(arn:aws:iam::<account>:role/<name>), or `default`."
            )
        self._role = iam_role if iam_role == "default" else _quoted(iam_role)

    @contextmanager
    def transaction(self, purpose: str) -> Iterator[Connection]:
        with self._connected(purpose) as connection:
            if self._steps(connection):
                connection.rollback()
                self._again(self._make_tables)
            connection.rollback()
            yield connection
            connection.commit()

    @contextmanager
    def looking(self, purpose: str) -> Iterator[Connection]:
        with self._connected(purpose) as connection:
            if LOADS.fullname not in self._existing(connection):
                connection.rollback()
                self._again(self._make_tables)
            connection.rollback()
            yield connection

    @contextmanager
    def _connected(self, purpose: str) -> Iterator[Connection]:
        with self._named_errors(purpose), self._engine.connect() as connection:
            connection.exec_driver_sql(f"SET query_group TO {_quoted(f'music_assets: {purpose}')}")
            connection.execute(text(f"SET statement_timeout TO {self._url.statement_timeout * 1000}"))
            connection.commit()
            yield connection

    def write(self, purpose: str, work: Callable[[Connection], _T]) -> _T:
        def attempt() -> _T:
            with self.transaction(purpose) as connection:
                # First of all: with the first read the transaction's picture of the tables is fixed.
                connection.execute(text(f"LOCK TABLE {_TURN}"))
                return work(connection)

        return self._again(attempt)

    def copy_files(
        self, connection: Connection, table: Table, manifests: Sequence[Manifest], run_id: str
    ) -> None:
        if remote := [one.url for one in manifests if not one.url.startswith("s3://")]:
            raise WarehouseError(
                f"{table.fullname}: Redshift reads staged files from S3, and {remote[0]} is a file of this "
                "machine. Set MUSIC_ASSETS_STAGING=s3://bucket/prefix and run again."
            )
        prepare = connection.dialect.identifier_preparer
        base = manifests[0].url.rsplit(f"/{table.name}/", 1)[0]
        # Kept: it tells what a run loaded, and is written over by the run's next load.
        merged = f"{base}/copy/{table.name}/{run_id}.manifest"
        self._files.write(merged, json.dumps(copy_manifest(manifests), indent=1).encode())
        columns = ", ".join(prepare.format_column(one) for one in table.columns)
        # As literal text: through the driver's parameters COPY is a syntax error.
        copy = (
            f"COPY {prepare.format_table(table)} ({columns}) FROM {_quoted(merged)} IAM_ROLE {self._role} "
            "FORMAT JSON 'auto' GZIP MANIFEST TIMEFORMAT 'auto' DATEFORMAT 'auto' COMPUPDATE OFF"
        )
        try:
            connection.exec_driver_sql(copy)
        except DBAPIError as error:
            named = _warehouse_error(error)
            if isinstance(named, WarehouseInterrupted):
                raise
            connection.rollback()
            why = self._load_errors(connection, manifests) or wrong_objects(manifests, self._files.read)
            raise load_failed(table, manifests, why, f"{named} (COPY by the role {self._role})") from error

    def read_file(self, url: str) -> bytes:
        return self._files.read(url)

    def insert(self, connection: Connection, table: Table, rows: SelectBase) -> None:
        """Append a statement's rows; values are written out: DBAs see them, and Redshift types them."""
        names = [one.name for one in table.columns]
        statement = insert(table).from_select(names, rows)
        compiled = statement.compile(dialect=_as_text(), compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(str(compiled))

    def update(self, table: Table) -> int:
        count = super().update(table)
        # The next table is joined with it: the planner should know its rows, if many are new. Redshift does
        # this by itself as well, but not in time for that.

        def analyse() -> None:
            with self.transaction(f"analysing {table.fullname}") as connection:
                connection.execute(text(f"ANALYZE {table.fullname}"))

        self._again(analyse)
        return count

    def publish(self) -> None:
        """Readers use the tables themselves: they see them as they were, or as they are."""

    def grant(self, role: str, loader: User | None = None, daemon: User | None = None) -> list[str]:
        """Let a role read what is published, now and later; make the loader and the daemon what they are.

        Whoever runs it with a loader is an administrator. Users and roles that are not there are made; run
        again, nothing else changes but that a user has the password that is given.

        Returns:
            The statements that were run, without what passwords are made of.
        """
        roles, users = table("svv_roles", column("role_name")), table("pg_user", column("usename"))
        with self.transaction(f"granting to {role}") as connection:
            quote = connection.dialect.identifier_preparer.quote
            known = {*connection.execute(select(roles.c.role_name)).scalars()}
            there = {*connection.execute(select(users.c.usename)).scalars()}
            statements = [] if role in known else [f"CREATE ROLE {quote(role)}"]
            statements += [
                to_user(user, user.name in there, quote) for user in (loader, daemon) if user is not None
            ]
            if loader is not None:
                (database,) = connection.execute(text("SELECT current_database()")).one()
                tables = [*(one.fullname for one in METADATA.sorted_tables), _TURN]
                statements += to_loader(quote(loader.name), quote(database), tables, self._role)
            if daemon is not None:
                statements += to_daemon(quote(daemon.name))
            statements += to_readers(quote(role), quote(loader.name) if loader else None)
            for statement in statements:
                connection.exec_driver_sql(statement)
        return [re.sub("PASSWORD '.*'", "PASSWORD '***'", statement) for statement in statements]

    def _make_tables(self) -> None:
        """Make the tables what is declared; other writers wait meanwhile."""
        with self._engine.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {_TURN.split('.')[0]}"))
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS {_TURN} (turn INTEGER) DISTSTYLE ALL"))
            connection.commit()
            connection.execute(text(f"LOCK TABLE {_TURN}"))
            for step in self._steps(connection):
                connection.exec_driver_sql(step)
            connection.commit()

    def _existing(self, connection: Connection) -> dict[str, ExistingTable]:
        existing: dict[str, ExistingTable] = {}
        rows = connection.execute(text(_COLUMNS))
        for schema, name, column_, type_, not_null, comment, of_table in rows:
            there = existing.setdefault(f"{schema}.{name}", ExistingTable(of_table))
            there.columns[column_] = ExistingColumn(type_, comment, not not_null)
        return existing

    def _steps(self, connection: Connection) -> list[str]:
        dialect = _as_text()
        return steps(self._existing(connection), dialect, lambda type_: type_.compile(dialect))

    def _load_errors(self, connection: Connection, manifests: Sequence[Manifest]) -> list[str]:
        """What Redshift recorded of a COPY that failed in this session."""
        errors = table(
            "sys_load_error_detail",
            *map(column, ("file_name", "line_number", "column_name", "error_message", "start_time")),
            column("session_id"),
        )
        mine = errors.c.session_id == text("pg_backend_pid()")
        slices = {one.url: one.slice for one in manifests}
        with suppress(DBAPIError):  # it may not be ours to read; there are other ways to tell
            for row in connection.execute(select(errors).where(mine).order_by(errors.c.start_time.desc())):
                url = row.file_name.strip()
                if url in slices:
                    return [
                        f"slice {slices[url]}: {url}, line {row.line_number}, column "
                        f"{(row.column_name or '').strip()}: {(row.error_message or '').strip()}"
                    ]
        return []

    def _again(self, attempt: Callable[[], _T]) -> _T:
        """`attempt`, and again after conflicts and lost connections, with longer and longer pauses."""
        for count in range(1, _ATTEMPTS + 1):
            try:
                return attempt()
            except (WarehouseInterrupted, DBAPIError) as error:
                named = _warehouse_error(error) if isinstance(error, DBAPIError) else error
                if not isinstance(named, WarehouseInterrupted) or count == _ATTEMPTS:
                    raise
                # At random, so that two who met do not meet again.
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE, self.pause * 2 ** (count - 1))))
        raise AssertionError("unreachable")

    @contextmanager
    def _named_errors(self, purpose: str) -> Iterator[None]:
        """Raise our errors in place of the driver's; no password is in either."""
        try:
            yield
        except DBAPIError as error:
            named = _warehouse_error(error)
            raise type(named)(f"{self._url}, {purpose}: {named}") from error
        except ConnectionError as error:
            raise WarehouseInterrupted(f"{self._url}, {purpose}: the connection was lost: {error}") from error


def _warehouse_error(error: DBAPIError) -> WarehouseError:
    """The error as ours: its class says whether a retry may help."""
    reported = error.orig.args[0] if error.orig is not None and error.orig.args else str(error.orig)
    if not isinstance(reported, dict):  # the driver's own words: it has lost the server, or never found it
        return WarehouseInterrupted(str(reported))
    message, state = str(reported.get("M", "")), str(reported.get("C", ""))
    words = " ".join(str(reported[key]) for key in ("M", "D") if reported.get(key))
    if state == _TIMED_OUT:
        return WarehouseInUse(
            f"{words}. Another load may have its turn (svv_transactions and the query group "
            "`music_assets: …` show it); the limit is `statement_timeout`, in seconds, in the URL."
        )
    if _PASSING.search(message) or state.startswith(_PASSING_STATES) or state in _ALREADY:
        return WarehouseInterrupted(words)
    return WarehouseError(words)


def _as_text() -> Dialect:
    """The dialect of statements that go to the driver as they are: it takes a `%` in quotes for one."""
    dialect: Dialect = RedshiftDialect_redshift_connector(paramstyle="named")
    return dialect


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

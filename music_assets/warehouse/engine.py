"""What every warehouse does the same way: load slices, fill tables, each in one transaction.

Here: the interface of an engine and the SQL that engines share. What differs (how to open a
connection, how files become rows, what readers are given) is in each engine's own module.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    SelectBase,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
)

from music_assets.tables import BY_HAND, LOADS, METADATA, SANDBOX, key_columns
from music_assets.warehouse.changes import forget, replacing, update
from music_assets.warehouse.comparison import differences
from music_assets.warehouse.errors import SandboxRefused, WarehouseError
from music_assets.warehouse.manifest import CopyFrom, Manifest
from music_assets.warehouse.published import APPENDED
from music_assets.warehouse.redshift_users import User

_T = TypeVar("_T")


@dataclass
class Loaded:
    """What a load did, by slice.

    `loaded` were written, `unchanged` were there already with the same checksum, `protected` are
    filled slices that an empty file would have replaced.
    """

    loaded: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    protected: dict[str, int] = field(default_factory=dict)


class Warehouse(ABC):
    """The declared tables, on one engine."""

    #: Whether only this machine can read it; sandbox rows are refused elsewhere.
    is_local: bool
    #: Whether it reads staged files from S3 alone.
    needs_s3 = False
    #: Seconds to wait for one in use: long enough for a load, short enough to hear who is in the way.
    wait_s = 60.0

    def exists(self) -> bool:
        """Whether there is one yet: engines that are a file create it with the first transaction."""
        return True

    @abstractmethod
    def transaction(self, purpose: str) -> AbstractContextManager[Connection]:
        """Open the warehouse for writing, with all schemas and tables there; commit at the end.

        `purpose` is shown to whoever has to wait. Raises `WarehouseInUse` when somebody else holds
        it for too long and `WarehouseError` when it cannot be opened.
        """

    def looking(self, purpose: str) -> AbstractContextManager[Connection]:
        """Open the warehouse for reading `meta.loads`, by a user who may perhaps do nothing else.

        Tables of an earlier version are left as they are. Raises as `transaction` does.
        """
        return self.transaction(purpose)

    def write(self, purpose: str, work: Callable[[Connection], _T]) -> _T:
        """`work` in one transaction; engines with several writers give it its turn, and try it again."""
        with self.transaction(purpose) as connection:
            return work(connection)

    @abstractmethod
    def copy_files(
        self, connection: Connection, table: Table, manifests: Sequence[Manifest], run_id: str
    ) -> None:
        """Append the rows of these files to `table`, inside the open transaction."""

    @abstractmethod
    def read_file(self, url: str) -> bytes:
        """The content of a staged file."""

    @abstractmethod
    def publish(self) -> Path | None:
        """Give readers what they read, where that is a thing of its own; its path, or None."""

    def vacuum(self) -> None:  # noqa: B027
        """Leave nothing of deleted rows in storage, where the engine does not see to that itself."""

    def grant(self, role: str, loader: User | None = None, daemon: User | None = None) -> list[str]:
        """Let a role read what is published, and users load and look, where the engine has users.

        Returns the statements run: none where readers have their own copy.
        """
        return []

    def load(self, copy: CopyFrom, run_id: str) -> Loaded:
        """Replace slices of one staging table by their files, all of them or none.

        A slice whose checksum is already there is left alone. A filled slice is not replaced by an empty
        file: a folder that has vanished must not empty a table.

        Raises:
            SandboxRefused: the files hold invented rows and the warehouse is not local.
            WarehouseError: a file is missing, broken, or has other rows than its manifest says.
        """
        table = METADATA.tables[f"staging.{copy.kind}"]
        return self.write(
            f"loading {table.fullname}",
            lambda connection: self._load(connection, table, copy.manifests, run_id),
        )

    def _load(
        self,
        connection: Connection,
        table: Table,
        manifests: Sequence[Manifest],
        run_id: str,
    ) -> Loaded:
        done = Loaded()
        loads = select(LOADS.c.slice, LOADS.c.checksum, LOADS.c.rows).where(LOADS.c.table == table.name)
        existing = {row.slice: row for row in connection.execute(loads)}
        todo = []
        for manifest in sorted(manifests, key=lambda one: one.slice):
            before = existing.get(manifest.slice)
            if before is not None and before.checksum == manifest.checksum:
                done.unchanged[manifest.slice] = manifest.rows
            elif before is not None and before.rows and not manifest.rows:
                done.protected[manifest.slice] = before.rows
            else:
                todo.append(manifest)
        if todo:
            self._replace_slices(connection, table, todo, run_id)
            done.loaded = {manifest.slice: manifest.rows for manifest in todo}
        return done

    def _replace_slices(
        self, connection: Connection, table: Table, todo: Sequence[Manifest], run_id: str
    ) -> None:
        slices = [manifest.slice for manifest in todo]
        filled = [manifest for manifest in todo if manifest.rows]
        with replacing(connection, self.insert, table, table.c.slice.in_(slices)):
            connection.execute(delete(table).where(table.c.slice.in_(slices)))
            if filled:
                self.copy_files(connection, table, filled, run_id)
        self._check_counts(connection, table, todo)
        self._check_values(connection, table, filled)
        connection.execute(delete(LOADS).where(LOADS.c.table == table.name, LOADS.c.slice.in_(slices)))
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(
            insert(LOADS).values(
                [  # one statement: one per row would take its time on a cluster
                    {
                        "table": table.name,
                        "slice": one.slice,
                        "checksum": one.checksum,
                        "rows": one.rows,
                        "run_id": run_id,
                        "loaded_at": now,
                    }
                    for one in todo
                ]
            )
        )

    def _check_counts(self, connection: Connection, table: Table, todo: Sequence[Manifest]) -> None:
        """Hold what arrived against the manifests, and keep invented rows from shared warehouses."""
        slices = [manifest.slice for manifest in todo]
        counts = select(table.c.slice, func.count()).where(table.c.slice.in_(slices)).group_by(table.c.slice)
        arrived = {slice_: int(rows) for slice_, rows in connection.execute(counts)}
        for manifest in todo:
            rows = arrived.get(manifest.slice, 0)
            if rows != manifest.rows:
                raise WarehouseError(
                    f"{table.fullname}, slice {manifest.slice}: {rows} rows arrived from {manifest.url}, "
                    f"its manifest says {manifest.rows}. Nothing was loaded; "
                    "materialize staged_json for it again."
                )
        if "source" not in table.c:
            return
        if self.is_local:
            invented = select(table.c.source).where(table.c.source == SANDBOX).limit(1)
            real = select(table.c.source).where(is_real(table)).limit(1)
            if connection.execute(invented).first() and connection.execute(real).first():
                raise SandboxRefused(
                    f"{table.fullname} would hold the sandbox's rows beside those of real sources. "
                    "Nothing was loaded; `music-assets run` on real sources removes the sandbox's, "
                    "and another data folder (MUSIC_ASSETS_DATA) keeps them apart."
                )
        else:
            invented = select(func.count()).where(table.c.slice.in_(slices), table.c.source == SANDBOX)
            if count := connection.execute(invented).scalar_one():
                raise SandboxRefused(
                    f"{count} rows for {table.fullname} come from the sandbox, and the warehouse is not on "
                    "this machine. Nothing was loaded; set MUSIC_ASSETS_SPOTIFY=api with Spotify's "
                    "credentials, or use a local warehouse."
                )

    def _check_values(self, connection: Connection, table: Table, filled: Sequence[Manifest]) -> None:
        """Compare a few rows with their files: of the first slice and of the last."""
        for manifest in {one.slice: one for one in (*filled[:1], *filled[-1:])}.values():
            content = self.read_file(manifest.url)
            if hashlib.sha256(content).hexdigest() != manifest.checksum:
                raise load_failed(
                    table, [manifest], [f"{manifest.url} has changed since it was validated"], ""
                )
            if wrong := next(differences(connection, table, content), None):
                raise WarehouseError(
                    f"{table.fullname}, slice {manifest.slice}: {wrong}, as {manifest.url} has it. Nothing "
                    "was loaded; this is a fault of the program or of its database engine: please report it."
                )

    def update(self, table: Table) -> int:
        """Bring a published table up to date with what it is made from; readers see it before or after.

        Returns:
            How many rows the table has now.
        """
        write = self._append if table.fullname in APPENDED else self._replace

        def work(connection: Connection) -> int:
            update(connection, self.insert, write, table)
            return _count(connection, table)

        return self.write(f"filling {table.fullname}", work)

    def fill(self, table: Table, rows: SelectBase) -> int:
        """Make `rows` the whole content of `table`; readers see the old content or the new.

        Returns:
            How many rows the table has now.
        """

        def work(connection: Connection) -> int:
            forget(connection, table)
            self._replace(connection, table, rows, None)
            return _count(connection, table)

        return self.write(f"filling {table.fullname}", work)

    def _replace(
        self, connection: Connection, table: Table, rows: SelectBase, which: ColumnElement[bool] | None
    ) -> None:
        # Deleted and not truncated: on Redshift that would commit, and readers see an empty table.
        connection.execute(delete(table) if which is None else delete(table).where(which))
        self.insert(connection, table, rows)

    def _append(
        self, connection: Connection, table: Table, rows: SelectBase, which: ColumnElement[bool] | None
    ) -> None:
        """Add `rows` to what `table` has: of rows with the same key the newer stays, by `fetched_at`."""
        keys = key_columns(table)
        new, held = rows.subquery("new"), table.alias("held")
        same = and_(*(held.c[key] == new.c[key] for key in keys))
        older = select(*(held.c[key] for key in keys)).where(same, new.c.fetched_at > held.c.fetched_at)
        missing = select(new).select_from(new.outerjoin(held, same)).where(held.c[keys[0]].is_(None))
        # By a table of their keys: IN takes one column of a query on Redshift, and no more.
        columns = (Column(key, table.c[key].type) for key in keys)
        gone = Table(f"older_{table.name}", MetaData(), *columns, prefixes=["TEMPORARY"])
        gone.create(connection, checkfirst=False)
        self.insert(connection, gone, older)
        connection.execute(delete(table).where(*(table.c[key] == gone.c[key] for key in keys)))
        gone.drop(connection, checkfirst=False)
        self.insert(connection, table, missing)

    def insert(self, connection: Connection, table: Table, rows: SelectBase) -> None:
        """Append the rows of a statement, whose columns are the table's, in order."""
        names = [column.name for column in table.columns]
        connection.execute(insert(table).from_select(names, rows))


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def is_real(table: Table) -> ColumnElement[bool]:
    """Whether a row has values of a real source."""
    return table.c.source.not_in((SANDBOX, BY_HAND))


def load_failed(
    table: Table, manifests: Sequence[Manifest], why: Sequence[str], message: str
) -> WarehouseError:
    """The error of a load that failed: which files are wrong or, where none is, the engine's message."""
    some = [one.slice for one in manifests[:10]]
    more = ", …" if len(manifests) > len(some) else ""
    cause = "; ".join(why[:5]) or f"{message} (slices {', '.join(some)}{more})"
    return WarehouseError(
        f"{table.fullname}: {cause}. Nothing was loaded; fix what is named, or materialize "
        "staged_json for it again."
    )


def wrong_objects(manifests: Sequence[Manifest], read: Callable[[str], bytes]) -> list[str]:
    """What is wrong with the files of a load that failed, in words: those missing, or of another size."""
    found = []
    for manifest in manifests:
        try:
            size = len(read(manifest.url))
        except Exception as error:  # each kind of store has its own; whatever it is, its message helps
            found.append(f"slice {manifest.slice}: {manifest.url} cannot be read: {error}")
            continue
        if size != manifest.bytes:
            found.append(
                f"slice {manifest.slice}: {manifest.url} has {size} bytes, its manifest says {manifest.bytes}"
            )
    return found

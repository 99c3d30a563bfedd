"""Dagster's event log in SQLite, written a step at a time, for the command line and the UI alike.

Dagster hands over the events of a multi-partition step, and those that a run plans, as one batch, and its
SQLite storage still writes each by itself: four connections and as many commits per event, which was half the
time of a backfill. Here a batch takes two transactions. Files and tables are Dagster's own, so that its own
storage reads them. Where this fails, Dagster writes the events one by one.

Dagster also opens and closes the file for each event, which writes it through to the disk each time; here
the index and the last run's file stay open. What a killed process wrote is stored; after a power failure the
last events may be missing. Which storage an instance uses is in `instance`.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterEventType, EventLogEntry, Field, StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine, text

_WAIT_S = 60  # for another process that is writing
# What Dagster hands over in batches and SQLite can take so.
_BATCHED = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}


class BatchingEventLog(SqliteEventLogStorage):
    """`SqliteEventLogStorage` that writes a batch at once; `dagster.yaml` and `run.yaml` name it.

    It is in the folder `base_dir`, or where Dagster's own would be in DAGSTER_HOME.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # The events of a step are written together.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
        self._engines: dict[str, Engine] = {}  # by shard; each holds one connection open
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Any:
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchingEventLog":
        # As a path in `dagster.yaml` it would be wrong as soon as somebody moves the data folder.
        folder = config_value.get("base_dir") or Path(os.environ["DAGSTER_HOME"], "history", "runs")
        return cls(str(folder), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._engines:
                for run in self._engines.keys() - {INDEX_SHARD_NAME}:  # the daemon meets every run
                    self._engines.pop(run).dispose()
                options = {"timeout": _WAIT_S, "check_same_thread": False}
                address = self.conn_string_for_shard(shard)
                engine = create_engine(address, poolclass=StaticPool, connect_args=options)
                self._initdb(engine)
                with engine.connect() as connection:
                    connection.execute(text("PRAGMA synchronous = NORMAL"))
                self._engines[shard] = engine
            with self._engines[shard].begin() as connection:
                database: Any = connection.connection.driver_connection
                before = database.total_changes
                yield connection
                changed = database.total_changes > before
            if changed:
                os.utime(self.path_for_shard(shard))  # what the UI watches; the events are beside it

    def dispose(self) -> None:
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        super().dispose()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        together: list[EventLogEntry] = []
        for event in events:
            if event.dagster_event and event.dagster_event.event_type in _BATCHED:
                together.append(event)
            else:
                self.store_event(event)
        if together:
            self._store_together(together)

    def _store_together(self, events: list[EventLogEntry]) -> None:
        """Events of one run, all of them about assets."""
        rows = self.prepare_insert_event_batch(events)
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(rows)
        with self.index_transaction() as connection:
            stored = connection.execute(rows.returning(SqlEventLogStorageTable.c.id))
            ids = sorted(row[0] for row in stored)
            self._store_asset_event_tags(connection, events, ids)
            # An asset's row describes its last event.
            last = {
                event.dagster_event.asset_key: (event, id_)
                for event, id_ in zip(events, ids, strict=True)
                if event.dagster_event
            }
            for event, id_ in last.values():
                self._store_asset_event(connection, event, id_)

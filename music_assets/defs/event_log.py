"""Dagster's event log in SQLite, written one step at a time. Used where the command line runs jobs.

Dagster hands over the materializations of a multi-partition step as one batch, and its SQLite storage still
writes each by itself: four connections and as many commits per event, which was half the time of a backfill.
Here a batch takes two transactions. Files and tables are Dagster's own, so the UI reads them with its own
storage. Where this fails, Dagster writes the events one by one.

Dagster also opens and closes the file for each event, which writes it through to the disk each time; here
it stays open. What a killed process wrote is stored; after a power failure the last events may be missing.
Which storage an instance uses is in `instance`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine, text

_WAIT_S = 60  # for another process that is writing


class BatchingEventLog(SqliteEventLogStorage):
    """`SqliteEventLogStorage` that writes a batch at once; `run.yaml` names it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}  # by shard; each holds one connection open
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchingEventLog":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._engines:
                options = {"timeout": _WAIT_S, "check_same_thread": False}
                address = self.conn_string_for_shard(shard)
                engine = create_engine(address, poolclass=StaticPool, connect_args=options)
                self._initdb(engine)
                with engine.connect() as connection:
                    connection.execute(text("PRAGMA synchronous = NORMAL"))
                self._engines[shard] = engine
            with self._engines[shard].begin() as connection:
                yield connection

    def dispose(self) -> None:
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        super().dispose()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        kinds = {event.dagster_event and event.dagster_event.event_type for event in events}
        if kinds != {DagsterEventType.ASSET_MATERIALIZATION} or len({event.run_id for event in events}) > 1:
            super().store_event_batch(events)
            return
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

"""Where a campaign's runs keep what they make: a data folder alone, or S3, Redshift and PostgreSQL beside it.

A place says what settings a run has there, what its tables and files hold, and what of a process that is gone
is still there. The servers are stand-ins (`music_assets_tests.support.standin`); they are in the test's own
process, and so outlive every run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import make_url, select

from music_assets.defs.wiring import opened_resources
from music_assets.settings import Settings
from music_assets.tables import METADATA
from music_assets_tests.campaigns.world import PASSING, settings_for, tables
from music_assets_tests.support.standin import USER, Standin

MARK = "CAMPAIGN_RUN"  # a variable by which a run's processes are known, whoever started them
_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
Tables = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class InFolder:
    """Everything in a data folder: DuckDB, SQLite, files."""

    folder: Path
    url: str  # of a sandbox that stays up, whoever is killed
    msd: str | None = None

    def settings(self, name: str) -> Settings:
        """A run's settings, with nothing there yet but a folder for what it writes to `TMPDIR`."""
        settings = settings_for(self.folder / name, self.url, msd=self.msd, **self.servers_of(name))
        scratch_of(settings).mkdir()
        return settings

    def servers_of(self, name: str) -> dict[str, str]:
        """The settings that name servers."""
        return {}

    def beside(self, settings: Settings) -> Settings:
        """The settings of somebody else who works on the same: here in the same folder."""
        return settings

    def tables(self, settings: Settings) -> Tables:
        """Every table, row by row, without what differs from run to run."""
        return tables(settings)

    def files(self, settings: Settings) -> set[str]:
        """The names of all files but Dagster's own and those that SQLite has beside a database."""
        found = (path.relative_to(settings.data) for path in settings.data.rglob("*") if path.is_file())
        own = {path for path in found if path.parts[0] != "dagster"}
        return {str(path) for path in own if not path.name.endswith(("-wal", "-shm"))}

    def held(self, settings: Settings) -> list[str]:
        """What is held by whom is gone: processes of these runs."""
        mark = str(settings.data)
        return [f"process {process.pid}: {process.name()}" for process in _processes(mark)]

    @property
    def statements(self) -> list[str]:
        """What the warehouse has been sent so far, where it is a server."""
        return []

    def drop(self, settings: Settings) -> None:
        """Make room."""
        shutil.rmtree(settings.data)


@dataclass(frozen=True)
class OnServers(InFolder):
    """Files on S3, tables on the stand-in, the ledger on PostgreSQL; Dagster's storage in the folder."""

    standin: Standin | None = None

    @property
    def servers(self) -> Standin:
        assert self.standin
        return self.standin

    def servers_of(self, name: str) -> dict[str, str]:
        ledger = make_url(self.servers.new_database()).database
        return {
            "staging": f"s3://{self.servers.bucket}/{self.folder.name}/{name}",
            "s3_endpoint": self.servers.s3_endpoint,
            "warehouse": self.servers.new_database(),
            "ledger": f"postgresql://{USER}@/{ledger}?host={self.servers.socket_folder}",
        }

    def beside(self, settings: Settings) -> Settings:
        """Another machine's: it has a data folder of its own, and shares the servers."""
        data = settings.data.with_name(f"{settings.data.name} beside")
        data.mkdir()
        return settings.model_copy(update={"data": data})

    def tables(self, settings: Settings) -> Tables:
        found: Tables = {}
        with (
            opened_resources(settings) as opened,
            opened.warehouse.open().transaction("comparing") as connection,
        ):
            for table in METADATA.sorted_tables:
                # Of a load the checksum, too: there are moments in the file.
                columns = [one for one in table.columns if one.name not in PASSING | {"checksum"}]
                rows = connection.execute(select(*columns)) if columns else []
                found[table.fullname] = sorted((tuple(row) for row in rows), key=repr)
        return found

    def files(self, settings: Settings) -> set[str]:
        prefix, objects = self._objects(settings)
        # COPY's manifests are kept by run, as a record.
        names = {_RUN_ID.sub("<run>", key.removeprefix(prefix)) for key in objects}
        uploads = self.servers.s3.list_multipart_uploads(Bucket=self.servers.bucket).get("Uploads", [])
        return super().files(settings) | names | {f"unfinished upload {one['Key']}" for one in uploads}

    def held(self, settings: Settings) -> list[str]:
        names = ", ".join(f"'{name}'" for name in self._databases(settings))
        sessions = self.servers.as_postgres(
            "\\t on\n"
            "SELECT datname, application_name, state, left(query, 60) FROM pg_stat_activity "
            f"WHERE datname IN ({names}) AND backend_type = 'client backend';\n"
            "SELECT datname, locktype, mode FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            f"WHERE datname IN ({names});\n"
            f"SELECT 'prepared', gid FROM pg_prepared_xacts WHERE database IN ({names});"
        )
        shown = [line.strip() for line in sessions.splitlines() if "|" in line]
        return [*super().held(settings), *shown]

    @property
    def statements(self) -> list[str]:
        return self.servers.statements

    def drop(self, settings: Settings) -> None:
        super().drop(settings)
        for key in self._objects(settings)[1]:  # which the stand-in holds in memory
            self.servers.s3.delete_object(Bucket=self.servers.bucket, Key=key)
        for name in self._databases(settings):
            self.servers.as_postgres(f"DROP DATABASE {name};")

    def _objects(self, settings: Settings) -> tuple[str, list[str]]:
        """Where in the bucket the staged files are, and the keys there."""
        prefix = settings.staging.removeprefix(f"s3://{self.servers.bucket}/")
        pages = self.servers.s3.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.servers.bucket, Prefix=prefix)
        return prefix, [one["Key"] for page in found for one in page.get("Contents", [])]

    def _databases(self, settings: Settings) -> list[str]:
        return [str(make_url(url).database) for url in (settings.warehouse, settings.ledger)]


def scratch_of(settings: Settings) -> Path:
    """Where a run's `TMPDIR` is, if that is there."""
    return settings.data.with_name(f"{settings.data.name} scratch")


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables by which a process, whichever command it runs, has these settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSIC_ASSETS")}
    environment |= {
        "MUSIC_ASSETS_DATA": str(settings.data),
        "MUSIC_ASSETS_SANDBOX_URL": str(settings.sandbox.url),
        "MUSIC_ASSETS_SKIP_SOURCES": settings.sources.skip,
        "MUSIC_ASSETS_STAGING": settings.staging,
        "MUSIC_ASSETS_WAREHOUSE": settings.warehouse,
        "MUSIC_ASSETS_LEDGER": settings.ledger,
        "MUSIC_ASSETS_MSD": str(settings.msd or ""),
        "MUSIC_ASSETS_S3_ENDPOINT": settings.aws.s3_endpoint or "",
        MARK: str(settings.data),
    }
    if scratch_of(settings).exists():
        environment["TMPDIR"] = str(scratch_of(settings))
    return environment


def started(settings: Settings, *command: str) -> subprocess.Popen[bytes]:
    """A command, `run` unless given, in a process of its own."""
    whole = ["music_assets.cli", *(command or ("run",)), "--data", str(settings.data)]
    return program(environment_of(settings), settings.data.parent, *whole)


def dagster_started(settings: Settings, *command: str) -> subprocess.Popen[bytes]:
    """A command of Dagster's own, on the storage in the data folder."""
    environment = environment_of(settings) | {"DAGSTER_HOME": str(settings.dagster_home)}
    return program(environment, settings.data.parent, "dagster", *command)


def program(environment: dict[str, str], folder: Path, *module: str) -> subprocess.Popen[bytes]:
    whole = [sys.executable, "-m", *module]
    return subprocess.Popen(
        whole, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _processes(mark: str) -> Iterator[psutil.Process]:
    """Those that run with this mark in their environment."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue

"""A real PostgreSQL for tests, on a socket of its own: databases by the dozen, restarts at will."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any


class Postgres:
    """The server. What is written to it need not outlive the tests, so nothing is synced."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = count(1)
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self.psql(f"ALTER SYSTEM SET {setting};")
        self.psql("SELECT pg_reload_conf();")

    def new_database(self) -> str:
        """The URL of an empty database; no password is asked for."""
        name = f"d{next(self._numbers)}"
        self.psql(f"CREATE DATABASE {name};")
        folder = self._server.get_postmaster_info().socket_dir
        return f"postgresql://{self._server.postgres_user}@/{name}?host={folder}"

    def psql(self, sql: str) -> str:
        """Run SQL as the superuser; what it prints."""
        return str(self._server.psql(f"\\set ON_ERROR_STOP on\n{sql}\n"))

    def end_sessions(self, which: str) -> None:
        """Terminate the sessions that a condition on `pg_stat_activity` selects."""
        self.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which};")

    def restart(self) -> None:
        self._pg_ctl("restart")

    def stop(self) -> None:
        self._pg_ctl("stop")
        self._server.cleanup()

    def _pg_ctl(self, action: str) -> None:
        import pgserver

        options = ["-m", "fast", "-w", "-l", str(self._server.log), action]
        pgserver.pg_ctl(options, pgdata=self._server.pgdata, user=self._server.system_user)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start PostgreSQL; stop and remove it at the end."""
    import pgserver

    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    folder.chmod(0o755)
    try:
        postgres = Postgres(pgserver.get_server(folder / "pg", cleanup_mode=None))
        yield postgres
        postgres.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

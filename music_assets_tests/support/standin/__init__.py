"""A stand-in for Amazon Redshift and S3: a real PostgreSQL behind a small wire proxy, and moto's S3 server.

It takes Redshift's DDL, COPY from S3, UNLOAD to it and errors over Redshift's own driver, refuses what
Redshift refuses (see `sql`), and enforces no keys. What it does not show: PartiQL navigation, Redshift's
planner, its speed, IAM, and its isolation (here PostgreSQL's REPEATABLE READ, whose conflicts are told as
1023).

    with running_standin() as standin:
        open_warehouse(standin.new_database(), ...)

Beside it: `proxy` (the wire, and faults on demand), `sql` (what is rewritten or refused), `copying` (COPY
from S3), `unloading` (UNLOAD to it), `shim.sql` (Redshift's own functions and views).
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from music_assets_tests.support.standin.copying import Objects
from music_assets_tests.support.standin.faults import Faults
from music_assets_tests.support.standin.proxy import Proxy

USER, PASSWORD, BUCKET, REGION = "awsuser", "standin-Secret1", "music", "us-east-1"


@dataclass(frozen=True)
class Standin:
    """A running stand-in: its database's URL, its S3 server with one bucket, and its faults on demand."""

    url: str
    s3_endpoint: str
    bucket: str
    faults: Faults
    statements: list[str]  # what clients sent, as they sent it
    _postgres: Any
    _names: Iterator[int]

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which AWS's libraries find the S3 server."""
        return {
            "AWS_ENDPOINT_URL": self.s3_endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
        }

    @property
    def socket_folder(self) -> Path:
        """Where PostgreSQL itself listens, for what wants a PostgreSQL and no Redshift."""
        return Path(self._postgres.get_postmaster_info().socket_dir)

    @property
    def s3(self) -> Any:
        """A boto3 client of the S3 server."""
        return _s3(self.s3_endpoint)

    def new_database(self, like: str = "dev") -> str:
        """Make an empty database, or one like another that nobody is connected to, and give its URL."""
        name = f"w{next(self._names)}"
        self.as_postgres(f"CREATE DATABASE {name} TEMPLATE {like} OWNER {USER};\n{_ISOLATION.format(name)}")
        return self.url.replace("/dev?", f"/{name}?")

    def as_postgres(self, sql: str) -> str:
        """Run SQL of PostgreSQL's own, past the proxy; its output as text."""
        return _psql(self._postgres, sql)

    def restart(self) -> None:
        """Restart PostgreSQL, as for maintenance: sessions end, and nothing that was committed is lost."""
        _restart(self._postgres)


# As on Redshift a transaction sees what was there when it began.
_ISOLATION = "ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read';"


@contextmanager
def running_standin() -> Iterator[Standin]:
    """Start PostgreSQL, the proxy and S3 on free ports; stop all and remove all at the end."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="standin-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        postgres = _postgres(folder / "pg", stack)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # moto's server would tell of every request
        s3 = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        s3.start()
        stack.callback(s3.stop)
        host, port = s3.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        _s3(endpoint).create_bucket(Bucket=BUCKET)
        exchange = folder / "exchange"
        exchange.mkdir()
        exchange.chmod(0o777)  # PostgreSQL, which is another user here, writes what is unloaded
        statements: list[str] = []
        faults = Faults()
        objects = Objects(_s3(endpoint), exchange)
        socket_path = postgres.get_postmaster_info().socket_path
        proxy = Proxy(
            socket_path, objects, faults, statements, lambda name, sql: _psql(postgres, f"\\c {name}\n{sql};")
        )
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        stack.callback(proxy.close)
        yield Standin(
            f"redshift+redshift_connector://{USER}:{PASSWORD}@127.0.0.1:{proxy.server_address[1]}/dev?ssl=false",
            endpoint,
            BUCKET,
            faults,
            statements,
            postgres,
            count(1),
        )


def _postgres(folder: Path, stack: ExitStack) -> Any:
    """PostgreSQL with a template database that has Redshift's functions, and a user with a password."""
    import pgserver

    postgres = pgserver.get_server(folder, cleanup_mode=None)

    def stop() -> None:
        """At once: what is in it need not be written out."""
        pgserver.pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=folder, user=postgres.system_user)
        postgres.cleanup()

    stack.callback(stop)
    # Unsynced writes: what is in it does not outlive the tests. Sorted by bytes, as Redshift sorts.
    hba = folder / "pg_hba.conf"
    hba.write_text("local all postgres trust\nlocal all all md5\n")
    os.chmod(hba, 0o644)
    _psql(
        postgres,
        "ALTER SYSTEM SET fsync = off;\n"
        "ALTER SYSTEM SET synchronous_commit = off;\n"
        "ALTER SYSTEM SET full_page_writes = off;\n"
        "ALTER SYSTEM SET password_encryption = md5;\n"
        "ALTER SYSTEM SET autovacuum = off;\n"
        "ALTER SYSTEM SET checkpoint_timeout = '1h';\n"
        "ALTER SYSTEM SET timezone = 'UTC';\n"
        "ALTER SYSTEM SET max_connections = 250;\n",
    )
    _restart(postgres)
    _psql(
        postgres,
        "SET password_encryption = md5;\n"
        f"CREATE ROLE {USER} LOGIN SUPERUSER PASSWORD '{PASSWORD}';\n"
        f"CREATE DATABASE dev OWNER {USER} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';\n"
        f"{_ISOLATION.format('dev')}\n"
        "\\c dev\n" + Path(__file__).with_name("shim.sql").read_text(),
    )
    return postgres


def _restart(postgres: Any) -> None:
    import pgserver

    options = ["-m", "fast", "-w", "-l", str(postgres.log), "restart"]
    pgserver.pg_ctl(options, pgdata=postgres.pgdata, user=postgres.system_user)


def _psql(postgres: Any, sql: str) -> str:
    return str(postgres.psql(f"\\set ON_ERROR_STOP on\n{sql}\n"))


def _s3(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name=REGION,
    )

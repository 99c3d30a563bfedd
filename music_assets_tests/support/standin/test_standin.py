"""The stand-in is to be trusted: it takes and refuses what Redshift does, and leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from music_assets_tests.support.standin import Standin

TABLE = "CREATE TABLE t (id VARCHAR(4) NOT NULL PRIMARY KEY, n INTEGER, doc SUPER) DISTKEY (id) SORTKEY (n)"
ROWS = [{"id": "a", "n": 1, "doc": {"x": ["\\ and \t and é"]}}, {"id": "b", "n": None, "doc": None}]


@pytest.fixture
def engine(standin: Standin) -> Iterator[Engine]:
    url = make_url(standin.new_database()).set(query={})
    engine = create_engine(url, connect_args={"ssl": False}, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLE)
    yield engine
    engine.dispose()


def run(engine: Engine, *statements: str) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []


def copy(standin: Standin, rows: list[dict[str, Any]] | bytes, more: int = 0) -> str:
    """Put rows on S3 with a manifest, and give the COPY of it; `more` is what the manifest errs by."""
    content = rows if isinstance(rows, bytes) else gzip.compress("\n".join(map(json.dumps, rows)).encode())
    name = uuid4().hex
    url = f"s3://{standin.bucket}/{name}.json.gz"
    entry = {"url": url, "mandatory": True, "meta": {"content_length": len(content) + more}}
    standin.s3.put_object(Bucket=standin.bucket, Key=f"{name}.json.gz", Body=content)
    manifest = json.dumps({"entries": [entry]}).encode()
    standin.s3.put_object(Bucket=standin.bucket, Key=f"{name}.manifest", Body=manifest)
    return (
        f"COPY t (id, n, doc) FROM 's3://{standin.bucket}/{name}.manifest' IAM_ROLE default "
        "FORMAT JSON 'auto' GZIP MANIFEST TIMEFORMAT 'auto'"
    )


def test_it_says_it_is_redshift(engine: Engine) -> None:
    assert "Redshift" in run(engine, "SELECT pg_catalog.version()")[0][0]


def test_keys_are_declared_and_not_enforced(engine: Engine) -> None:
    run(engine, "INSERT INTO t (id) VALUES ('a')", "INSERT INTO t (id) VALUES ('a')")
    assert run(engine, "SELECT count(*) FROM t") == [(2,)]


def test_copy_reads_what_its_manifest_names(standin: Standin, engine: Engine) -> None:
    run(engine, copy(standin, ROWS))
    assert run(engine, "SELECT id, n, json_serialize(doc) FROM t ORDER BY id") == [
        ("a", 1, '{"x": ["\\\\ and \\t and é"]}'),
        ("b", None, None),
    ]


def test_a_copy_is_of_its_transaction(standin: Standin, engine: Engine) -> None:
    run(engine, copy(standin, ROWS))
    with pytest.raises(DBAPIError):
        run(engine, "DELETE FROM t", copy(standin, ROWS), "SELECT no_such_column FROM t")
    assert run(engine, "SELECT count(*) FROM t") == [(2,)]


def test_a_row_that_does_not_fit_ends_the_copy_and_is_told(standin: Standin, engine: Engine) -> None:
    with pytest.raises(DBAPIError, match="sys_load_error_detail"):
        run(engine, copy(standin, [ROWS[0], {"id": "b", "n": "seven"}]))
    ((name, line, column, said),) = run(
        engine, "SELECT file_name, line_number, column_name, error_message FROM sys_load_error_detail"
    )
    assert name.startswith(f"s3://{standin.bucket}/")
    assert (line, column) == (2, "n")
    assert "seven" in said
    assert run(engine, "SELECT count(*) FROM t") == [(0,)]


def test_widths_are_bytes(standin: Standin, engine: Engine) -> None:
    run(engine, copy(standin, [{"id": "éé"}]))
    with pytest.raises(DBAPIError):
        run(engine, copy(standin, [{"id": "ééé"}]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"more": 1}, "unexpected length"),
        ({"rows": b"no gzip"}, "decompressing"),
        ({"rows": gzip.compress(b'{"id": "a"}' * 1000)[:-9]}, "decompressing"),
        ({"rows": gzip.compress(b'{"id": "' + b"x" * (4 << 20) + b'"}')}, "4 MB"),
    ],
    ids=["other size", "not gzip", "truncated", "long row"],
)
def test_a_broken_object_ends_the_copy(
    standin: Standin, engine: Engine, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(DBAPIError, match=said):
        run(engine, copy(standin, **{"rows": ROWS, **change}))


def test_what_is_not_on_s3_ends_the_copy(standin: Standin, engine: Engine) -> None:
    statement = copy(standin, ROWS)
    with pytest.raises(DBAPIError, match="NoSuchBucket"):
        run(engine, statement.replace(f"s3://{standin.bucket}/", "s3://nowhere/"))
    with pytest.raises(DBAPIError, match="NoSuchKey"):
        run(engine, statement.replace(".manifest", ".other"))
    for name in standin.s3.list_objects_v2(Bucket=standin.bucket)["Contents"]:
        if name["Key"].endswith(".json.gz"):
            standin.s3.delete_object(Bucket=standin.bucket, Key=name["Key"])
    with pytest.raises(DBAPIError, match="Mandatory url is not present"):
        run(engine, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t (id) VALUES ('a') ON CONFLICT DO NOTHING",
        "INSERT INTO t (id) VALUES ('a') RETURNING id",
        "SELECT DISTINCT ON (id) * FROM t",
        "SELECT doc -> 'x' FROM t",
        "SELECT 'a'::jsonb",
        "SELECT count(*) FILTER (WHERE n = 1) FROM t",
        "SELECT string_agg(id, ',') FROM t",
        "SELECT * FROM t AS one FULL OUTER JOIN t AS two ON one.id = two.id",
        "DELETE FROM t WHERE (id, n) IN (SELECT id, n FROM t)",
        "CREATE INDEX i ON t (id)",
        "TRUNCATE t",
        "VACUUM t",
        "ALTER TABLE t ADD COLUMN a INTEGER, ADD COLUMN b INTEGER",
        "SELECT SUBSTR(id, 1, 2) FROM t",
        "SELECT count(*) FROM t WHERE n < current_timestamp",
        "INSERT INTO t (id) SELECT to_ascii(id) FROM t",
        "SELECT listagg(id, chr(31)) WITHIN GROUP (ORDER BY id) FROM t",
        "SELECT obj_description(1, 'pg_class')",
        "SELECT string_to_array(id, ',') FROM t",
        "COPY t FROM 's3://music/x' FORMAT JSON 'auto'",
        "COPY t FROM 's3://music/x' IAM_ROLE default FORMAT JSON 'auto' FREEZE",
    ],
)
def test_what_redshift_refuses_is_refused(engine: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"Redshift does not take|not supported|COPY"):
        run(engine, statement)
    assert run(engine, "SELECT 'ON CONFLICT', '::jsonb'") == [("ON CONFLICT", "::jsonb")]
    run(engine, "SELECT t.id AS now, 'substr(' FROM t", "SELECT current_schema()")


def test_writers_that_cross_are_told_as_redshift_tells_them(engine: Engine) -> None:
    run(engine, "INSERT INTO t (id) VALUES ('a')")
    with engine.connect() as one, engine.connect() as two:
        one.exec_driver_sql("SELECT count(*) FROM t")
        two.exec_driver_sql("DELETE FROM t")
        two.commit()
        with pytest.raises(DBAPIError, match=r"'C': 'XX000', 'M': '1023'.*Serializable isolation violation"):
            one.exec_driver_sql("DELETE FROM t")


def test_faults_come_when_asked_for_and_once(standin: Standin, engine: Engine) -> None:
    standin.faults.conflict("^commit")
    with pytest.raises(DBAPIError, match="1023"):
        run(engine, "INSERT INTO t (id) VALUES ('a')")
    standin.faults.lose_connection("^insert")
    with pytest.raises(DBAPIError, match="closed"):
        run(engine, "INSERT INTO t (id) VALUES ('a')")
    standin.faults.slow("count", seconds=0.2)
    before = time.monotonic()
    assert run(engine, "SELECT count(*) FROM t") == [(0,)]
    assert time.monotonic() - before >= 0.2
    run(engine, "INSERT INTO t (id) VALUES ('a')")
    assert run(engine, "SELECT count(*) FROM t") == [(1,)]


def test_a_wrong_password_is_refused(engine: Engine) -> None:
    other = create_engine(engine.url.set(password="wrong"), connect_args={"ssl": False})
    with pytest.raises(DBAPIError, match="password authentication failed"):
        other.connect()


@pytest.mark.slow
def test_it_leaves_neither_process_nor_port_nor_file() -> None:
    """In a process of its own, which ends by an exception with a connection open."""
    code = (
        "import sys\n"
        "from sqlalchemy import create_engine, make_url\n"
        "from music_assets_tests.support.standin import running_standin\n"
        "with running_standin() as standin:\n"
        "    url = make_url(standin.new_database())\n"
        "    held = create_engine(url.set(query={}), connect_args={'ssl': False}).connect()\n"
        "    info = standin._postgres.get_postmaster_info()\n"
        "    print(info.pid, info.pgdata.parent, url.port, standin.s3_endpoint.split(':')[-1], flush=True)\n"
        "    raise RuntimeError('the end')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the end" in done.stderr
    pid, folder, *ports = done.stdout.split()
    assert not os.path.exists(folder)
    # Where nobody reaps orphans, as in a bare container, it may stay as a zombie.
    assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(port))) != 0

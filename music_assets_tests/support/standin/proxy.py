"""Between a client of Redshift and PostgreSQL: start-up, statements and errors as Redshift has them.

Statements are rewritten as they are parsed; a COPY from S3, a refusal and a fault replace the whole
exchange up to the client's Sync by a simple query, whose answer the client reads as its own.
https://www.postgresql.org/docs/15/protocol-message-formats.html has the messages.
"""

from __future__ import annotations

import json
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from music_assets_tests.support.standin.copying import Copy, CopyRefused, Objects
from music_assets_tests.support.standin.faults import Faults
from music_assets_tests.support.standin.sql import NotRedshift, for_postgres
from music_assets_tests.support.standin.unloading import Unload

_PASSED_ON = {b"user", b"database", b"application_name", b"client_encoding"}
NOTHING = "DO 'BEGIN END'"  # a statement without rows or effect
_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_CONFLICT = (
    "Serializable isolation violation on table - 100123, transactions forming the cycle are: 1, 2 (pid:3)"
)


class Proxy(socketserver.ThreadingTCPServer):
    """Listens on a free port of loopback."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self,
        postgres: Path,
        objects: Objects,
        faults: Faults,
        statements: list[str],
        note: Callable[[str, str], None],
    ) -> None:
        """`note` runs a statement in a database, outside all transactions."""
        self.postgres, self.objects, self.faults = postgres, objects, faults
        self.statements, self.note = statements, note
        self.clients: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Session)

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        for client in list(self.clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


class _Session(socketserver.StreamRequestHandler):
    """One client's connection; this thread carries what it says, another what it is answered."""

    server: Proxy
    disable_nagle_algorithm = True

    def handle(self) -> None:
        start = self._startup()
        if start is None:
            return
        self.server.clients.add(self.connection)
        self.pid = 0
        self.copying: Path | None = None
        self.parsed: dict[bytes, str] = {}
        with socket.socket(socket.AF_UNIX) as postgres:
            postgres.connect(str(self.server.postgres))
            self.postgres = postgres
            postgres.sendall(start)
            answers = threading.Thread(target=self._answers, args=(postgres.makefile("rb"),), daemon=True)
            answers.start()
            with suppress(OSError, EOFError):
                while True:
                    self._statement(*_message(self.rfile))
            # What PostgreSQL has said last, such as that a password is wrong, goes to the client first.
            with suppress(OSError):
                postgres.shutdown(socket.SHUT_WR)
            answers.join(timeout=5)
            self._hang_up()
        self.server.clients.discard(self.connection)

    def _startup(self) -> bytes | None:
        """The start-up message without what only Redshift knows; None for a client that went away."""
        with suppress(EOFError, OSError):
            while True:
                (size,) = struct.unpack("!I", _read(self.rfile, 4))
                body = _read(self.rfile, size - 4)
                (code,) = struct.unpack("!I", body[:4])
                if code in (_SSL, _GSS):
                    self.connection.sendall(b"N")
                elif code == _CANCEL:
                    return None
                else:
                    parts = body[4:].rstrip(b"\0").split(b"\0")
                    given = dict(zip(parts[::2], parts[1::2], strict=False))
                    self.database = given[b"database"].decode()
                    kept = [
                        name + b"\0" + value + b"\0" for name, value in given.items() if name in _PASSED_ON
                    ]
                    start = body[:4] + b"".join(kept) + b"\0"
                    return struct.pack("!I", len(start) + 4) + start
        return None

    def _statement(self, kind: bytes, body: bytes) -> None:
        if kind == b"Q":
            self._run(body[:-1].decode(), simple=True)
            return
        if kind == b"P":
            name, query, rest = body.split(b"\0", 2)
            sql = query.decode()
            self.parsed[name] = sql
            try:
                # COPY and UNLOAD are read when they are run; until then anything without rows does.
                rewritten = NOTHING if _is_of_s3(sql) else for_postgres(sql)
            except NotRedshift as error:
                self._instead(_raising(str(error), "42601"))
                return
            body = b"\0".join((name, rewritten.encode(), rest))
        elif kind == b"B":
            sql = self.parsed[body.split(b"\0", 2)[1]]
            if self._run(sql):
                return
        self._send(kind, body)

    def _run(self, sql: str, simple: bool = False) -> bool:
        """A statement is about to run: note it, and do what is not PostgreSQL's; whether that was all."""
        self.server.statements.append(sql)
        fault = self.server.faults.take(sql)
        if fault is not None and fault.kind == "lost":
            self._hang_up()
            raise EOFError
        if fault is not None and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault is not None and fault.kind == "conflict":
            code = "40001" if fault.message == "1023" else "XX000"
            self._instead(_raising(fault.message, code), simple)
        elif _is_of_s3(sql):
            (self._copy if sql.lstrip()[:4].upper() == "COPY" else self._unload)(sql, simple)
        elif simple:
            try:
                self._send(b"Q", for_postgres(sql).encode() + b"\0")
            except NotRedshift as error:
                self._instead(_raising(str(error), "42601"), simple)
        else:
            return False
        return True

    def _copy(self, sql: str, simple: bool) -> None:
        try:
            copy = Copy.parse(sql)
            path = self.server.objects.fetch(copy)
        except CopyRefused as error:
            self._instead(_raising(str(error), "XX000"), simple)
            return
        columns = "NULL" if not copy.columns else "ARRAY[" + ",".join(map(_quoted, copy.columns)) + "]"
        self.copying = path
        self._instead(
            f"DO $do$ BEGIN PERFORM standin.load({_quoted(copy.table)}::regclass, {columns}, "
            f"{_quoted(str(path))}); END $do$",
            simple,
        )

    def _unload(self, sql: str, simple: bool) -> None:
        objects = self.server.objects
        try:
            Unload.parse(sql).run(objects.s3, objects.folder, partial(self.server.note, self.database))
        except (CopyRefused, NotRedshift) as error:
            self._instead(_raising(str(error), "XX000"), simple)
            return
        self._instead(NOTHING, simple)

    def _instead(self, sql: str, simple: bool = False) -> None:
        """Send this as a simple query, and drop what the client says up to its Sync."""
        if not simple:
            while _message(self.rfile)[0] != b"S":
                pass
        self._send(b"Q", sql.encode() + b"\0")

    def _send(self, kind: bytes, body: bytes) -> None:
        self.postgres.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _answers(self, postgres: BinaryIO) -> None:
        """Carry PostgreSQL's answers to the client, its errors in Redshift's words."""
        with suppress(OSError, EOFError):
            while True:
                kind, body = _message(postgres)
                if kind == b"K":
                    (self.pid,) = struct.unpack("!I", body[:4])
                elif kind == b"E":
                    body = self._error(body)
                elif kind == b"S" and body.startswith(b"server_version\0"):
                    body = b"server_version\x008.0.2\0"
                elif kind == b"Z" and self.copying is not None:
                    self.copying.unlink()
                    self.copying = None
                self.connection.sendall(kind + struct.pack("!I", len(body) + 4) + body)
        with suppress(OSError):  # its last word may still be on its way
            self.connection.shutdown(socket.SHUT_WR)

    def _error(self, body: bytes) -> bytes:
        fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
        if fields[b"C"] == b"40001":  # PostgreSQL's own conflict, or ours
            fields |= {b"C": b"XX000", b"M": b"1023", b"D": _CONFLICT.encode()}
        elif self.copying is not None and fields.get(b"D", b"").startswith(b"{"):
            self._note_load_error(json.loads(fields.pop(b"D")))
        return b"".join(key + value + b"\0" for key, value in fields.items()) + b"\0"

    def _note_load_error(self, told: dict[str, str]) -> None:
        """Write what a failed COPY met where it outlives the transaction."""
        names = ("file", "line", "column", "error")
        values = ", ".join(_quoted(str(told[name] or "")) for name in names)
        self.server.note(
            self.database,
            "INSERT INTO public.sys_load_error_detail "
            "(session_id, file_name, line_number, column_name, error_message) "
            f"VALUES ({self.pid}, {values})",
        )

    def _hang_up(self) -> None:
        for end in (self.connection, self.postgres):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _is_of_s3(sql: str) -> bool:
    return re.match(r"\s*(?:COPY|UNLOAD)\b.*'s3://", sql, re.I | re.S) is not None


def _raising(message: str, code: str) -> str:
    return f"DO $do$ BEGIN RAISE EXCEPTION USING MESSAGE = {_quoted(message)}, ERRCODE = '{code}'; END $do$"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _message(stream: BinaryIO) -> tuple[bytes, bytes]:
    head = _read(stream, 5)
    return head[:1], _read(stream, struct.unpack("!I", head[1:])[0] - 4)


def _read(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data

"""An S3 server to test with: moto's, over a real socket, that counts what is asked and fails on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from music_assets.staging.store import StagedFile, checksum

BUCKET = "staging-tests"
PLACE = f"s3://{BUCKET}/staged"
Fault = Callable[[Request], Response | None]
_PIECE = 8192  # bytes


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *args: object) -> None:
        pass


@dataclass
class S3Server:
    """`asked` is every request, as `PUT /bucket/key`; `fault` may answer one instead of the server, or wait.

    `trickle` is how many seconds pass before each piece of what is read.
    """

    endpoint: str = ""
    asked: list[str] = field(default_factory=list)
    fault: Fault = lambda request: None
    trickle: float = 0.0
    fresh: list[dict[str, str]] = field(default_factory=list)  # headers of what was written

    def app(self, server: Any) -> Any:
        def answer(environ: dict[str, Any], start_response: Any) -> Any:
            request = Request(environ)
            query = f"?{request.query_string.decode()}" if request.query_string else ""
            self.asked.append(f"{request.method} {request.path}{query}")
            if request.method == "PUT":
                self.fresh.append({name.lower(): value for name, value in request.headers.items()})
            failed = self.fault(request)
            body = (failed or server)(environ, start_response)
            return self._trickled(body) if self.trickle and request.method == "GET" else body

        return answer

    def _trickled(self, body: Iterable[bytes]) -> Iterator[bytes]:
        for part in body:
            for start in range(0, len(part), _PIECE):
                time.sleep(self.trickle)
                yield part[start : start + _PIECE]


def refusal(status: int, code: str) -> Response:
    """An error as S3 answers it."""
    body = f"<Error><Code>{code}</Code><Message>said by the server: secret</Message></Error>"
    return Response(body, status, content_type="application/xml")


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server with the bucket, empty, and credentials for it in the environment."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTING")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.DEFAULT_SESSION = None  # the last one remembers its credentials
    it = S3Server()
    app = it.app(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    it.endpoint = f"http://127.0.0.1:{server.server_port}"
    boto3.client("s3", endpoint_url=it.endpoint).create_bucket(Bucket=BUCKET)
    bucket = boto3.resource("s3", endpoint_url=it.endpoint).Bucket(BUCKET)
    bucket.objects.delete()  # moto's buckets outlive its servers, and are the same for all of them
    it.asked.clear()
    it.fresh.clear()
    try:
        yield it
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        boto3.DEFAULT_SESSION = None


def receipt(content: bytes = b"x", slice_: str = "AB", facts: str = "") -> StagedFile:
    return StagedFile(
        "songs", slice_, "made-from", 1, len(content), checksum(content), "run", "2026", metadata={"n": facts}
    )

"""A web server on loopback that misbehaves as told, one answer after the other."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Served:
    """What is served, by the next of `answers` (the last one for ever), and what was asked."""

    def __init__(self, url: str, content: bytes, answers: list[Answer]) -> None:
        self.url = url
        self.content = content
        self.answers = answers
        self.asked: list[dict[str, str]] = []

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.asked]


@contextmanager
def serving(content: bytes, *answers: Answer) -> Iterator[Served]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append(dict(self.headers))
            answer = served.answers[0] if len(served.answers) == 1 else served.answers.pop(0)
            answer(self, served.content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    served = Served(
        f"http://127.0.0.1:{server.server_port}/subset.tar.gz", content, list(answers) or [ranged]
    )
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, length: int | None = None, **headers: str
) -> None:
    """Answer; with a `length` that is not the body's, the connection ends after the body."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
    if length is not None:
        handler.close_connection = True


def first_byte(handler: BaseHTTPRequestHandler) -> int:
    return int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])


def ranged(handler: BaseHTTPRequestHandler, content: bytes, stop: int | None = None, **headers: str) -> None:
    """A server as it should be; `stop` bytes into the file it breaks off."""
    headers.setdefault("ETag", '"one"')
    start = first_byte(handler)
    if handler.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        start = 0
    if start >= len(content):
        send(handler, 416, b"", Content_Range=f"bytes */{len(content)}")
        return
    body = content[start:stop]
    length = len(content) - start
    if start:
        headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    send(handler, 206 if start else 200, body, length, **headers)


def breaks_off_at(stop: int, **headers: str) -> Answer:
    return lambda handler, content: ranged(handler, content, stop, **headers)


def ignores_ranges(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    send(handler, 200, content)


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler, content: send(handler, status, body, **headers)


def lies_about_length(by: int) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        send(handler, 200, content, len(content) + by)

    return answer


def chunked(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """No length at all, in pieces."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for start in range(0, len(content), 1000):
        piece = content[start : start + 1000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


SONG_NAMES = ["TRAAAAW128F429D538", "TRAAABD128F429CF47", "TRABCDE128F423E0CC", "TRBIJNF128F14815A7"]


def song_path(track_id: str) -> str:
    return f"{track_id[2]}/{track_id[3]}/{track_id[4]}/{track_id}.h5"


def entry(name: str, content: bytes = b"", **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), 1_300_000_000
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, content


def songs(prefix: str = "MillionSongSubset/") -> list[tuple[tarfile.TarInfo, bytes]]:
    return [entry(prefix + song_path(name), f"song {name} ".encode() * 200) for name in SONG_NAMES]


def tar_of(*entries: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()

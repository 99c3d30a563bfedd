"""Connection faults to inject: cut in the middle of a response, reset, silent, without end.

When they happen is decided in `faults`. ASGI hides the connection from an application, so a protocol of our
own tells which one a request came by.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from music_assets_tests.support.faults import DRIP, ENDLESS, HANG, RESET

_LINGER_NOT = struct.pack("ii", 1, 0)  # close with a reset, not in order

_CHUNKS = {ENDLESS: (b" " * 65_536, 0.0), DRIP: (b" ", 0.02)}  # and the seconds after each


async def _without_end(chunk: bytes, seconds: float) -> AsyncIterator[bytes]:
    while True:  # until the client has gone, when this is cancelled
        yield chunk
        await asyncio.sleep(seconds)


class Connections:
    """The open connections, by the address at their other end."""

    def __init__(self) -> None:
        self._open: dict[tuple[Any, ...], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Uvicorn's HTTP protocol, which makes its connections known here."""
        known = self._open

        class Known(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
            def connection_made(self, transport: asyncio.Transport) -> None:
                known[transport.get_extra_info("peername")] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                known.pop(self.transport.get_extra_info("peername"), None)
                super().connection_lost(exc)

        return Known

    async def end(self, how: str, request: Request, seconds: float) -> Response:
        """End this request's connection: `cut` after the beginning of an answer, `reset`, or `hang` first.

        With `endless` or `drip`, it is for the client to end it.
        """
        if how in (ENDLESS, DRIP):
            return StreamingResponse(_without_end(*_CHUNKS[how]), media_type="application/json")
        if how == HANG:
            until = asyncio.get_running_loop().time() + seconds
            while asyncio.get_running_loop().time() < until and not await request.is_disconnected():
                await asyncio.sleep(0.02)
        transport = self._open.get(tuple(request.client or ()))
        if how in (HANG, RESET) and transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            transport.abort()
        return _Cut()


class _Cut(Response):
    """An answer that ends before it should; the server closes the connection for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"tracks": {"items": ['})

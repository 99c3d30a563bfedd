"""FTP for `requests`, as little of it as a download takes: the Echo Nest archive is on an FTP server.

A GET gives the file as a stream, from the first byte of its `Range` on, with the headers that a web server
would send, so that `http_file` resumes it as any other.
"""

from __future__ import annotations

import ftplib
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse


class FtpAdapter(BaseAdapter):
    """Anonymous FTP, in passive mode and binary."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, timeout: Any = None, **kwargs: Any
    ) -> requests.Response:
        parts = urlsplit(str(request.url))
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        first = int(str(request.headers.get("Range", "bytes=0-")).removeprefix("bytes=").rstrip("-"))
        ftp = ftplib.FTP(timeout=connect)
        try:
            ftp.connect(parts.hostname or "", parts.port or ftplib.FTP_PORT)
            ftp.login()
            path = unquote(parts.path)
            ftp.voidcmd("TYPE I")
            size = ftp.size(path)
            data = ftp.transfercmd(f"RETR {path}", rest=first or None)
            data.settimeout(read)
        except ftplib.error_perm as error:
            ftp.close()
            return _response(request, 404, str(error), {}, io.BytesIO())
        except ftplib.all_errors as error:
            ftp.close()
            raise requests.ConnectionError(str(error) or type(error).__name__) from error
        headers = {} if size is None else {"Content-Length": str(size - first)}
        if first and size is not None:
            headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        return _response(request, 206 if first else 200, "OK", headers, _Body(ftp, data.makefile("rb")))

    def close(self) -> None:
        """Nothing is kept open between requests."""


class _Body(io.RawIOBase):
    """The data connection; the control connection is closed with it."""

    def __init__(self, ftp: ftplib.FTP, data: Any) -> None:
        self._ftp, self._data = ftp, data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return int(self._data.readinto(buffer))

    def close(self) -> None:
        if not self.closed:
            self._data.close()
            self._ftp.close()
        super().close()


def _response(
    request: requests.PreparedRequest, status: int, reason: str, headers: Mapping[str, str], body: Any
) -> requests.Response:
    response = requests.Response()
    response.status_code, response.reason = status, reason
    response.url, response.request = str(request.url), request
    response.headers.update(headers)
    response.raw = HTTPResponse(body, headers=headers, status=status, preload_content=False)
    return response

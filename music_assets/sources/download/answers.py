"""What a server's answer says of the file, and how that is said to people.

Here: reading heads and naming faults. What to do about them is in `fetch`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


def start_of_range(response: requests.Response) -> int | None:
    """Where a 206 begins; None for the whole file."""
    if response.status_code != 206:
        return None
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def total_of_range(response: requests.Response) -> int | None:
    match = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def total_of(response: requests.Response, start: int | None) -> int | None:
    """The size of the whole file, as far as the answer says."""
    if start is not None:
        return total_of_range(response)
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def web_page(response: requests.Response) -> str:
    return (
        f"{response.url} answers with a web page instead of an archive: the file may have moved, or a login "
        "page of the network is in between. Open the address in a browser, or name another with --url."
    )


def as_size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def innermost(error: Exception) -> str:
    """The innermost reason, without the wrappings of requests and urllib3."""
    inner: object = error
    while isinstance(inner, BaseException):
        found = getattr(inner, "reason", None) or next(iter(inner.args), None)
        if not isinstance(found, BaseException):
            break
        inner = found
    return str(inner).rpartition(": ")[2] or type(error).__name__

"""Responses that are sent as they are, and the Web API's errors among them.

The bodies are those the real service was recorded with. Responses that hold data are made in `responses`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class Raw:
    """A response as it is, right or wrong: status, body, headers."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def error(status: int, message: str | None = None, reason: str | None = None, **headers: str) -> Raw:
    """An error of the Web API, with the body it has there."""
    values: dict[str, Any] = {"status": status, "message": message, "reason": reason}
    body = orjson.dumps({"error": {name: value for name, value in values.items() if value is not None}})
    return Raw(status, body, {"content-type": "application/json; charset=utf-8", **headers})


class Refused(Exception):
    """A request gets this error of the Web API: its status, message, reason and headers."""

    def __init__(self, status: int, message: str | None = None, **headers: str) -> None:
        super().__init__(message)
        self.answer = error(status, message, **headers)


class Replaced(Refused):
    """A request gets this in place of its answer."""

    def __init__(self, answer: Raw) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refused(status: int, body: Any, content_type: str = "application/json") -> Refused:
    """A refusal by another service, with a body of its own."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Replaced(Raw(status, content, {"content-type": content_type}))

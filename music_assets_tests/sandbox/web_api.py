"""A plain HTTP client of the sandbox's Spotify, and comparing its responses with recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from music_assets_tests.support.sandbox import SandboxServer

UNKNOWN = "0" * 22  # an id that no track has


class WebApiClient:
    """A plain HTTP client with a token."""

    def __init__(self, server: SandboxServer) -> None:
        self.server, self.session = server, requests.Session()
        self.session.trust_env = False
        self.login()

    def login(self) -> None:
        settings = self.server.settings
        answer = self.session.post(
            settings.token_url,
            data={"grant_type": "client_credentials"},
            auth=(settings.client_id, settings.client_secret),
        )
        assert answer.status_code == 200 and answer.json()["token_type"] == "Bearer"
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __call__(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(self.server.settings.base_url + path, params=params)

    def search(self, q: str, **params: Any) -> list[dict[str, Any]]:
        answer = self("search", q=q, type="track", **params)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["tracks"]["items"]
        return items


def recorded(shared: Path, name: str) -> Any:
    return json.loads((shared / "spotify" / name).read_text())["response"]["json"]


def shape(value: Any, at: str = "") -> dict[str, set[str]]:
    """The type of every value by its way down; all entries of a list together."""
    found: dict[str, set[str]] = {at: {type(value).__name__}}
    inner = (
        value.items()
        if isinstance(value, dict)
        else [("[]", each) for each in value]
        if isinstance(value, list)
        else []
    )
    for name, each in inner:
        for path, types in shape(each, f"{at}.{name}").items():
            found.setdefault(path, set()).update(types)
    return found


def assert_same_shape(
    ours: Any, theirs: Any, *, new: set[str] = frozenset(), gone: set[str] = frozenset()
) -> None:  # type: ignore[assignment]
    """The same keys, nested the same, of the same types; `new` and `gone` are known to have changed."""
    a, b = shape(ours), shape(theirs)
    # Inside a list that one side has empty nothing can be compared.
    empty = {
        path
        for path, types in (a | b).items()
        if "list" in types and (f"{path}.[]" not in a or f"{path}.[]" not in b)
    }
    comparable = {
        path for path in a.keys() | b.keys() if not any(path.startswith(f"{each}.[]") for each in empty)
    }
    assert {path for path in comparable if path not in b} == set(new)
    assert {path for path in comparable if path not in a} == set(gone)
    for path in comparable & a.keys() & b.keys():
        numbers = {"int", "float"}
        same = a[path] & b[path] or "NoneType" in a[path] | b[path] or a[path] | b[path] <= numbers
        assert same, (path, a[path], b[path])

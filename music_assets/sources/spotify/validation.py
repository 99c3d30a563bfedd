"""Is a response of status 200 an answer to the request? Spotify has sent error bodies, `{}` and empty lists.

Each function says what is wrong with a body, to follow `answered … with`, or None. What is no answer is
requested again, and never believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from music_assets.ids import is_spotify_id
from music_assets.sources.bounded import plain


def is_named(item: Any) -> bool:
    """Whether this is an object with an id of Spotify's and a name: what lacks one is no candidate."""
    if not isinstance(item, Mapping) or not is_spotify_id(item.get("id")):
        return False
    name = item.get("name")
    return isinstance(name, str) and bool(name.strip())


def search_problem(body: Mapping[str, Any]) -> str | None:
    """What is wrong with the body of a search for tracks."""
    tracks = body.get("tracks")
    if problem := list_problem(tracks, "tracks"):
        return _error(body) or problem
    if (items := tracks["items"]) and not any(map(is_named, items)):  # type: ignore[index]
        return f"{len(items)} hits, none of them with an id and a name"
    return None


def list_problem(page: Any, what: str, offset: int = 0) -> str | None:
    """What is wrong with a page of a list."""
    items = page.get("items") if isinstance(page, Mapping) else None
    if not isinstance(items, list):
        return _error(page) or f"an object that holds no list of {what}"
    total = page.get("total")
    if isinstance(total, int) and (total > offset) != bool(items):
        return f"a total of {total} and {len(items)} items"
    return None


def object_problem(body: Any, kind: str, id_: str, *, in_market: bool = False) -> str | None:
    """What is wrong with an object that was requested by its id: `kind` is `track`, `album`, …

    A track may be relinked: it names the id that was requested, or, in development mode, only has another one
    where a market was named. Audio features are those of the track that it was relinked to.
    """
    if not isinstance(body, Mapping) or body.get("type") != kind:
        return _error(body) or f"an object that is not of the type {kind}"
    own, relinked = body.get("id"), body.get("linked_from")
    if not is_spotify_id(own):
        return f"an object without an id: {plain(own)!r}"
    if own != id_ and not (
        kind == "audio_features"
        or (kind == "track" and in_market)
        or (kind == "track" and isinstance(relinked, Mapping) and relinked.get("id") == id_)
    ):
        return f"another {kind}, {own}"
    if kind != "album":
        return None
    if problem := list_problem(body.get("tracks"), "tracks"):
        return problem
    total = body.get("total_tracks")
    return f"an album of {total} tracks that lists none" if total and not body["tracks"]["items"] else None


def _error(body: Any) -> str | None:
    error = body.get("error") if isinstance(body, Mapping) else None
    return f"an error in place of data: {plain(error)}" if error else None

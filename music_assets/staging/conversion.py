"""A staging area that an earlier version wrote, brought into the layout of this one.

Version 2: the files of a refresh are a kind of their own (`spotify_tracks_refresh`), where version 1 had them
among those of the partitions, named by their day; one manifest per partition (`staged_json`) in place of one
per kind. Nothing is recomputed, and no request is spent. An interrupted conversion goes on the next time.
"""

from __future__ import annotations

import re
from dataclasses import replace

from music_assets.staging.store import StagingStore
from music_assets.tables import STAGED

VERSION = 2
_MARKER = "staged_json", "all", ".layout.json"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_REFRESHED = {
    "spotify_tracks": "spotify_tracks_refresh",
    "spotify_artists": "spotify_artists_refresh",
    "artist_releases": "artist_releases",
}
_STATE = "spotify_refresh"  # what version 1 stored about refreshed days


def convert(store: StagingStore) -> int:
    """Convert what an earlier version staged, where that has not been done; returns how many files were
    moved."""
    if (store.read_json(*_MARKER) or {}).get("version") == VERSION:
        return 0
    days = (store.read_json(_STATE, "all", ".state.json") or {"days": []})["days"]
    moved = sum(_move(store, kind, refreshed, day) for kind, refreshed in _REFRESHED.items() for day in days)
    for kind in (*STAGED, *_REFRESHED):
        store.erase(f"staged_json/{kind}")
    store.erase(_STATE)
    store.write_json(*_MARKER, {"version": VERSION})
    return moved


def _move(store: StagingStore, kind: str, refreshed: str, day: str) -> int:
    file = store.staged_file(kind, day)
    if file is None or kind == refreshed or not _DAY.fullmatch(day):
        return 0
    store.write(replace(file, kind=refreshed), store.read(file))
    store.erase(kind, day)
    return 1

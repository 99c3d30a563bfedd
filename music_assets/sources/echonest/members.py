"""One song's file of the archive, `XX/SOXX….json`: which song it is about, and the Spotify ids in it."""

from __future__ import annotations

import re
from typing import Any

import orjson

from music_assets.ids import MSD_SONG_ID, SPOTIFY_ID

MAX_BYTES = 16 * 1024 * 1024  # of one song's file; the real ones have some 10 KB
_MEMBER = re.compile(rf"(?:^|/)({MSD_SONG_ID.pattern})\.json$")
_TRACK = re.compile(rf"spotify(?:-[A-Z]{{2}})?:track:({SPOTIFY_ID.pattern})")


def song_id_of(name: str) -> str | None:
    """The song that a member of this name is about; None for folders and other files in an archive.

    The name counts: the song id inside may be another, to which The Echo Nest had moved the song.
    """
    found = _MEMBER.search(name)
    return found[1] if found else None


def spotify_ids(content: bytes) -> list[str]:
    """The Spotify track ids in a song's file, each once, in its order; none where no song was found.

    They are at `response.songs[0].tracks[]`, as `foreign_id`. Raises `ValueError` where the content is not a
    response of The Echo Nest's.
    """
    body: Any = orjson.loads(content)
    response = body.get("response") if isinstance(body, dict) else None
    songs = response.get("songs") if isinstance(response, dict) else None
    if not isinstance(songs, list):
        raise ValueError("it holds no response with a list of songs")
    first = songs[0] if songs else {}
    tracks = first.get("tracks") if isinstance(first, dict) else None
    ids: dict[str, None] = {}
    for track in tracks if isinstance(tracks, list) else []:
        foreign = track.get("foreign_id") if isinstance(track, dict) else None
        if isinstance(foreign, str) and (found := _TRACK.fullmatch(foreign)):
            ids[found[1]] = None
    return list(ids)

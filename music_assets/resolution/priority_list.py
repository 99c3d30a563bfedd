"""The priority list: ids of MSD tracks, songs or artists that come first, one per line or within any text."""

from __future__ import annotations

import re
from pathlib import Path

from music_assets.errors import MusicAssetsError
from music_assets.ids import MSD_ARTIST_ID, MSD_SONG_ID, MSD_TRACK_ID

_IDS = (MSD_TRACK_ID, MSD_SONG_ID, MSD_ARTIST_ID)


class PriorityListError(MusicAssetsError):
    """A priority list that cannot be read, or that names no id."""


def read_priority_list(path: Path) -> list[str]:
    """The ids in a file (`TR…`, `SO…`, `AR…`), each once, in its order; other text is ignored.

    Raises:
        PriorityListError: the file is missing, is not UTF-8 text, or has no id in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PriorityListError(
            f"The priority list {path} cannot be read: {reason}. Correct the path in --tracks or "
            "MUSIC_ASSETS_TRACKS."
        ) from None
    found = re.findall(rf"\b(?:{'|'.join(id_.pattern for id_ in _IDS)})\b", text)
    if not found:
        raise PriorityListError(
            f"The priority list {path} names no id. An MSD id has two letters (TR, SO or AR) and 16 more "
            "letters or digits, such as TRAAAAW128F429D538."
        )
    return list(dict.fromkeys(found))

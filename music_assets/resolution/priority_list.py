"""A list of what somebody wants first: ids of MSD tracks, songs or artists, one a line or within any text."""

from __future__ import annotations

import re
from pathlib import Path

from music_assets.errors import MusicAssetsError

_ID = re.compile(r"\b(?:TR|SO|AR)[A-Z0-9]{16}\b")


class PriorityListError(MusicAssetsError):
    """A list that cannot be read, or that names nothing."""


def read_priority_list(path: Path) -> list[str]:
    """The ids a file names (`TR…`, `SO…`, `AR…`), in its order; whatever else it says is passed over.

    Raises:
        PriorityListError: there is no such file, it is no text, or no id is in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise PriorityListError(
            f"The list of tracks {path} cannot be read: {why}. Mend the path that --tracks or "
            "MUSIC_ASSETS_TRACKS names."
        ) from None
    ids = list(dict.fromkeys(_ID.findall(text)))
    if not ids:
        raise PriorityListError(
            f"The list of tracks {path} names none: ids of the MSD have two letters (TR, SO or AR) and 16 "
            "more letters or digits, such as TRAAAAW128F429D538."
        )
    return ids

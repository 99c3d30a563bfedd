"""The priority list: ids that come first, one per line or within any text."""

from __future__ import annotations

import codecs
from itertools import chain
from pathlib import Path

from music_assets.errors import MusicAssetsError
from music_assets.ids import Id, ids_as_written, misspelt_ids

# Where every line names one of these, what else is on the line describes it.
_MOST_TELLING = ("track", "song", "spotify", "isrc", "mbid")


class PriorityListError(MusicAssetsError):
    """A priority list that cannot be read, or that names no id."""


def read_priority_list(path: Path) -> list[str]:
    """The ids in a file, each once, in its order, as `listed_ids` finds them."""
    return [id_.value for id_ in listed_ids(path)]


def listed_ids(path: Path) -> list[Id]:
    """The ids in a file, as `ids_as_listed` finds them, in the spelling of their source."""
    return list(ids_as_listed(path))


def misspelt(path: Path) -> list[str]:
    """Words in a list that can be read which look like ids and are none, each once, in its order."""
    return list(dict.fromkeys(misspelt_ids(_text(path.read_bytes()))))


def ids_as_listed(path: Path) -> dict[Id, str]:
    """The ids of MSD tracks, songs and artists, Spotify ids, ISRCs and MusicBrainz ids in a file.

    Each is given once, in the file's order, with the spelling that it has there first; other text is ignored.
    In a table with a column of tracks, its songs and artists only describe them. The text may be UTF-8,
    UTF-16 or, failing these, Latin-1.

    Raises:
        PriorityListError: the file is missing, is no text, or has no id in it.
    """
    try:
        lines = [found for line in _text(path.read_bytes()).splitlines() if (found := ids_as_written(line))]
    except (OSError, UnicodeError) as error:
        reason, advice = "it is not text", "Save it as text or CSV, in UTF-8"
        if isinstance(error, OSError):
            reason, advice = str(error.strerror), "Correct the path in --tracks or MUSIC_ASSETS_TRACKS"
        raise PriorityListError(f"The priority list {path} cannot be read: {reason}. {advice}.") from None
    if not lines:
        raise PriorityListError(
            f"The priority list {path} names no id. An MSD id has two letters (TR, SO or AR) and 16 more "
            "letters or digits, such as TRAAAAW128F429D538; Spotify ids, ISRCs and MusicBrainz ids are "
            "taken as well."
        )
    kinds = [{id_.kind for id_, _ in line} for line in lines]
    kind = next((one for one in _MOST_TELLING if len(lines) > 1 and all(one in line for line in kinds)), None)
    listed: dict[Id, str] = {}
    for id_, text in chain.from_iterable(lines):
        if kind in (None, id_.kind):
            listed.setdefault(id_, text)
    return listed


def _text(content: bytes) -> str:
    """The text of a file in one of the encodings that spreadsheets write; `UnicodeError` where it is none."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if content[1:2] == b"\0" or content[:1] == b"\0":
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be")
    if b"\0" in content:
        raise UnicodeError("bytes, not text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")

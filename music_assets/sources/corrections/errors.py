"""Reading a file of corrections, and the error where that cannot be done."""

from __future__ import annotations

from pathlib import Path

from music_assets.errors import MusicAssetsError


class CorrectionsError(MusicAssetsError, ValueError):
    """A file of corrections that cannot be used; the message names it, the line, and what to do."""


def read_text(path: Path) -> str:
    """The text of a file without its byte order mark; `CorrectionsError` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorrectionsError(f"{path} cannot be read: {error.strerror}. Check its setting.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CorrectionsError(f"{path}, line {line}: it is not UTF-8; save it as UTF-8 text.") from None

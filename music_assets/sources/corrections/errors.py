"""Reading a file of corrections, and the error where that cannot be done."""

from __future__ import annotations

from pathlib import Path

from music_assets.errors import MusicAssetsError


class CorrectionsError(MusicAssetsError, ValueError):
    """A file of corrections that cannot be used; the message names it, the line, and what to do."""


def read_text(path: Path) -> str:
    """The text of a file, a byte order mark apart.

    Raises:
        CorrectionsError: It does not exist, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CorrectionsError(f"There is no file {path}. Check the setting that names it.") from None
    except OSError as error:
        raise CorrectionsError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CorrectionsError(f"{path}, line {line}: it is not UTF-8; save it as UTF-8 text.") from None

"""What the checks of `music-assets doctor` yield, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

OK, NOTE, PROBLEM = "ok", "note", "problem"


@dataclass(frozen=True)
class Finding:
    """What one check found: the state (`ok`, `note`, `problem`), a message, and what to do if anything."""

    subject: str
    state: str
    message: str
    advice: str = ""


def nearest_folder(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def write_and_remove(folder: Path) -> None:
    """Write a small file and remove it.

    Raises:
        OSError: the folder cannot be written to.
    """
    file = folder / f".music-assets-doctor-{uuid4().hex}"
    try:
        file.write_text("a harmless test; remove me")
    finally:
        file.unlink(missing_ok=True)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its class where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

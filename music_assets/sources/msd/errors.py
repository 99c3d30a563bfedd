"""Errors of MSD files and roots, with messages for the person who can fix them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from music_assets.errors import MusicAssetsError


class MsdRootError(MusicAssetsError):
    """An MSD root cannot be used at all: missing, empty, unreadable, or no MSD file."""


class WorkerDied(MusicAssetsError):
    """A process that read partitions was killed, or ended before it was done."""


class UnreadableFile(Exception):
    """One file cannot be read as an MSD file; its text is the reason.

    It does not leave this package: readers turn it into a `SetAside`.
    """


class SetAside(NamedTuple):
    """A file, or some of its rows, that was left out, and why."""

    path: Path
    reason: str

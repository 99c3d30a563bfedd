"""What can go wrong while getting the MSD, each by a name of its own.

Every message says what happened, where, and what to do next.
"""

from __future__ import annotations

from music_assets.errors import MusicAssetsError


class DownloadError(MusicAssetsError):
    """Base of every error of this room."""


class UnusableAddress(DownloadError):
    """The address is none, leads round in circles, or leads to something other than http and https."""


class Refused(DownloadError):
    """The server answers, and will not give the file (404, 403, …)."""


class Incomplete(DownloadError):
    """The file did not arrive whole within the tries there are; what arrived is kept for the next call."""


class NotAnArchive(DownloadError):
    """Something came that is no archive: a web page, most often."""


class ChecksumMismatch(DownloadError):
    """The file arrived whole and is not the one that was wanted."""


class NotEnoughSpace(DownloadError):
    """The disk is too small for what is to come, or became full on the way."""


class BrokenArchive(DownloadError):
    """The archive is cut short, damaged, or holds no song file."""


class TooLarge(DownloadError):
    """The archive, or an entry of it, is larger than any copy of the subset can be."""


class TargetInUse(DownloadError):
    """The target folder holds something else, or another download is at work there."""

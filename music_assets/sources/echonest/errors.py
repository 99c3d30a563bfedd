"""What can be wrong with the Echo Nest archive, each by a name of its own."""

from __future__ import annotations

from pathlib import Path

from music_assets.errors import MusicAssetsError

NAME = "millionsongdataset_echonest.tar.bz2"


class EchoNestError(MusicAssetsError):
    """Base of every error of this package."""


class ArchiveMissing(EchoNestError):
    """There is neither an archive nor a folder of one at the path given."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"There is no Echo Nest archive at {path}: {why}. Give {NAME}, or the folder it unpacks to."
        )


class ArchiveDamaged(EchoNestError):
    """The archive ends early, or is not an archive."""

    def __init__(self, path: Path, why: str, songs: int) -> None:
        super().__init__(
            f"The Echo Nest archive {path} cannot be read to its end ({why}; {songs:,} songs until there). "
            f"Download {NAME} again and compare its size (461 MB)."
        )


class IndexUnusable(EchoNestError):
    """The index beside the archive cannot be built or read."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The index {path} of the Echo Nest archive cannot be used: {why}. Free some disk (it takes "
            "about 200 MB), or delete it to have it rebuilt."
        )

"""What can go wrong with staged files. Messages name the object and the setting, and never hold a secret."""

from music_assets.errors import MusicAssetsError


class StagingError(MusicAssetsError):
    """Staged files could not be read or written."""


class DamagedFile(StagingError):
    """A staged file is missing or is not what was written."""

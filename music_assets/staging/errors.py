"""What can go wrong with staged files, named for the person who can act.

Every message tells which object or bucket, which setting, and what to do; none ever holds a secret.
"""

from __future__ import annotations

from music_assets.errors import MusicAssetsError


class StagingError(MusicAssetsError):
    """Staged files could not be read or written."""


class UnknownPlace(StagingError):
    """A place for staged files that this project has no way to reach."""


class NoBucket(StagingError):
    """The bucket does not exist, is elsewhere, or its name cannot be one."""


class NotAllowed(StagingError):
    """The credentials are good, and not good for this."""


class WrongCredentials(StagingError):
    """There are no credentials, or the server does not know them (any more)."""


class Throttled(StagingError):
    """The server asked to be asked less often, and went on doing so."""


class Unreachable(StagingError):
    """Nothing answers where the server should be."""


class BrokenTransfer(StagingError):
    """An answer broke off, or arrived other than it was sent, each time it was asked for."""


class DamagedFile(StagingError):
    """A staged file is missing or is not what its receipt says."""

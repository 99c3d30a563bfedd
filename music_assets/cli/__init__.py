"""The command line `music-assets`, one module per command: its options, what it does and what it prints.

Here: exit codes, and the error for options. What commands share is in `console` (drawing) and `lock` (one
writer per data folder). Heavy imports (Dagster, pandas, SQLAlchemy) are made within functions, so that help
and errors appear at once.
"""

from __future__ import annotations

from music_assets.errors import MusicAssetsError

EXIT_FAILED, EXIT_UNUSABLE, EXIT_INTERRUPTED = 1, 2, 130


class CommandError(MusicAssetsError):
    """An option or argument that cannot be used, in one sentence."""

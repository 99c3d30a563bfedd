"""The command line `music-assets`, one module per command: its options, what it does and what it prints.

Here: exit codes, and the options and arguments that commands share. `main` imports a command's module when
the command is called. Drawing is in `console`, the lock on a data folder in `lock`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from music_assets import ids
from music_assets.errors import MusicAssetsError

if TYPE_CHECKING:
    from music_assets.settings import Settings
    from music_assets.staging.store import StagingStore

EXIT_FAILED, EXIT_UNUSABLE, EXIT_INTERRUPTED = 1, 2, 130

data_option = click.option("--data", metavar="DIR", help="The data folder; `data` unless set.")


class CommandError(MusicAssetsError):
    """An option or argument that cannot be used, in one sentence."""


def staging_store(settings: Settings) -> StagingStore:
    """The staging area, for commands that need nothing of Dagster."""
    from music_assets.staging.store import StagingStore

    return StagingStore(settings.staging, endpoint=settings.aws.s3_endpoint)


class TrackId(click.ParamType[str]):
    """An MSD track id, as an argument."""

    name = "track id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not ids.is_msd_track_id(value):
            raise CommandError(f"{value!r} is not an MSD track id: TR and 16 more letters and digits.")
        return value

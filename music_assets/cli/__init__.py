"""The command line `music-assets`, one module per command: its options, what it does and what it prints.

Here: exit codes, and the options, arguments and imports that commands share. `main` imports the module of a
command when that is called. Drawing is in `console`, the lock on a data folder in `lock`.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from music_assets import ids
from music_assets.errors import MusicAssetsError

if TYPE_CHECKING:
    from music_assets.settings import Settings
    from music_assets.staging.store import StagingStore

EXIT_FAILED, EXIT_UNUSABLE, EXIT_INTERRUPTED = 1, 2, 130
INTERRUPTED = "Interrupted. What is finished is kept; the same command continues from here."

data_option = click.option("--data", metavar="DIR", help="The data folder; `data` unless set.")


class CommandError(MusicAssetsError):
    """An option or argument that cannot be used, in one sentence."""


@contextmanager
def interruptible_import() -> Iterator[None]:
    """End at once on Ctrl-C: an error raised amid an import may be lost in its callbacks, or be wrapped.

    For imports of Dagster, too, which commands import once they are called: their help comes at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        os.write(2, f"{INTERRUPTED}\n".encode())
        os._exit(EXIT_INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def staging_store(settings: Settings) -> StagingStore:
    """The staging area, for commands that need nothing of Dagster."""
    from music_assets.staging.store import StagingStore

    return StagingStore(settings.staging, endpoint=settings.aws.s3_endpoint)


def track_of(given: str, settings: Settings) -> str:
    """The MSD track that an id stands for: its own or, by the tables, its song's, artist's, match's or
    recording's.

    Raises:
        CommandError: it is no id, or of no track or of several.
        LookupFailed: there are no tables that say which track it is.
    """
    id_ = ids.parse_id(given)
    if id_ is None:
        raise CommandError(
            f"{given!r} is not an id: give that of an MSD track (TR and 16 more letters and digits), song or "
            "artist, a Spotify id or link, an ISRC, or the MusicBrainz id of a recording."
        )
    if id_.kind == "track":
        return id_.value
    from music_assets.cli.listing import tables_of
    from music_assets.lookup import lookup

    rows = lookup(id_.value, warehouse=tables_of(settings), columns=["track_id"])
    tracks = sorted(set(rows["track_id"].dropna()))
    if len(tracks) == 1:
        return str(tracks[0])
    if not tracks:
        raise CommandError(f"No track of the tables has the id {given}.")
    more = ", …" if len(tracks) > 10 else ""
    raise CommandError(f"{given} is the id of several tracks, name one: {', '.join(tracks[:10])}{more}.")

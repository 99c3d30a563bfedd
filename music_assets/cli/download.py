"""`music-assets download`: the MSD subset, from its address to a folder to run on."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from music_assets.cli import EXIT_INTERRUPTED, CommandError

if TYPE_CHECKING:
    from rich.console import Console

    from music_assets.sources.download import Got, Unpacked

    FetchProgress = Callable[[int, int | None], None]
    UnpackProgress = Callable[[Unpacked], None]


@click.command()
@click.option("--url", metavar="URL", help="Another address of the archive (.tar.gz or .tar).")
@click.option("--archive", metavar="FILE", help="An archive that is on this machine already.")
@click.option("--sha256", metavar="HEX", help="The checksum the archive must have.")
@click.option("--to", metavar="DIR", help="Where the songs go; <data>/msd unless set.")
@click.option("--data", metavar="DIR", help="Data folder; `data` unless set.")
@click.option("--keep-archive", is_flag=True, help="Leave the archive beside the songs.")
def download(
    url: str | None,
    archive: str | None,
    sha256: str | None,
    to: str | None,
    data: str | None,
    keep_archive: bool,
) -> None:
    """Get the MSD subset: 10,000 songs, an archive of 1.8 GB.

    Interrupted, it goes on from there when called again; finished, it does nothing more. For the full
    million songs see docs/install.md.

    \b
    Examples:
      music-assets download
      music-assets download --url https://mirror.example/millionsongsubset.tar.gz
      music-assets download --archive ~/Downloads/millionsongsubset.tar.gz
    """
    from rich.console import Console

    from music_assets.settings import Settings
    from music_assets.sources.download import ADDRESSES, get_subset

    if url and archive:
        raise CommandError("--url and --archive name the same thing twice: give one of them.")
    console = Console(soft_wrap=True)
    try:
        folder = Settings.from_environment(data=data).data
        target = Path(to).absolute() if to else folder / "msd"
        with _bars(console) as (on_fetch, on_unpack):
            got = get_subset(
                target,
                urls=[url] if url else ADDRESSES,
                archive=Path(archive).absolute() if archive else None,
                sha256=sha256,
                keep_archive=keep_archive,
                on_fetch=on_fetch,
                on_unpack=on_unpack,
            )
    except KeyboardInterrupt:
        console.print("Interrupted. What arrived is kept; the same command goes on from there.")
        raise SystemExit(EXIT_INTERRUPTED) from None
    _show(console, got)


@contextmanager
def _bars(console: Console) -> Iterator[tuple[FetchProgress, UnpackProgress]]:
    """A bar for what comes in, with rate and time left, and one for what is unpacked."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console) as progress:
        fetch = progress.add_task("fetching", total=None, start=False, visible=False, detail="")
        unpack = progress.add_task("unpacking", total=None, start=False, visible=False, detail="")

        def on_fetch(done: int, total: int | None) -> None:
            if not progress.tasks[0].started:  # what came earlier is no part of the rate
                progress.reset(fetch, completed=done, total=total, visible=True)
            progress.update(fetch, completed=done, total=total)

        def on_unpack(done: Unpacked) -> None:
            if not progress.tasks[1].started:
                progress.reset(unpack, visible=True)
            progress.update(unpack, completed=done.bytes, detail=f"{done.songs:,} songs")

        yield on_fetch, on_unpack


def _show(console: Console, got: Got) -> None:
    """What is there now, what was odd, what to do next."""
    if got.did_nothing:
        console.print(f"{got.root} is there already: nothing to do.", highlight=False)
    console.print(f"{got.count}.", highlight=False)
    if got.fetched:
        console.print(f"The archive's SHA-256 is {got.fetched.sha256}.", highlight=False)
    for reason, entries in got.unpacked.left_out.items() if got.unpacked else ():
        console.print(f"[yellow]Left out:[/] {entries:,} entries, {reason}.", highlight=False)
    if not got.count.is_whole:
        console.print(
            "[yellow]Note:[/] this is not the whole subset. If it should be, the archive is another "
            "one; what is there can be used.",
            highlight=False,
        )
    if got.archive:
        console.print(f"The archive is kept at {got.archive}.", highlight=False)
    root = str(got.root)
    console.print(f"\nNext: music-assets run --msd {shlex.quote(root)}", highlight=False, markup=False)

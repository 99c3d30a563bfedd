"""`music-assets download`: the MSD's subset or its summary file, to run on, and the dumps of open data."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource
from rich import progress

from music_assets.cli import CommandError, data_option
from music_assets.cli.console import Console
from music_assets.settings import Settings
from music_assets.sources.download import ADDRESSES, DUMPS, Downloaded, Progress, download_dump, get_subset
from music_assets.sources.msd import MsdRoot


@click.command()
@click.argument("what", type=click.Choice(["subset", *DUMPS]), default="subset")
@click.option("--summary", is_flag=True, help="The same as `download summary`.")
@click.option("--url", metavar="URL", help="Another address of the archive, or of the folder of dumps.")
@click.option("--archive", metavar="FILE", help="An archive of the subset that is on this machine already.")
@click.option("--sha256", metavar="HEX", help="The checksum the archive must have.")
@click.option("--to", metavar="DIR", help="Where the songs go; <data>/msd unless set.")
@data_option
@click.option("--keep-archive", is_flag=True, help="Leave the archive beside the songs.")
def download(
    what: str,
    summary: bool,
    url: str | None,
    archive: str | None,
    sha256: str | None,
    to: str | None,
    data: str | None,
    keep_archive: bool,
) -> None:
    """Get the MSD's subset (10,000 songs, 1.8 GB), its summary file, or a dump of open data.

    The summary file (300 MB) has the metadata of all million songs; tags and arrays are in the song files
    alone, those of the subset or of the full set. It goes to MUSIC_ASSETS_DOWNLOADS; name it with --msd.

    The dumps, which need no account: `musicbrainz` (2.2 GB) links songs to recordings, `acousticbrainz`
    (2.8 GB) has their features, `echonest` (0.5 GB) Spotify ids of 2016. They go to MUSIC_ASSETS_DOWNLOADS,
    where runs find them. Run again, it resumes what was interrupted. For the full million songs see
    docs/install.md.

    \b
    Examples:
      music-assets download --summary
      music-assets download
      music-assets download musicbrainz
      music-assets download --archive ~/Downloads/millionsongsubset.tar.gz
    """
    if url and archive:
        raise CommandError("--url and --archive name the same thing twice: give one of them.")
    console = Console(soft_wrap=True)
    named = click.get_current_context().get_parameter_source("what") is not ParameterSource.DEFAULT
    if summary and named and what != "summary":
        raise CommandError(f"--summary and {what} are two things: get one after the other.")
    what = "summary" if summary else what
    settings = Settings.from_environment(data=data)
    if what != "subset":
        if archive or sha256 or to or keep_archive:
            raise CommandError("--archive, --sha256, --to and --keep-archive are for the subset alone.")
        console.print(f"{what}: {DUMPS[what].size}.")
        with _bars(console) as bar:
            files = download_dump(what, settings.downloads, base_url=url, progress=bar)
        console.print(*(f"{file} is there." for file in files), sep="\n")
        run = "music-assets run"
        if what == "summary":
            songs = sum(map((msd := MsdRoot.open(files[0])).count, msd.partitions()))
            console.print(f"It has {songs:,} songs.")
            run += f" --msd {shlex.quote(str(files[0]))}"
        console.print(f"\nNext: {run}")
        return
    target = Path(to).absolute() if to else settings.data / "msd"
    with _bars(console) as bar:
        got = get_subset(
            target,
            urls=[url] if url else ADDRESSES,
            archive=Path(archive).absolute() if archive else None,
            sha256=sha256,
            keep_archive=keep_archive,
            progress=bar("fetching"),
            on_unpack=bar("unpacking"),
        )
    console.print(*_lines(got), sep="\n")


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[str], Progress]]:
    """Bars by name, with rate and time left, which appear once there is progress."""
    columns = (progress.DownloadColumn(), progress.TransferSpeedColumn(), progress.TimeRemainingColumn())
    tasks: dict[str, progress.TaskID] = {}
    with progress.Progress(*progress.Progress.get_default_columns()[:2], *columns, console=console) as bars:

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:  # what arrived earlier does not count for the rate
                tasks[name] = bars.add_task(name, completed=done, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield lambda name: partial(show, name)


def _lines(got: Downloaded) -> Iterator[str]:
    """What is there now, what was odd, what to do next."""
    if got.unpacked is None:
        yield f"{got.root} is there already: nothing to do."
    yield f"{got.count}."
    if got.sha256:
        yield f"The archive's SHA-256 is {got.sha256}."
    for reason, entries in got.unpacked.left_out.items() if got.unpacked else ():
        yield f"Left out: {entries:,} {reason}."
    if not got.count.is_whole:
        yield "Note: this is not the whole subset; what is there can be used."
    if got.archive:
        yield f"The archive is at {got.archive}."
    yield f"\nNext: music-assets run --msd {shlex.quote(str(got.root))}"
